/** A rehearsal from its first process to its record: start, probe, the day, the audit, the verdict. */
import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { AuditReport } from '../../src/audit/audit.ts'
import { HistoryFile } from '../../src/audit/history.ts'
import { auditWorld } from '../faults/audit-world.ts'
import { World } from '../faults/world.ts'
import { machine } from '../support/report.ts'
import { type DayDone, driveDay, type Planned } from './day.ts'
import type { Display } from './display.ts'
import { assertRehearsed } from './dry-run.ts'
import { type ForecastOptions, forecastOf } from './forecast.ts'
import { prepareFiles } from './load/files.ts'
import type { Filers } from './load/filings.ts'
import { Generators } from './load/generators.ts'
import { probe } from './load/probe.ts'
import { assertHarmless, RemoteObserver, readTokens } from './load/remote.ts'
import { type Objectives, readObjectives } from './objectives.ts'
import { Observer } from './observer.ts'
import type { Options, OwnOptions, RemoteOptions, Throttle } from './options.ts'
import { plannedFaults, plannedFiles, plannedScaling } from './plan.ts'
import { type Profile, readProfile, sourcesOf } from './profile.ts'
import { type AuditResult, type Forecast, type RehearsalRecord, recordFormat } from './record.ts'
import { heatOf, narrowOf, processSamplesOf, rounded, samplesOf } from './samples.ts'
import { type Shape, shapeOf } from './shape.ts'
import { judge } from './verdict.ts'

type Parts = {
  readonly options: Options
  readonly profile: Profile
  readonly objectives: Objectives
  readonly shape: Shape
  readonly folder: string
  readonly display: Display
  readonly signal: AbortSignal
  readonly history: HistoryFile
}

/** How it came out, apart from how it was driven. */
type Driven = {
  readonly day: DayDone
  readonly generators: Generators
  readonly prepared: { readonly filings: number; readonly employers: number }
  readonly forecast: Forecast | null
  readonly audit: AuditResult | null
  readonly historyFile: string
  readonly unconfirmed: number | null
  readonly engine: RehearsalRecord['engine']
  readonly settings: readonly (readonly [string, string])[]
}

/** Drains are watched for longer than they may take, to say by how much. */
const drainSecondsMore = 30

