/**
 * `npm run bench:bursts [-- --json]`: what an idle engine does with many filings at once, and what it does
 * when commits get slow.
 *
 * Bursts: so many filings at once, each filer honouring Retry-After, until all are accepted. How long that
 * took is told beside what as many take from a hundred clients that each send the next after an answer, and
 * what share of it some commit was under way.
 *
 * Slow commits: a trigger that sleeps makes each commit longer. Filings come at three times what group
 * commit can bring at most: a full group in the time of its commit, which is the sleep and what the same
 * group took without it; and never more than what this machine accepts without the sleep. Then the sleep
 * ends, and half of capacity goes on until nothing is refused.
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { issueToken } from '../src/intake/auth/issue-token.ts'
import { groupDeclarationsMax } from '../src/limits.ts'
import { readKeyring } from '../src/platform/config/key-store.ts'
import type { BurstSeen } from './programs/burst.ts'
import type { LoadSeen } from './programs/open-load.ts'
import { benchArguments } from './support/arguments.ts'
import { fire, prepareFilings } from './support/filings.ts'
import { createGenerator } from './support/generator.ts'
import { runBurst, runOpenLoad } from './support/open-load.ts'
import { cpuMicros, type MeasuredProcess, startProgram } from './support/processes.ts'
import { type Figure, median, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'
import type { Filing, Filings } from './support/unique-filings.ts'

const bursts = (process.env.BENCH_BURSTS ?? '900/1,20000/200').split(',').map((text) => {
  const [filings = 0, filers = 0] = text.split('/').map(Number)
  return { filings, filers }
})
const sleepsMs = (process.env.BENCH_SLEEPS ?? '50,200,700,2500')
  .split(',')
  .filter((text) => text !== '')
  .map(Number)
const turns = Number(process.env.BENCH_TURNS ?? 3)
const capacitySeconds = Number(process.env.BENCH_SECONDS ?? 6)
/** Commits of a slow journal that are waited for before it is measured, and then measured. */
const commitsBefore = 5
const commitsMeasured = Number(process.env.BENCH_COMMITS ?? 12)
const secondsMin = 6
const calmSeconds = 8
const lines = 5
const periods = Array.from(
  { length: 20 },
  (_, month) => `${2023 + Math.floor(month / 12)}-${String(1 + (month % 12)).padStart(2, '0')}`,
)

async function main(): Promise<void> {
  benchArguments('bench:bursts', {})
  const services = await startServices()
  const owner = new pg.Pool({ connectionString: services.ownerUrl, max: 2 })
  const { databaseUrl, keyringFile } = services
  const intake = await startProgram('src/commands/intake.ts', {
    DATABASE_URL: databaseUrl,
    KEYRING_FILE: keyringFile,
    // All filers are on this machine.
    CONNECTIONS_PER_ADDRESS_MAX: '0',
  })
  try {
    const filings = await prepareFilings(services, { lines })
    await fire(intake.address, filings, { duration: capacitySeconds }, true)
    const { accepted, seconds } = await fire(
      intake.address,
      filings,
      { duration: capacitySeconds },
      true,
    )
    const capacity = accepted / seconds
    say(`capacity ${Math.round(capacity)}/s`)
    const figures: Figure[] = [{ figure: 'capacity', value: capacity, unit: 'declarations/s' }]
    for (const burst of bursts)
      figures.push(...(await measureBurst(services, intake, capacity, burst)))
    const slow = { owner, intake, filings, capacity, fullGroupMs: await fullGroupMs(intake) }
    for (const ms of sleepsMs) figures.push(...(await measureSlow(slow, ms)))
    if (!report('bench:bursts', figures)) process.exitCode = 1
  } finally {
    await intake.end()
    await owner.end()
    await services.stop()
  }
}

type Burst = (typeof bursts)[number]
type BurstTurn = BurstSeen & { readonly committing: number }

async function measureBurst(
  services: Services,
  intake: MeasuredProcess,
  capacity: number,
  burst: Burst,
): Promise<Figure[]> {
  const name = `${burst.filings} at once from ${burst.filers}`
  const seen: BurstTurn[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    const filings = await prepareBurst(services, burst, turn)
    await pause(2_000) // the engine is idle
    const before = await commits(intake)
    const cpuBefore = cpuMicros(intake.pid)
    const port = Number(new URL(intake.address).port)
    const one = await runBurst({ port, filings, keyPrefix: `burst-${turn}` })
    const committing = ((await commits(intake)).seconds - before.seconds) / one.seconds
    say(
      `${name}: ${one.seconds.toFixed(2)} s, ${one.refused} refused, ${one.triesMost} tries at most, Retry-After ${one.retryAfterMedian} s (at most ${one.retryAfterMost}), ${JSON.stringify(one.other)}, committing ${committing.toFixed(2)}`,
    )
    const busy = (cpuMicros(intake.pid) - cpuBefore) / 1e6 / one.seconds
    say(
      `  intake ${busy.toFixed(2)} cores; in each second accepted ${one.acceptedIn.join(' ')}, refused ${one.refusedIn.join(' ')}`,
    )
    seen.push({ ...one, committing })
  }
  const middle = (of: (turn: BurstTurn) => number) => median(seen.map(of))
  const seconds = middle((turn) => turn.seconds)
  const isSmall = burst.filings < capacity
  return [
    {
      figure: `${name}: all in`,
      value: seconds,
      unit: 's',
      ...(isSmall && { goal: { atMost: 3 } }),
    },
    {
      figure: `${name}: all in / what capacity needs`,
      value: (seconds * capacity) / burst.filings,
      unit: 'ratio',
      ...(!isSmall && { goal: { atMost: 1.5 } }),
    },
    {
      figure: `${name}: tries at most`,
      value: middle((turn) => turn.triesMost),
      unit: '',
      ...(isSmall && { goal: { atMost: 2 } }),
    },
    { figure: `${name}: refused`, value: middle((turn) => turn.refused), unit: 'answers' },
    {
      figure: `${name}: a commit was under way`,
      value: middle((turn) => turn.committing),
      unit: 'share',
    },
  ]
}

