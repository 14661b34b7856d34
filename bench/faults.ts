/**
 * `npm run faults -- [--seed N] [--seeds COUNT] [--minutes M] [--only TEXT]
 * [--backend redis|postgres] [--patience N] [--json]`: an engine of real processes under load, broken
 * in every way of the catalogue, in an order that the seed decides; then the auditor. Both backends at
 * once, each an engine of its own. Without --minutes each fault comes once. Exits with 1 when an
 * invariant is broken or a recovery took too long; --patience multiplies how long it may take, for
 * machines that are slow or shared.
 *
 * A seed decides the order of the faults, their victims and moments, and what every filer sends. It does not
 * decide how the machine shares its cores.
 */

import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AuditReport } from '../src/audit/audit.ts'
import { HistoryFile } from '../src/audit/history.ts'
import { helpText, parseArguments, wrongUse } from '../src/platform/command/arguments.ts'
import { reportFailure } from '../src/platform/command/failure.ts'
import { tellAside, write } from '../src/platform/command/output.ts'
import { auditWorld } from './faults/audit-world.ts'
import { faults } from './faults/catalogue.ts'
import type { Fault } from './faults/fault.ts'
import { FaultError } from './faults/fault-error.ts'
import { type Load, startLoad } from './faults/load.ts'
import { connectSoon, drained, recover } from './faults/recovery.ts'
import { holds, type Injected, type Result, report, resultOf } from './faults/report.ts'
import { type BackendKind, World } from './faults/world.ts'
import { createGenerator } from './support/generator.ts'
import { type StoppedBySignal, stopOnSignal } from './support/stopping.ts'

const usage = helpText(
  'Usage: npm run faults -- [--seed N] [--seeds COUNT] [--minutes M] [--only TEXT] [--backend redis|postgres] [--patience N] [--json]',
  {
    '--seed N': 'the first seed; 1 unless given',
    '--seeds COUNT': 'how many seeds; 1 unless given',
    '--minutes M': 'go on with further seeds for this long',
    '--only TEXT': 'faults whose name has this text',
    '--backend redis|postgres': 'one queue; both unless given',
    '--patience N': 'multiplies all deadlines, for a busy machine',
    '--json': 'print the result as JSON',
  },
  'npm run faults -- --only killed --patience 4',
)

/** Envelopes under way in an engine that keeps up with its load: a third of a second's. */
const calmEnvelopesMax = 200
const calmMsMax = 20_000
/** Load before the first fault and between two. */
const calmMs = 500

type Options = {
  readonly seeds: readonly number[]
  readonly minutes: number
  readonly only: string | undefined
  readonly backends: readonly BackendKind[]
  readonly patience: number
  readonly json: boolean
}

/** One run of one seed on one backend. */
type Run = Omit<Options, 'seeds' | 'backends' | 'json'> & {
  readonly seed: number
  readonly backend: BackendKind
}

/** Those that run: a signal stops all of them, and then the runner. */
const worlds = new Set<World>()

function stopWorldsOnSignal(): void {
  const stopping = stopOnSignal()
  stopping.addEventListener('abort', () => {
    const stopped = Promise.allSettled([...worlds].map((world) => world.stop(true)))
    void stopped.then(() => process.exit((stopping.reason as StoppedBySignal).status))
  })
}

async function main(args: string[]): Promise<void> {
  stopWorldsOnSignal()
  const { seeds, backends, json, ...options } = readArguments(args)
  const results: Result[] = []
  for (const seed of seeds) {
    const runs = backends.map((backend) => runOn({ ...options, seed, backend }))
    const settled = await Promise.allSettled(runs)
    for (const one of settled) if (one.status === 'rejected') throw one.reason
    const done = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    if (json) for (const one of done) write(`${JSON.stringify(resultOf(one))}\n`)
    results.push(...done)
  }
  if (!json) report(results)
  if (!results.every(holds)) process.exitCode = 1
}

const optionsOf = {
  seed: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '0' },
  only: { type: 'string' },
  backend: { type: 'string' },
  patience: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
} as const

