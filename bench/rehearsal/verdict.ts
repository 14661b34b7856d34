/**
 * The verdict on a day: pass, fail, or void where the generator was the limit or too little was
 * measured. What is lost, posted twice or answered as nobody documents it fails whatever the generator
 * did; rates and times can be judged only where the load was what it should be.
 */
import { type Limits, limitBetween, timeText } from './load/limit.ts'
import type { Objectives } from './objectives.ts'
import {
  type AuditResult,
  type ObjectiveResult,
  type RehearsalRecord,
  type Samples,
  tooFew,
  type Verdict,
} from './record.ts'

export type GeneratorSeen = {
  readonly name: string
  readonly sent: number
  readonly late: number
  /** Seconds in which its event loop was busier than it may be. */
  readonly busySeconds: number
}

export type Day = {
  readonly objectives: Objectives
  readonly samples: Samples
  readonly totals: Pick<
    RehearsalRecord['totals'],
    'offered' | 'refused' | 'failed' | 'p99Ms' | 'accepted'
  >
  /** Accepted filings whose receipt took longer than the objective has it. */
  readonly slow: number
  /** Real seconds that the day took; what comes after is draining. */
  readonly daySeconds: number
  /** Null where something was not posted in time. */
  readonly postedAfterSeconds: number | null
  /** Why filings failed, or reads did; `no answer` is told apart. */
  readonly failures: ReadonlyMap<string, number>
  readonly generators: readonly GeneratorSeen[]
  readonly limits: Limits
  readonly audit: AuditResult | null
  /** Where there is no audit: accepted filings that the installation did not show as posted. */
  readonly unconfirmed: number | null
  /** Files, faults and scaling that could not be done as planned. */
  readonly planFaults: readonly string[]
}

export type Judged = {
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  readonly objectives: readonly ObjectiveResult[]
}

/** Objectives of correctness: no load excuses their breach. */
const unconditional = new Set(['lost', 'brokenInvariants', 'undocumentedAnswers'])

/** Of all filings, so many may be beyond the bound of a 99th percentile. */
const slowShare = 0.01
/** So many have ten in their slowest hundredth: their percentile is taken as it is. */
const percentileOfMin = 1_000
/** Of fewer, one or two by chance are the slowest hundredth: then this must be surer than a guess. */
const confidence = 0.95

export function judge(day: Day): Judged {
  const objectives = [
    accepted(day),
    refused(day),
    noAnswer(day),
    undocumented(day),
    postedInTime(day),
    ...ofAudit(day),
  ]
  const voids = voidReasons(day)
  const reasons = [
    ...voids,
    ...objectives.flatMap(({ title, why }) => (why === null ? [] : [`${title}: ${why}`])),
    ...day.planFaults,
  ]
  return { verdict: verdictOf(day, objectives, voids.length > 0), reasons, objectives }
}

function verdictOf(
  { planFaults }: Day,
  objectives: readonly ObjectiveResult[],
  isVoid: boolean,
): Verdict {
  const broken = objectives.filter((one) => !one.holds && !tooFew(one))
  if (broken.some(({ name }) => unconditional.has(name))) return 'fail'
  if (isVoid) return 'void'
  if (broken.length > 0 || planFaults.length > 0) return 'fail'
  return objectives.some(tooFew) ? 'void' : 'pass'
}

function voidReasons({ objectives: { generator: bounds }, generators, totals }: Day): string[] {
  const reasons = generators.flatMap(({ name, sent, late, busySeconds }) => [
    ...(late > bounds.lateShare * sent
      ? [
          `The load was not what it should be: ${name} sent ${late} of ${sent} requests more than ${bounds.lateMs} ms late. Give it cores of its own, or a smaller profile.`,
        ]
      : []),
    ...(busySeconds > bounds.busySeconds
      ? [
          `The load was not what it should be: ${name} had its core busy for more than ${Math.round(100 * bounds.busyShare)} % of the time in ${busySeconds} seconds. Use more generators, or a smaller profile.`,
        ]
      : []),
  ])
  return totals.offered === 0 ? ['Nothing was offered.', ...reasons] : reasons
}

function accepted(day: Day): ObjectiveResult {
  const { objectives, totals, samples, limits, slow } = day
  const bound = objectives.acceptedP99Ms
  const { accepted: count, p99Ms } = totals
  const measured = count === 0 ? null : p99Ms
  const least = leastToShow(slow)
  // A bound that was missed is missed, however few were measured.
  const enough = measured === null || measured > bound || count >= least
  return result({
    name: 'acceptedP99Ms',
    restsOn: { count, enough },
    title: '99 of 100 accepted filings have their receipt within',
    unit: 'ms',
    bound,
    measured,
    why: () => {
      if (measured === null) return 'nothing was accepted.'
      if (!enough)
        return `it was ${measured.toFixed(0)} ms, of ${count} accepted filings, which are too few to say: with ${slow === 0 ? 'none' : slow} beyond the bound, ${least} are the least that show it with ${100 * confidence} % confidence. Compress the day less.`
      const beyond = where(samples.p99, (p99) => (p99 ?? 0) > bound)
      const worst = samples.p99[beyond.worst] ?? 0
      return `it was ${measured.toFixed(0)} ms over the day, and ${worst.toFixed(0)} ms in the second at ${timeText(samples, beyond.worst)}. ${limitBetween(limits, samples, beyond)}`
    },
  })
}

/**
 * The least number of filings of which so many may be slow, and still fewer than a hundredth of all
 * are with 95 % confidence: by chance alone, so few of a hundredth would be seen once in twenty times.
 * That is 299 with none (0.99 to the power of 299 is 0.05), 473 with one, and 1,000 at most.
 */
