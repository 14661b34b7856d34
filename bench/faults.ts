/**
 * `npm run faults -- [--seed N] [--minutes M] [--only TEXT] [--backend redis|postgres]
 * [--patience N] [--json]`: an
 * engine of real processes under load, broken in every way of the catalogue, in an order that the
 * seed decides; then the auditor. Without --minutes each fault comes once on each backend. Exits with
 * 1 when an invariant is broken or a recovery took too long; --patience multiplies how long it may
 * take, for machines that are slow or shared.
 */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { type AuditReport, auditHistory } from '../src/audit/audit.ts'
import { HistoryFile } from '../src/audit/history.ts'
import { reportFailure, UsageError } from '../src/platform/failure.ts'
import { readKeyring } from '../src/platform/keyring.ts'
import { type Fault, FaultError, faults } from './faults/catalogue.ts'
import { startLoad } from './faults/load.ts'
import { type BackendKind, World } from './faults/world.ts'
import { createGenerator } from './support/generator.ts'
import { machine } from './support/report.ts'

const usage =
  'Usage: npm run faults -- [--seed N] [--minutes M] [--only TEXT] [--backend redis|postgres] [--patience N] [--json]'

/** A recovery that takes longer is given up on: the run has failed then. */
const recoveryMsMax = 60_000
const drainMsMax = 120_000
/** Load before the first fault and between two. */
const calmMs = 700

type Options = {
  readonly seed: number
  readonly minutes: number
  readonly only: string | undefined
  readonly backends: readonly BackendKind[]
  readonly patience: number
  readonly json: boolean
}

/** What became of one fault, injected once. */
type Injected = {
  readonly fault: Fault
  readonly acknowledged: number
  /** Seconds from its end: to the first posting, and where a goal says so until all is posted. */
  readonly first: number
  readonly all: number
  readonly patience: number
}

type Result = {
  readonly backend: BackendKind
  readonly injected: readonly Injected[]
  readonly acknowledged: number
  readonly audit: AuditReport
  readonly folder: string
}

async function main(args: string[]): Promise<void> {
  const options = readArguments(args)
  let good = true
  for (const backend of options.backends) {
    say(`${backend}, seed ${options.seed}`)
    const result = await runOn(backend, options)
    if (options.json) process.stdout.write(`${JSON.stringify(resultOf(result))}\n`)
    else report(result)
    good &&= holds(result)
  }
  if (!good) process.exitCode = 1
}

function readArguments(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seed: { type: 'string', default: '1' },
        minutes: { type: 'string', default: '0' },
        only: { type: 'string' },
        backend: { type: 'string' },
        patience: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
      },
    })
    const [seed, minutes] = [Number(values.seed), Number(values.minutes)]
    const { only, backend, json } = values
    const patience = Number(values.patience)
    const backends = (['redis', 'postgres'] as const).filter((one) => (backend ?? one) === one)
    const named = faults.some(({ name }) => name.includes(only ?? ''))
    const sound = Number.isInteger(seed) && seed >= 0 && minutes >= 0 && minutes <= 24 * 60
    if (sound && patience >= 1 && named && backends.length > 0) {
      return { seed, minutes, only, backends, patience, json }
    }
  } catch {
    // the usage says it
  }
  throw new UsageError(`${usage}\nFaults:\n${faults.map(({ name }) => `  ${name}`).join('\n')}`)
}

async function runOn(backend: BackendKind, options: Options): Promise<Result> {
  const world = new World(backend)
  let broken = true
  const onSignal = () => void world.stop(true).finally(() => process.exit(1))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, onSignal)
  await world.start()
  try {
    mkdirSync(path.join(world.folder, 'evidence'))
    const historyFile = path.join(world.folder, 'evidence', 'history.jsonl')
    const history = new HistoryFile(historyFile)
    const load = startLoad(world, history, options.seed)
    const injected: Injected[] = []
    for (const fault of schedule(backend, options)) {
      await pause(calmMs)
      const before = load.acknowledged()
      say(`  ${fault.name}`)
      const random = createGenerator(options.seed + injected.length)
      const recovery = await inject(world, fault, random)
      const acknowledged = load.acknowledged() - before
      injected.push({ fault, ...recovery, acknowledged, patience: options.patience })
    }
    await load.stop()
    await drained(world)
    const acknowledged = load.acknowledged()
    history.close()
    const audit = await auditWorld(world, historyFile)
    const result = { backend, injected, acknowledged, audit, folder: world.folder }
    broken = !holds(result)
    return result
  } finally {
    if (broken) say(`  the evidence is kept in ${world.folder}`)
    await world.stop(broken)
  }
}

/** Each once in an order of the seed's, or again and again until the time is over. */
function* schedule(backend: BackendKind, { seed, minutes, only }: Options): Generator<Fault> {
  const random = createGenerator(seed)
  const fitting = faults.filter(
    (fault) => (fault.backend ?? backend) === backend && fault.name.includes(only ?? ''),
  )
  const until = performance.now() + minutes * 60_000
  do {
    const left = [...fitting]
    while (left.length > 0) yield left.splice(random.integer(0, left.length - 1), 1)[0] as Fault
  } while (performance.now() < until)
}