function readArguments(args: string[]): Options {
  const told = `${usage}\n\nFaults:\n${faults.map(({ name }) => `  ${name}`).join('\n')}`
  const { values } = parseArguments({ args, options: optionsOf }, told)
  const { only, backend, json } = values
  const numberOf = (name: 'seed' | 'seeds' | 'minutes' | 'patience', min: number, max: number) => {
    const number = Number(values[name])
    if (number >= min && number <= max) return number
    throw wrongUse(`--${name} must be a number from ${min} to ${max}.`, told)
  }
  const [first, count] = [numberOf('seed', 0, 2 ** 31), numberOf('seeds', 1, 1_000)]
  const [minutes, patience] = [numberOf('minutes', 0, 24 * 60), numberOf('patience', 1, 1_000)]
  if (!Number.isInteger(first)) throw wrongUse('--seed must be a whole number.', told)
  const backends = (['redis', 'postgres'] as const).filter((one) => (backend ?? one) === one)
  if (backends.length === 0) throw wrongUse('--backend must be redis or postgres.', told)
  if (!faults.some(({ name }) => name.includes(only ?? '')))
    throw wrongUse(`No fault has ${only} in its name.`, told)
  const seeds = Array.from({ length: count }, (_, i) => first + i)
  return { seeds, minutes, only, backends, patience, json }
}

async function runOn(run: Run): Promise<Result> {
  const { backend, seed } = run
  const world = new World(backend)
  let broken = true
  worlds.add(world)
  await world.start()
  try {
    mkdirSync(path.join(world.folder, 'evidence'))
    const historyFile = path.join(world.folder, 'evidence', 'history.jsonl')
    const history = new HistoryFile(historyFile)
    const load = startLoad(world, history, seed)
    const injected = await injectAll(world, load, run)
    await load.stop()
    await drained(world)
    world.assertWhole()
    history.close()
    const audit = withLogs(await auditWorld(world, historyFile), world, load)
    const { folder } = world
    const result = { backend, seed, injected, acknowledged: load.acknowledged(), audit, folder }
    broken = !holds(result)
    return result
  } finally {
    if (broken) say(`${backend}: the evidence is kept in ${world.folder}`)
    await world.stop(broken)
    worlds.delete(world)
  }
}

async function injectAll(world: World, load: Load, run: Run): Promise<Injected[]> {
  const { backend, seed, patience } = run
  const injected: Injected[] = []
  for (const fault of schedule(run)) {
    const missing = fault.missing?.()
    if (missing !== undefined) {
      say(`${backend} ${seed}: left out, ${missing}: ${fault.name}`)
      continue
    }
    await pause(calmMs)
    const before = load.acknowledged()
    say(`${backend} ${seed}: ${fault.name}`)
    const random = createGenerator(seed + injected.length)
    await fault.run(world, random, load)
    const recovery = await recover(world, fault)
    injected.push({ fault, ...recovery, acknowledged: load.acknowledged() - before, patience })
    await calm(world)
  }
  return injected
}

/** Each once in an order of the seed's, or again and again until the time is over. */
function* schedule({ backend, seed, minutes, only }: Run): Generator<Fault> {
  const random = createGenerator(seed)
  const fitting = faults.filter(
    (fault) =>
      (fault.backend ?? backend) === backend &&
      (only === undefined ? !fault.long || minutes > 0 : fault.name.includes(only)),
  )
  const until = performance.now() + minutes * 60_000
  do {
    const left = [...fitting]
    while (left.length > 0) yield left.splice(random.integer(0, left.length - 1), 1)[0] as Fault
  } while (performance.now() < until)
}

/** Each fault finds an engine that keeps up: what one left behind is not the next one's. */
async function calm(world: World): Promise<void> {
  const client = await connectSoon(world)
  const until = performance.now() + calmMsMax
  try {
    for (;;) {
      const { rows } = await client.query<{ count: number }>(
        'select count(*)::int as count from journal.unposted',
      )
      if ((rows[0]?.count ?? 0) <= calmEnvelopesMax || performance.now() > until) return
      await pause(50)
    }
  } finally {
    await client.end()
  }
}

/** Nothing personal in the processes' logs either. */
function withLogs(audit: AuditReport, { logFile }: World, { planted }: Load): AuditReport {
  if (planted.length === 0) throw new FaultError('no person was planted')
  const log = readFileSync(logFile, 'utf8')
  const named = planted
    .filter((number) => log.includes(number))
    .map((number) => ({ what: logFile, why: `it has the number of a person: ${number}` }))
  if (named.length === 0) return audit
  const verdicts = audit.verdicts.map((verdict) =>
    verdict.code === 'I11'
      ? { ...verdict, offenders: verdict.offenders + named.length, named }
      : verdict,
  )
  return { ...audit, verdicts, holds: false }
}

function say(line: string): void {
  tellAside(`${line}\n`)
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error: unknown) => {
    if (error instanceof FaultError) say(error.message)
    else reportFailure(error)
    process.exit(1)
  },
)
