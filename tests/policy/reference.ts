/**
 * A second implementation of the rules, written from the packs and src/policy/README.md alone: fractions of
 * whole numbers instead of fen and millionths, one person and one insurance at a time, nothing shared with
 * src/policy. Slow and plain on purpose; reference.test.ts holds the two against each other.
 */
import type { Declaration } from '../../src/declaration/schema.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'

/** A fraction. */
type Q = readonly [over: bigint, under: bigint]

const q = (decimal: string): Q => {
  const [whole = '', part = ''] = decimal.split('.')
  return [BigInt(whole + part), 10n ** BigInt(part.length)]
}
const zero: Q = [0n, 1n]
const add = ([a, b]: Q, [c, d]: Q): Q => [a * d + c * b, b * d]
const times = ([a, b]: Q, [c, d]: Q): Q => [a * c, b * d]
const below = ([a, b]: Q, [c, d]: Q) => a * d < c * b
const sum = (all: readonly Q[]) => all.reduce(add, zero)
const percent = (rate: string) => times(q(rate), [1n, 100n])

/** Whole fen of a fraction of yuan that has no part of a fen. */
const fen = ([a, b]: Q): number => {
  if ((a * 100n) % b !== 0n) throw new Error('part of a fen')
  return Number((a * 100n) / b)
}

type Row = { from: string; to?: string; sources: readonly unknown[] }

/** README: where no row covers a period, its gap says what applies; `none` and no gap: nothing does. */
function row<R extends Row>(pack: PolicyPack, period: string, key: string, all: readonly R[] = []) {
  const now = all.filter(({ from, to = '9999-99' }) => from <= period && period <= to)
  if (now[0] !== undefined) return now[0]
  const gap = pack.gaps.find(
    ({ key: of, from = '', to = '9999-99' }) =>
      (of === key || key.startsWith(`${of}/`)) && from <= period && period <= to,
  )
  if (gap === undefined || gap.fill === 'none') return undefined
  if (gap.fill === 'next') return all.find(({ from }) => from > period)
  return all.filter(({ to = '9999-99' }) => to < period).at(-1)
}

const names = ['pension', 'medical', 'unemployment', 'work-injury'] as const
type Name = (typeof names)[number]

function parameters(pack: PolicyPack, period: string) {
  const find = <R extends Row>(key: string, rows?: readonly R[]) => row(pack, period, key, rows)
  const limits = names.map((name) =>
    find(
      `limits/${name}`,
      pack.limits.filter((one) => one.insurances === undefined || one.insurances.includes(name)),
    ),
  )
  const shares = (['pension', 'medical', 'unemployment'] as const).map((name) =>
    find(`rates/${name}`, pack.rates[name]),
  )
  const injury = find('rates/work-injury', pack.rates['work-injury'])
  const rounding = find('rounding', pack.rounding)
  const deadline = find('calendar/deadlines', pack.calendar.deadlines)
  const whole = [...limits, ...shares, injury, rounding, deadline]
  if (period < pack.region.from || whole.includes(undefined)) return undefined
  const declared = find('bases/unit', pack.bases?.unit)?.insurances ?? []
  const services = new Set(pack.platform?.tariffs.map(({ service }) => service))
  return {
    limits: limits as NonNullable<(typeof limits)[0]>[],
    shares: shares as NonNullable<(typeof shares)[0]>[],
    injury: injury as NonNullable<typeof injury>,
    rounding: rounding as NonNullable<typeof rounding>,
    deadline: deadline as NonNullable<typeof deadline>,
    declared: (name: Name) => declared.includes(name),
    flat: (name: Name, side: string) =>
      find(
        `flat/${name}/${side}`,
        pack.flat?.filter((one) => one.insurance === name && one.side === side),
      )?.amount ?? '0',
    chosen: find('flexible/pensionBases', pack.flexible?.pensionBases),
    flexibleRate: find('flexible/pensionRates', pack.flexible?.pensionRates)?.rate,
    medical: find('flexible/medical', pack.flexible?.medical),
    tariff: (service: string) =>
      services.has(service)
        ? find(
            `platform/tariffs/${service}`,
            pack.platform?.tariffs.filter((one) => one.service === service),
          )?.perOrder
        : undefined,
    services: services.size > 0,
  }
}

type Parameters = NonNullable<ReturnType<typeof parameters>>

function round({ rounding: { mode, scale } }: Parameters, [a, b]: Q): Q {
  const step = 10n ** BigInt(scale)
  const [whole, rest] = [(a * step) / b, (a * step) % b]
  const up = mode === 'up' ? rest > 0n : mode === 'half-up' ? rest * 2n >= b : false
  return [up ? whole + 1n : whole, step]
}

const clamp = (wage: Q, floor: Q, ceiling: Q) =>
  below(wage, floor) ? floor : below(ceiling, wage) ? ceiling : wage

