/**
 * `npm run bench:model [-- --employers N --peak P --lines L --reads R --json]`: how many cores of intake, workers,
 * Postgres and Redis an installation needs for N employers, a peak second of P declarations, L lines in
 * each, and R looks at the status of each; and the same for each profile of a rehearsal. Measures what declarations of two sizes cost on
 * this machine, and in smaller groups, predicts what a third size costs at another rate, and says how far
 * off the prediction was.
 */
import { write } from '../src/platform/command/output.ts'
import { calibrate, calibrateReads, observeAt, startInstallation } from './model/calibrate.ts'
import {
  type Calibrated,
  type Costs,
  coresFor,
  costOf,
  fitCosts,
  groupsAt,
  type Measured,
  parts,
  rateOf,
} from './model/capacity.ts'
import { readProfile, shippedProfiles } from './rehearsal/profile.ts'
import { shapeOf } from './rehearsal/shape.ts'
import { benchArguments } from './support/arguments.ts'
import { prepareFilings } from './support/filings.ts'
import { type Figure, report } from './support/report.ts'
import { startServices } from './support/services.ts'

const seconds = Number(process.env.BENCH_SECONDS ?? 6)
const [smallLines, largeLines, checkedLines] = [2, 40, 13]
const share = 0.6
/** The largest Postgres that one would buy before splitting it. */
const postgresCores = 64

const values = benchArguments('bench:model', {
  employers: '1000000',
  peak: '5000',
  lines: '13',
  reads: '15',
})

async function main(): Promise<void> {
  const services = await startServices()
  try {
    const installation = await startInstallation(services)
    const small = await calibrate(installation, smallLines, seconds)
    const large = await calibrate(installation, largeLines, seconds)
    const openly = async (lines: number, share: number) => {
      const filings = await prepareFilings(services, { lines })
      return observeAt(installation, filings, lines, small.perSecond * share, seconds)
    }
    const slow = await openly(smallLines, 0.1)
    const costs = fitCosts(small, large, slow, await calibrateReads(installation, seconds))
    const groupsPerSecond = slow.groups * slow.perSecond
    const calibrated = { costs, groupsPerSecond, groupsLeast: small.groups }
    const checked = await openly(checkedLines, 0.4)
    await installation.intake.end()
    await installation.worker.end()
    const figures = [
      ...parts.map((part) => ({
        figure: `${part}: a declaration, each line of it, each group, each look at its status`,
        value: costs[part].declaration,
        unit: `µs + ${costs[part].line.toFixed(2)} µs + ${costs[part].group.toFixed(0)} µs + ${costs[part].read.toFixed(1)} µs`,
      })),
      ...checks(costs, checked),
      ...installations().flatMap((one) => [
        ...plan(calibrated, one),
        ...storage(small, large, one),
      ]),
      ...ends(calibrated),
    ]
    if (!report('bench:model', figures)) process.exitCode = 1
    if (!values.json) write(`\n${beyond}\n`)
  } finally {
    await services.stop()
  }
}

/** Predicted over measured, by part and in all. */
function checks(costs: Costs, { micros, ...shape }: Measured): Figure[] {
  const predicted = (part: (typeof parts)[number]) => costOf(costs[part], { ...shape, reads: 0 })
  const sum = (of: (part: (typeof parts)[number]) => number) =>
    parts.reduce((all, part) => all + of(part), 0)
  const ratio = sum(predicted) / sum((part) => micros[part])
  return [
    ...parts.map((part) => ({
      figure: `${checkedLines} lines, ${part}: predicted / measured at two fifths of the rate`,
      value: predicted(part) / micros[part],
      unit: 'ratio',
    })),
    {
      figure: `${checkedLines} lines: error of the whole`,
      value: Math.abs(ratio - 1),
      unit: 'ratio',
    },
  ]
}

type Wanted = {
  readonly employers: number
  /** Declarations in the peak second. */
  readonly peak: number
  readonly lines: number
  readonly reads: number
}

/** What is asked for, and before it each profile that can be rehearsed. */
function installations(): Wanted[] {
  const each = { lines: Number(values.lines), reads: Number(values.reads) }
  const rehearsed = shippedProfiles.map((name) => {
    const profile = readProfile(name)
    const { peakPerSecond } = shapeOf(profile, 1)
    return { employers: profile.employers.value, peak: Math.round(peakPerSecond), ...each }
  })
  return [...rehearsed, { employers: Number(values.employers), peak: Number(values.peak), ...each }]
}

function plan(calibrated: Calibrated, { employers, peak, lines, reads }: Wanted): Figure[] {
  const demand = { perSecond: peak, lines, share }
  const groups = groupsAt(calibrated, demand)
  const cores = coresFor(calibrated.costs, { ...demand, reads, groups })
  const filing = coresFor(calibrated.costs, { ...demand, reads: 0, groups })
  const name = `${employers} employers, ${peak}/s of ${lines} lines, at ${share} of a core`
  return [
    ...parts.map((part) => ({ figure: `${name}: ${part}`, value: cores[part], unit: 'cores' })),
    ...(['intake', 'postgres'] as const).map((part) => ({
      figure: `${name}: of it for filings, ${part}`,
      value: filing[part],
      unit: 'cores',
    })),
  ]
}

/** More than one of a kind takes: intakes are as full as they are planned to be. */
const many = 100_000

/** Where one of a kind ends. */
function ends(calibrated: Calibrated): Figure[] {
  const { costs } = calibrated
  const [lines, reads] = [Number(values.lines), Number(values.reads)]
  const shape = { lines, reads, groups: groupsAt(calibrated, { perSecond: many, lines, share }) }
  return [
    { figure: 'declarations in a group at the peak', value: 1 / shape.groups, unit: '' },
    {
      figure: `one Postgres of ${postgresCores} cores ends at`,
      value: rateOf(costs, 'postgres', postgresCores, shape, share),
      unit: 'declarations/s',
    },
    {
      figure: 'the same, where statuses are read elsewhere',
      value: rateOf(costs, 'postgres', postgresCores, { ...shape, reads: 0 }, share),
      unit: 'declarations/s',
    },
    {
      figure: 'one Redis, which has one thread, ends at',
      value: rateOf(costs, 'redis', 1, shape, share),
      unit: 'declarations/s',
    },
  ]
}

type Sized = {
  readonly lines: number
  readonly keptBytes: number
  readonly writtenAheadBytes: number
}

function storage(small: Sized, large: Sized, { employers, peak, lines }: Wanted): Figure[] {
  const at = (of: (one: Sized) => number) => {
    const line = (of(large) - of(small)) / (large.lines - small.lines)
    return of(small) + line * (lines - small.lines)
  }
  return [
    {
      figure: `${employers} employers: kept for a month`,
      value: (employers * at((one) => one.keptBytes)) / 2 ** 30,
      unit: 'GiB',
    },
    {
      figure: `${employers} employers: written ahead in the peak second`,
      value: (peak * at((one) => one.writtenAheadBytes)) / 2 ** 20,
      unit: 'MiB/s',
    },
  ]
}

const beyond = `What splits, in the order in which it ends:
  intake and workers   more processes, on as many hosts as wanted: they share nothing but Postgres and the queue;
                       statuses from intakes of their own, so that filings still travel together
  Redis                one job is an envelope of up to 1,000 declarations; a second lane has a queue of its own
  Postgres, reading    statuses and lists from a standby
  Postgres, writing    the ledger's tables begin with the envelope, by which they can be partitioned; then
                       employers over several Postgres: a key, a declaration and what is in force belong
                       to one employer, so intake groups by employer's database and nothing spans two`

await main()