export function leastToShow(slow: number): number {
  let count = slow
  while (count < percentileOfMin && chanceOfSoFew(slow, count) > 1 - confidence) count += 1
  return count
}

/** The binomial distribution: that of `count`, `slow` at most are so, where a hundredth of all is. */
function chanceOfSoFew(slow: number, count: number): number {
  let term = (1 - slowShare) ** count
  let sum = term
  for (let i = 1; i <= slow; i += 1) {
    term *= ((count - i + 1) / i) * (slowShare / (1 - slowShare))
    sum += term
  }
  return sum
}

function refused(day: Day): ObjectiveResult {
  const { objectives, totals, samples, limits } = day
  const measured = totals.offered === 0 ? null : totals.refused / totals.offered
  return result({
    name: 'refusedShare',
    title: 'share of filings refused for want of room (429, 503), at most',
    unit: 'share',
    bound: objectives.refusedShare,
    measured,
    why: () => {
      const refusing = where(samples.refused, (count) => count > 0)
      const most = samples.refused[refusing.worst] ?? 0
      return `${totals.refused} of ${totals.offered}, most of them (${most} in a second) at ${timeText(samples, refusing.worst)}. ${limitBetween(limits, samples, refusing)}`
    },
  })
}

function noAnswer(day: Day): ObjectiveResult {
  const { objectives, totals, samples, limits } = day
  const count = day.failures.get('no answer') ?? 0
  return result({
    name: 'noAnswerShare',
    title: 'share of filings without an answer, at most',
    unit: 'share',
    bound: objectives.noAnswerShare,
    measured: totals.offered === 0 ? null : count / totals.offered,
    why: () => {
      const failing = where(samples.failed, (failed) => failed > 0)
      return `${count}, most of them at ${timeText(samples, failing.worst)}. ${limitBetween(limits, samples, failing)}`
    },
  })
}

function undocumented({ objectives, failures }: Day): ObjectiveResult {
  const wrong = [...failures].filter(([why]) => !why.startsWith('no answer'))
  return result({
    name: 'undocumentedAnswers',
    title: 'answers that are not documented, at most',
    unit: 'answers',
    bound: objectives.undocumentedAnswers,
    measured: wrong.reduce((sum, [, count]) => sum + count, 0),
    why: () => `${wrong.map(([why, count]) => `${count} times ${why}`).join(', ')}.`,
  })
}

function postedInTime(day: Day): ObjectiveResult {
  const { objectives, samples, limits, postedAfterSeconds, daySeconds } = day
  return result({
    name: 'postedWithinSeconds',
    title: 'everything is posted, after the day’s end, within',
    unit: 's',
    bound: objectives.postedWithinSeconds,
    measured: postedAfterSeconds,
    why: () => {
      const last = samples.backlog.length - 1
      const waiting = where(samples.backlog, (count) => count > 0)
      const left = samples.backlog[last] ?? 0
      const told =
        postedAfterSeconds === null
          ? `${left} declarations still waited ${last + 1 - daySeconds} s after it.`
          : `the last was posted ${postedAfterSeconds.toFixed(0)} s after it.`
      return `${told} Most (${samples.backlog[waiting.worst] ?? 0}) waited at ${timeText(samples, waiting.worst)}. ${limitBetween(limits, samples, waiting)}`
    },
  })
}

function ofAudit({ objectives, audit, unconfirmed }: Day): ObjectiveResult[] {
  const lost = audit === null ? unconfirmed : violations(audit, (id) => id === 'I1')
  const broken = audit === null ? null : violations(audit, (id) => id !== 'I1')
  const title = 'accepted filings that are not posted in the end, at most'
  const results = [
    result({
      name: 'lost',
      title,
      unit: 'declarations',
      bound: objectives.lost,
      measured: lost,
      why: () =>
        lost === null ? 'nobody looked.' : `${lost} acknowledged filings were not found posted.`,
    }),
  ]
  if (audit === null && unconfirmed !== null) return results
  const named = audit?.invariants.filter((one) => one.violations > 0 && one.id !== 'I1') ?? []
  return [
    ...results,
    result({
      name: 'brokenInvariants',
      title: 'offenders that the auditor found against all other promises, at most',
      unit: 'offenders',
      bound: objectives.brokenInvariants,
      measured: broken,
      why: () =>
        broken === null
          ? 'there was no audit.'
          : `${named.map(({ id, title: what, violations: count }) => `${id} (${what}) by ${count}`).join(', ')}.`,
    }),
  ]
}

function violations({ invariants }: AuditResult, which: (id: string) => boolean): number {
  return invariants.reduce((sum, one) => sum + (which(one.id) ? one.violations : 0), 0)
}

type Measured = Pick<ObjectiveResult, 'name' | 'title' | 'unit' | 'measured'> & {
  readonly restsOn?: ObjectiveResult['restsOn']
  readonly bound: number
  readonly why: () => string
}

function result({ bound, measured, restsOn = null, why, ...names }: Measured): ObjectiveResult {
  const holds = measured !== null && measured <= bound && restsOn?.enough !== false
  return { ...names, bound: { atMost: bound }, measured, restsOn, holds, why: holds ? null : why() }
}

export type Stretch = { readonly from: number; readonly to: number; readonly worst: number }

/** From the first to the last second for which something is so, and where it is most. */
function where<T extends number | null>(column: readonly T[], is: (value: T) => boolean): Stretch {
  const from = column.findIndex(is)
  const to = column.findLastIndex(is)
  let worst = Math.max(0, from)
  for (const [i, value] of column.entries()) if ((value ?? 0) > (column[worst] ?? 0)) worst = i
  return { from: Math.max(0, from), to: Math.max(0, to), worst }
}