type Amount = { base: Q; employer: Q; employee: Q }
type Worked = { lines: number[][]; totals: Map<string, number[]> }

/** What a valid declaration comes to, in fen: each line's amounts, and base, employer, employee of each insurance. */
function work(declaration: Declaration, is: Parameters, pack: PolicyPack): Worked {
  const { lines = [], industryClass = pack.region.defaultIndustryClass } = declaration
  const float = [BigInt(declaration.workInjuryFloat ?? 100), 100n] as Q
  const injury = times(percent(is.injury.employerByClass[industryClass - 1] as string), float)
  const rate = (k: number) =>
    k < 3 ? percent((is.shares[k] as { employer: string }).employer) : injury
  const own = (k: number) =>
    percent(k < 3 ? (is.shares[k] as { employee: string }).employee : is.injury.employee)
  const forUnit = (name: Name) => is.declared(name) || is.rounding.per === 'unit'
  const nothing: Amount = { base: zero, employer: zero, employee: zero }
  const table = lines.map((line) =>
    names.map((name, k): Amount => {
      const { floor, ceiling } = is.limits[k] as { floor: string; ceiling: string }
      if (line.category === 'employee') {
        const base = clamp(q(line.wage), q(floor), q(ceiling))
        const paid = forUnit(name) ? zero : round(is, times(base, rate(k)))
        return {
          base,
          employer: add(paid, q(is.flat(name, 'employer'))),
          employee: add(round(is, times(base, own(k))), q(is.flat(name, 'employee'))),
        }
      }
      if (line.category === 'platform') return nothing
      const tier = is.chosen?.tiers?.find((one) => one.tier === line.tier)?.base
      const base = line.base ?? tier
      if (name === 'pension' && base !== undefined) {
        const paid = round(is, times(q(base), percent(is.flexibleRate as string)))
        return { ...nothing, base: q(base), employee: paid }
      }
      if (name !== 'medical' || line.medical === 'none' || is.medical === undefined) return nothing
      const { withAccount, withoutAccount, base: on } = is.medical
      const medical = line.medical === 'with-account' ? withAccount : withoutAccount
      const paidOn = q(on === 'floor' ? floor : (base as string))
      return { ...nothing, base: paidOn, employee: round(is, times(paidOn, percent(medical))) }
    }),
  )
  const totals = new Map<string, number[]>()
  names.forEach((name, k) => {
    const column = table.map((amounts) => amounts[k] as Amount)
    const employees = column.filter((_, i) => lines[i]?.category === 'employee')
    const summed = sum(employees.map(({ base }) => base))
    const unitBase = is.declared(name) ? q(declaration.unitBase ?? '0') : summed
    const made = forUnit(name) ? round(is, times(unitBase, rate(k))) : zero
    totals.set(name, [
      fen(sum(column.map(({ base }) => base))),
      fen(add(sum(column.map(({ employer }) => employer)), made)),
      fen(sum(column.map(({ employee }) => employee))),
    ])
  })
  const days = new Map<string, Q[]>()
  for (const line of lines) {
    for (const { date, service, orders } of line.category === 'platform' ? line.days : []) {
      const paid = times([BigInt(orders), 1n], q(is.tariff(service) as string))
      days.set(date, [...(days.get(date) ?? []), paid])
    }
  }
  const orders = [...days.values()].map((paid) => round(is, sum(paid)))
  if (orders.length > 0) totals.set('occupational-injury', [0, fen(sum(orders)), 0])
  const flat = table.map((amounts) =>
    amounts.flatMap(({ base, employer, employee }) => [fen(base), fen(employer), fen(employee)]),
  )
  return { lines: flat, totals: lines.length === 0 ? new Map() : totals }
}

const dayMs = 86_400_000

/** Milliseconds since 1970 of a time in China (UTC+8, no summer time since 1991). */
const instant = (dayAt: number, time: string) => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return dayAt + (hours - 8) * 3_600_000 + minutes * 60_000
}

function deadlines({ deadline }: Parameters, period: string, { calendar }: PolicyPack) {
  const [year = 0, month = 0] = period.split('-').map(Number)
  const index = month - 1 + deadline.monthsAfterPeriod
  const last = new Date(Date.UTC(year, index + 1, 0)).getUTCDate()
  let at = Date.UTC(year, index, Math.min(last, deadline.day))
  const isFree = () => {
    const text = new Date(at).toISOString().slice(0, 10)
    if (calendar.workingDays.includes(text)) return false
    return [0, 6].includes(new Date(at).getUTCDay()) || calendar.nonWorkingDays.includes(text)
  }
  const step = { same: 0, next: dayMs, previous: -dayMs }[deadline.onNonWorkingDay]
  while (step !== 0 && isFree()) at += step
  const close = deadline.replacementsClose
  return {
    end: instant(at + deadline.graceDays * dayMs, deadline.time),
    replacementsEnd: close && instant(at - close.daysBefore * dayMs, close.time),
  }
}