/** Injects a fault, and measures how long it takes from its end until posting goes on. */
async function inject(
  world: World,
  fault: Fault,
  random: ReturnType<typeof createGenerator>,
): Promise<Pick<Injected, 'first' | 'all'>> {
  await fault.run(world, random)
  const began = performance.now()
  const client = await connectSoon(world)
  try {
    const { rows } = await client.query<{ postings: string; waiting: string[] | null }>(
      `select (select count(*) from ledger.posting) as postings,
         (select array_agg(envelope) from journal.unposted) as waiting`,
    )
    const [state] = rows
    const seconds = () => (performance.now() - began) / 1_000
    let first: number | undefined
    for (;;) {
      const { rows: now } = await client.query<{ postings: string; left: string }>(
        `select (select count(*) from ledger.posting) as postings,
           (select count(*) from journal.unposted where envelope = any($1::bigint[])) as left`,
        [state?.waiting ?? []],
      )
      if (Number(now[0]?.postings) > Number(state?.postings)) first ??= seconds()
      const all = fault.within.all === undefined || Number(now[0]?.left) === 0
      if (all && first !== undefined) return { first, all: seconds() }
      if (seconds() * 1_000 > recoveryMsMax) {
        return { first: first ?? Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY }
      }
      await pause(20)
    }
  } finally {
    await client.end()
  }
}

async function connectSoon(world: World): Promise<pg.Client> {
  for (;;) {
    const client = await world.connect().catch(() => undefined)
    if (client !== undefined) return client
    await pause(20)
  }
}

async function drained(world: World): Promise<void> {
  const client = await connectSoon(world)
  const until = performance.now() + drainMsMax
  try {
    for (;;) {
      const { rows } = await client.query<{ left: string }>(
        'select count(*) as left from journal.unposted',
      )
      if (Number(rows[0]?.left) === 0 || performance.now() > until) return
      await pause(100)
    }
  } finally {
    await client.end()
  }
}

async function auditWorld(world: World, historyFile: string): Promise<AuditReport> {
  const { sealingKeys, receiptKeys } = readKeyring(world.keyringFile)
  const client = new pg.Client({ connectionString: world.postgres.ownerUrl })
  await client.connect()
  try {
    return await auditHistory({
      client,
      historyFile,
      sealingKeys,
      publicKeys: receiptKeys.map(({ publicJwk }) => publicJwk),
      onProgress: () => {},
    })
  } finally {
    await client.end()
  }
}

function inTime({ fault: { within }, first, all, patience }: Injected): boolean {
  return first <= patience * (within.first ?? 60) && all <= patience * (within.all ?? 60)
}

function holds({ injected, audit }: Result): boolean {
  return audit.holds && injected.every(inTime)
}

function resultOf(result: Result) {
  const { backend, injected, acknowledged, audit } = result
  return {
    backend,
    acknowledged,
    holds: holds(result),
    faults: injected.map(({ fault, ...more }) => ({ fault: fault.name, ...more })),
    broken: audit.verdicts.filter(({ offenders }) => offenders > 0),
  }
}

function report(result: Result): void {
  const { backend, injected, acknowledged, audit } = result
  const lost = offenders(audit, 'I1')
  const doubled = offenders(audit, 'I2')
  const write = (line: string) => void process.stdout.write(`${line}\n`)
  write(`\nfaults on ${backend}, on ${machine()}\n`)
  write(
    '| fault | times | acknowledged | first posting after it, s | all posted, s | goal, s | holds |',
  )
  write('|---|---:|---:|---:|---:|---:|---|')
  for (const [fault, group] of Map.groupBy(injected, (one) => one.fault)) {
    const most = (of: (one: Injected) => number) => Math.max(...group.map(of)).toFixed(1)
    const { first, all } = fault.within
    const goal = [first && `first ${first}`, all && `all ${all}`].filter(Boolean).join(', ')
    const sum = group.reduce((total, one) => total + one.acknowledged, 0)
    const verdict = group.every(inTime) ? 'yes' : 'NO'
    const whole = all === undefined ? '' : most((one) => one.all)
    const cells = [fault.name, group.length, sum, most((one) => one.first), whole, goal, verdict]
    write(`| ${cells.join(' | ')} |`)
  }
  write(`\n${acknowledged} acknowledged, ${lost} lost, ${doubled} doubled.`)
  for (const { code, title, offenders: count, named } of audit.verdicts) {
    write(`${code.padEnd(5)}${title.padEnd(70)}${count === 0 ? 'holds' : `BROKEN by ${count}`}`)
    for (const { what, why } of named) write(`       ${what}: ${why}`)
  }
}

function offenders({ verdicts }: AuditReport, code: string): number {
  return verdicts.find((verdict) => verdict.code === code)?.offenders ?? 0
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error: unknown) => {
    if (error instanceof FaultError) say(error.message)
    else reportFailure(error)
    process.exit(1)
  },
)