/** Regular declarations of so many filers, each for employers of its own: none stands yet. */
async function prepareBurst({ keyringFile }: Services, { filings, filers }: Burst, turn: number) {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  // Of each burst its own employers: what stands can't be declared a second time.
  const generator = createGenerator(1_000 * filings + turn)
  const scopes = ['declarations:write']
  const each = Math.ceil(filings / filers / periods.length)
  const made: Pick<Filing, 'body' | 'authorization'>[] = []
  for (let filer = 0; filer < filers; filer += 1) {
    const employers = Array.from({ length: each }, () => generator.employer())
    const token = await issueToken(
      { key, issuer: 'spillway', audience: 'spillway' },
      { subject: `filer ${filer}`, employers, scopes, ttlSeconds: 7_200 },
    )
    for (const employer of employers)
      for (const period of periods)
        made.push({
          body: JSON.stringify(generator.declaration({ employer, period, lines })),
          authorization: `Bearer ${token}`,
        })
  }
  return made.slice(0, filings)
}

type Slow = {
  readonly owner: pg.Pool
  readonly intake: MeasuredProcess
  readonly filings: Filings
  readonly capacity: number
  readonly fullGroupMs: number
}

/** What a full group takes without a sleep, by all commits so far: the same for each declaration. */
async function fullGroupMs(intake: MeasuredProcess): Promise<number> {
  const { seconds, declarations } = await commits(intake)
  return (1_000 * seconds * groupDeclarationsMax) / declarations
}

let loads = 0

async function measureSlow(slow: Slow, sleepMs: number): Promise<Figure[]> {
  const { owner, intake, filings, capacity } = slow
  const commitMs = sleepMs + slow.fullGroupMs
  const most = Math.min(capacity, (1_000 * groupDeclarationsMax) / commitMs)
  const load = (perSecond: number, seconds: number): Promise<LoadSeen> => {
    loads += 1
    return runOpenLoad({
      ports: [Number(new URL(intake.address).port)],
      perSecond,
      seconds,
      filings,
      keyPrefix: `slow-${loads}`,
      keepAnswers: false,
      seed: loads,
    })
  }
  await sleepInCommits(owner, sleepMs)
  await load(3 * most, Math.max(secondsMin, (commitsBefore * commitMs) / 1_000))
  const began = performance.now()
  const before = await commits(intake)
  const seen = await load(3 * most, Math.max(secondsMin, (commitsMeasured * commitMs) / 1_000))
  const after = await commits(intake)
  await sleepInCommits(owner, 0)
  const calm = await load(0.5 * capacity, calmSeconds)
  const perSecond = seen.accepted / seen.lastedSeconds
  const refusedLast = calm.seconds.findLastIndex(({ refused }) => refused > 0)
  const group = (after.declarations - before.declarations) / (after.count - before.count)
  const name = `commits of ${sleepMs} ms more`
  say(
    `${name}: ${perSecond.toFixed(0)}/s of ${most.toFixed(0)}, p99 ${seen.acceptedMs.p99.toFixed(0)} ms, groups of ${group.toFixed(0)}, ${JSON.stringify(seen.other)}, ${((performance.now() - began) / 1_000).toFixed(0)} s, calm after ${refusedLast + 1} s`,
  )
  return [
    { figure: `${name}: at most`, value: most, unit: 'declarations/s' },
    {
      figure: `${name}: accepted / at most`,
      value: perSecond / most,
      unit: 'ratio',
      goal: { atLeast: 0.9 },
    },
    { figure: `${name}: p99 of the accepted`, value: seen.acceptedMs.p99, unit: 'ms' },
    { figure: `${name}: declarations in a group`, value: group, unit: '' },
    {
      figure: `${name}: nothing refused after the sleep's end`,
      value: refusedLast + 1,
      unit: 's',
      goal: { atMost: 5 },
    },
  ]
}

async function sleepInCommits(owner: pg.Pool, ms: number): Promise<void> {
  await owner.query(
    `create or replace function journal.slow() returns trigger language plpgsql as $$
     begin perform pg_sleep(${ms / 1_000}); return new; end $$;
     create or replace trigger slow before insert on journal.envelope
     for each row execute function journal.slow()`,
  )
}

/** All commits of the intake so far, by its metrics. */
async function commits({ operators }: MeasuredProcess) {
  const text = await (await fetch(`${operators}/metrics`)).text()
  const sum = (name: string) =>
    Number(new RegExp(`^spillway_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  return {
    count: sum('commit_seconds_count'),
    seconds: sum('commit_seconds_sum'),
    declarations: sum('group_declarations_sum'),
  }
}

await main()