/** ISO 7064 MOD 11-2 over all eighteen characters. */
function isIdentityNumber(idType: string, filed: string): boolean {
  const number = filed.trim()
  if (!/^[0-9]{17}[0-9X]$/.test(number)) return false
  const total = [...number].reduce(
    (rest, character) => rest * 2 + (character === 'X' ? 10 : Number(character)),
    0,
  )
  return total % 11 === 1 && (idType === 'resident-id') === !/^[89]/.test(number)
}

const isYuan = (value: unknown) =>
  typeof value === 'string' && /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$/.test(value)

type Filed = Readonly<Record<string, unknown>>
const members: Readonly<Record<string, readonly string[]>> = {
  employee: ['person', 'category', 'wage', 'change'],
  flexible: ['person', 'category', 'tier', 'base', 'medical', 'change'],
  platform: ['person', 'category', 'days'],
}

function isLine(filed: Filed, is: Parameters, period: string, today: string): boolean {
  const known = members[String(filed.category)]
  const person = filed.person as { idType: string; idNumber: string }
  if (known === undefined || Object.keys(filed).some((name) => !known.includes(name))) return false
  if (!isIdentityNumber(person.idType, person.idNumber)) return false
  if (filed.category === 'employee') return isYuan(filed.wage)
  if (filed.category === 'flexible') return isFlexible(filed, is)
  const days = filed.days as { date: string; service: string }[]
  const each = new Set(days.map(({ date, service }) => `${date} ${service}`))
  return (
    each.size === days.length &&
    days.every(({ date, service }) => {
      const at = new Date(`${date}T00:00:00Z`)
      const isReal = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(date)
      return isReal && date.slice(0, 7) === period && date <= today && is.tariff(service)
    })
  )
}

function isFlexible({ tier, base, medical }: Filed, is: Parameters): boolean {
  const { chosen, flexibleRate, limits } = is
  if (chosen === undefined || flexibleRate === undefined) return false
  if (medical !== 'none' && is.medical === undefined) return false
  if (tier !== undefined && base !== undefined) return false
  if (tier === undefined && base === undefined) {
    return medical !== 'none' && is.medical?.base === 'floor'
  }
  if (tier !== undefined) return chosen.tiers?.some((one) => one.tier === tier) === true
  const { floor, ceiling } = limits[0] as { floor: string; ceiling: string }
  const isWithin = () =>
    !below(q(base as string), q(floor)) && !below(q(ceiling), q(base as string))
  return chosen.choice === 'any-within-limits' && isYuan(base) && isWithin()
}

export type Reference = {
  readonly valid: boolean
  readonly end: number
  readonly replacementsEnd: number | undefined
  readonly worked: Worked | undefined
}

/** @returns undefined where the pack has nothing for the period. @param now milliseconds since 1970 */
export function referenceOf(
  declaration: Declaration,
  pack: PolicyPack,
  now: number,
): Reference | undefined {
  const { period, kind, lines = [], unitBase, replaces } = declaration
  const is = parameters(pack, period)
  if (is === undefined) return undefined
  const ends = deadlines(is, period, pack)
  const today = new Date(now + 8 * 3_600_000).toISOString().slice(0, 10)
  const isCancelled = kind === 'cancellation'
  const numbers = lines.map(({ person }) => `${person.idType} ${person.idNumber.trim()}`)
  const floats =
    is.injury.floats?.[(declaration.industryClass ?? pack.region.defaultIndustryClass) - 1]
  const float = declaration.workInjuryFloat ?? 100
  const two = names.filter((name) => is.declared(name))
  const employees = lines.filter(({ category }) => category === 'employee')
  const sums = two.map((name) => {
    const { floor, ceiling } = is.limits[names.indexOf(name)] as { floor: string; ceiling: string }
    return sum(
      employees.map((line) =>
        'wage' in line && isYuan(line.wage) ? clamp(q(line.wage), q(floor), q(ceiling)) : zero,
      ),
    )
  })
  const valid = [
    declaration.region === pack.region.code,
    period <= today.slice(0, 7),
    (kind === 'regular') === (replaces === undefined),
    isCancelled === (lines.length === 0),
    now < ends.end || !is.deadline.refuseLate,
    kind === 'regular' || ends.replacementsEnd === undefined || now < ends.replacementsEnd,
    float === 100 || floats?.includes(float) === true,
    new Set(numbers).size === numbers.length,
    two.length > 0 || unitBase === undefined,
    isCancelled || two.length === 0 || unitBase !== undefined || employees.length === 0,
    isCancelled || unitBase === undefined || sums.every((one) => !below(q(unitBase), one)),
    lines.every((line) => isLine(line, is, period, today)),
  ].every(Boolean)
  return { valid, ...ends, worked: valid ? work(declaration, is, pack) : undefined }
}