/** @param out where a dry run's history is kept, for who may audit the database that it was filed in */
export async function rehearse(
  options: Options,
  out: string,
  display: Display,
  signal: AbortSignal,
): Promise<RehearsalRecord> {
  const profile = readProfile(options.profile)
  const objectives = readObjectives(options.objectives)
  const shape = shapeOf(profile, options.compress)
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-rehearsal-'))
  const history = new HistoryFile(path.join(folder, 'runner.jsonl'))
  const parts = { options, profile, objectives, shape, folder, display, signal, history }
  try {
    const driven =
      options.remote === undefined
        ? await rehearseOwn(parts, options.own)
        : await rehearseRemote(parts, options.remote)
    signal.throwIfAborted()
    if (driven.engine.kind === 'dry-run') keepHistory(driven.historyFile, out)
    return recordOf(parts, driven)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function rehearseOwn(parts: Parts, own: OwnOptions): Promise<Driven> {
  const { options, display, shape, signal } = parts
  const need = (what: 'proxied' | 'standby' | 'misbehaving') =>
    own.faults.some(({ fault }) => fault[what] === true)
  const needs = {
    proxied: need('proxied'),
    standby: need('standby'),
    misbehaving: need('misbehaving'),
  }
  const world = new World(own.queue, { ...own, ...needs })
  const filers = { keyringFile: world.keyringFile }
  let generators: Generators | undefined
  try {
    display.say(
      `starting an engine: Postgres, queue in ${own.queue}, ${own.intakes} intake, ${own.workers} workers, ${own.batchWorkers} batch worker`,
    )
    await world.start()
    signal.throwIfAborted()
    if (own.throttle !== undefined) await throttle(world, own.throttle)
    const forecast = await forecastFor(parts, world, own)
    signal.throwIfAborted()
    const addresses = () => world.intakes.map(({ address }) => address)
    generators = generatorsOf(parts, filers, addresses(), true)
    const load = generators
    const prepared = await load.prepare()
    signal.throwIfAborted()
    display.say(`prepared ${prepared.filings} filings of ${prepared.employers} employers`)
    const files = await prepareFiles(parts.profile, { ...parts, filers, ...options })
    const planned = [
      ...plannedFiles(files, { ...parts, addresses, ...options }),
      ...plannedFaults(world, own, shape, options.seed),
      ...plannedScaling(world, own, shape, () => load.reach(addresses())),
    ]
    const observer = new Observer(world, () => load.pids)
    const day = await drive(parts, load, observer, planned)
    await observer.stop()
    await load.stop()
    display.say('asking the auditor about every declaration sent')
    const historyFile = await joinHistories(parts, load.historyFiles)
    const audit = auditResultOf(await auditWorld(world, historyFile))
    const engine = { kind: 'own' as const, ...own }
    const settings = settingsOf(own)
    return {
      day,
      generators: load,
      prepared,
      forecast,
      audit,
      historyFile,
      unconfirmed: null,
      settings,
      engine: engineOf(engine),
    }
  } finally {
    await generators?.stop()
    await world.stop(false)
  }
}

function engineOf({ kind, queue, intakes, workers, batchWorkers }: OwnOptions & { kind: 'own' }) {
  return { kind, queue, intakes, workers, batchWorkers }
}

async function rehearseRemote(parts: Parts, remote: RemoteOptions): Promise<Driven> {
  const { options, display, objectives, profile } = parts
  const filers = readTokens(remote.tokenFile)
  const first = { ...parts, ...options, profile }
  const environment = await (remote.dryRun ? assertRehearsed : assertHarmless)(
    remote,
    filers,
    first,
  )
  display.say(
    remote.dryRun
      ? `A dry run with ${remote.url} (environment "${environment}"): nothing of it counts`
      : `FILING FOR REAL with ${remote.url} (environment "${environment}")`,
  )
  const generators = generatorsOf(parts, filers, [remote.url], false)
  try {
    const prepared = await generators.prepare()
    const files = await prepareFiles(profile, { ...parts, filers, ...options })
    const addresses = () => [remote.url]
    const planned = plannedFiles(files, { ...parts, addresses, ...options })
    const accepted = () => generators.tally.total('accepted')
    const observer = new RemoteObserver(remote.url, `Bearer ${filers.tokens[0]?.token}`, accepted)
    const day = await drive(parts, generators, observer, planned)
    display.say('asking for every accepted filing whether it is posted')
    const unconfirmed = await generators.confirm(1_000 * objectives.postedWithinSeconds)
    const historyFile = await joinHistories(parts, generators.historyFiles)
    const engine = {
      kind: remote.dryRun ? ('dry-run' as const) : ('url' as const),
      queue: 'unknown' as const,
      intakes: null,
      workers: null,
      batchWorkers: null,
    }
    const settings = [
      ['URL', remote.url],
      ['environment', environment],
      ['dry run', remote.dryRun ? 'yes: nothing of it counts' : 'no: filed for real'],
    ] as const
    return {
      ...{ day, generators, prepared, unconfirmed, engine, settings, historyFile },
      ...{ forecast: null, audit: null },
    }
  } finally {
    await generators.stop()
  }
}

function generatorsOf(
  { options, objectives, shape, profile, folder }: Parts,
  filers: Filers,
  addresses: readonly string[],
  knowsPolicy: boolean,
): Generators {
  const { lateMs, busyShare } = objectives.generator
  return new Generators({
    ...{ shape, profile, filers, addresses, folder, knowsPolicy },
    count: options.generators,
    seed: options.seed,
    period: options.period,
    // Keys are remembered for ever: a second rehearsal of an installation must have others.
    keyPrefix: `rehearsal-${Date.now().toString(36)}`,
    lateMsMax: lateMs,
    busyShareMax: busyShare,
  })
}

function drive(
  { shape, objectives, display, signal }: Parts,
  generators: Generators,
  observer: Pick<Observer, 'look'>,
  planned: readonly Planned[],
): Promise<DayDone> {
  const drainSecondsMax = objectives.postedWithinSeconds + drainSecondsMore
  return driveDay({ shape, generators, observer, planned, drainSecondsMax, display, signal })
}

async function forecastFor(parts: Parts, world: World, own: OwnOptions): Promise<Forecast | null> {
  if (own.probeSeconds === 0) return null
  const { profile, options, history, display, shape, signal } = parts
  const observer = new Observer(world)
  display.say('probing in a closed loop what it takes')
  try {
    const probed = await probe({
      ...{ world, observer, profile, history, signal },
      period: options.period,
      seconds: own.probeSeconds,
    })
    const given: ForecastOptions = { probed, shape, ...own, machineCores: availableParallelism() }
    const forecast = forecastOf(given)
    for (const sentence of forecast.reasoning) display.say(`  ${sentence}`)
    return forecast
  } finally {
    await observer.stop()
  }
}

/** A journal on a slow disk: each commit takes so much longer, and each declaration in it. */
async function throttle(world: World, { commitMs, declarationMs }: Throttle): Promise<void> {
  const client = await world.connect()
  try {
    await client.query(
      `create function journal.throttle() returns trigger language plpgsql as $$
       begin perform pg_sleep((${commitMs} + ${declarationMs} * new.declarations) / 1000.0); return new; end $$;
       create trigger throttle before insert on journal.envelope
         for each row when (new.lane = 'filing') execute function journal.throttle()`,
    )
  } finally {
    await client.end()
  }
}

function keepHistory(file: string, out: string): void {
  mkdirSync(out, { recursive: true })
  copyFileSync(file, path.join(out, 'history.jsonl'))
}

/** One history: each filer's part of it is in one file, in its order. */
async function joinHistories(
  { history, folder }: Parts,
  files: readonly string[],
): Promise<string> {
  history.close()
  const joined = path.join(folder, 'history.jsonl')
  for (const file of [path.join(folder, 'runner.jsonl'), ...files])
    await pipeline(createReadStream(file), createWriteStream(joined, { flags: 'a' }))
  return joined
}

function auditResultOf({ acceptances, verdicts }: AuditReport): AuditResult {
  const invariants = verdicts.map(({ code, title, offenders }) => ({
    id: code,
    title,
    violations: offenders,
  }))
  return {
    passed: invariants.every(({ violations }) => violations === 0),
    declarations: acceptances,
    invariants,
  }
}

function settingsOf({ throttle: slowed, faults, scale, probeSeconds }: OwnOptions) {
  return [
    ['Node', process.versions.node],
    [
      'throttle',
      slowed === undefined
        ? 'none'
        : `${slowed.commitMs} ms for a commit, ${slowed.declarationMs} ms for a declaration`,
    ],
    ['faults', faults.map(({ fault, at }) => `${fault.name} at ${at}`).join('; ') || 'none'],
    [
      'scaling',
      scale.map(({ kind, count, at }) => `${kind}=${count} at ${at}`).join('; ') || 'none',
    ],
    ['probe', `${probeSeconds} s for each step`],
  ] as const
}

function recordOf(parts: Parts, driven: Driven): RehearsalRecord {
  const { options, profile, objectives, shape } = parts
  const { day, generators, prepared, audit, forecast, unconfirmed, engine } = driven
  const { tally } = generators
  const samples = samplesOf(tally, day.seen, shape.timeOfDay, day.postedAtStart)
  const totals = totalsOf(driven, profile, samples.posted)
  const processes = processSamplesOf(day.seen)
  const cores = availableParallelism()
  const judged = judge({
    ...{ objectives, samples, totals, audit, unconfirmed },
    slow: tally.latencies(0, tally.length).above(objectives.acceptedP99Ms),
    daySeconds: shape.seconds,
    postedAfterSeconds: day.postedAfterSeconds,
    failures: tally.failures,
    generators: generators.seen,
    limits: { processes, ...narrowOf(day.seen), events: day.events, cores },
    planFaults: day.faults,
  })
  return {
    format: recordFormat,
    startedAt: day.startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    profile: {
      name: profile.name,
      title: profile.title,
      employers: profile.employers.value,
      compress: options.compress,
      sources: sourcesOf(profile),
    },
    engine,
    settings: [
      ...driven.settings,
      ['generators', String(options.generators)],
      ['different filings prepared', String(prepared.filings)],
      ['employers that filed', String(prepared.employers)],
      ['seed', String(options.seed)],
      ['period', options.period],
    ],
    machine: machine(),
    ...judged,
    totals,
    samples,
    processes,
    heat: heatOf(tally, samples.offered.length),
    events: day.events,
    forecast,
    audit,
  }
}

function totalsOf(
  { generators: { tally }, day }: Driven,
  { files, monster }: Profile,
  posted: readonly number[],
): RehearsalRecord['totals'] {
  const all = tally.latencies(0, tally.length)
  const of = (share: number) => (all.count === 0 ? 0 : rounded(all.percentile(share)))
  const sent = [...files.value, ...(monster.value === null ? [] : [monster.value])]
  return {
    offered: tally.total('offered'),
    accepted: tally.total('accepted'),
    refused: tally.total('refused'),
    returned: tally.total('returned'),
    failed: tally.total('failed'),
    posted: posted.reduce((sum, count) => sum + count, 0),
    statusReads: tally.total('statusReads'),
    retries: tally.total('retries'),
    corrections: tally.total('corrections'),
    files: day.events.filter(({ kind }) => kind === 'file').length,
    fileRows: sent.reduce((sum, { rows }) => sum + rows, 0),
    p50Ms: of(0.5),
    p99Ms: of(0.99),
    p999Ms: of(0.999),
    mostMs: of(1),
  }
}
