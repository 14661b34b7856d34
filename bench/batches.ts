/**
 * `npm run bench:batches [-- --json]`: files from their first byte to everything in force, with one batch
 * worker, one posting worker and Postgres on one machine, and how large each process gets; beside them
 * the same rows without checks, by COPY and one by one. Files of nothing but wrong rows, and their errors
 * files. Then filings at a third of what intake takes, without a file and while a large one is received,
 * read and posted.
 *
 * BENCH_ROWS and BENCH_XLSX_ROWS set the sizes, BENCH_WRONG_ROWS and BENCH_WRONG_FORMATS those of wrong
 * rows, BENCH_BESIDE_ROWS that of the file beside filings; 0 or nothing leaves it out.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { besideFilings } from './batches/beside.ts'
import { type MadeFile, makeFile } from './batches/made-file.ts'
import { copyRows, insertRows } from './batches/plain.ts'
import { type Mode, type Sent, send } from './batches/send.ts'
import { wrongRows } from './batches/wrong.ts'
import { benchArguments } from './support/arguments.ts'
import { cpuMicros, peakMiB, startProgram } from './support/processes.ts'
import { type Figure, report, say } from './support/report.ts'
import { startServices } from './support/services.ts'

const sizesOf = (list: string) =>
  list
    .split(',')
    .map(Number)
    .filter((rows) => rows > 0)
const csvSizes = sizesOf(process.env.BENCH_ROWS ?? '10000,100000,1000000,2500000')
const xlsxSizes = sizesOf(process.env.BENCH_XLSX_ROWS ?? '100000')
const wrongSizes = sizesOf(process.env.BENCH_WRONG_ROWS ?? '1000000')
const wrongFormats = (process.env.BENCH_WRONG_FORMATS ?? 'csv,xlsx,ndjson').split(',')
const modes: readonly Mode[] = ['accept-good', 'all-or-nothing']
const besideRows = Number(process.env.BENCH_BESIDE_ROWS ?? 2_500_000)
/** One by one, so many tell the rate. */
const insertedRowsMax = 100_000

type Run = Sent & {
  readonly name: string
  readonly rows: number
  readonly format: MadeFile['format']
  /** Without checks; undefined for a workbook. */
  readonly copySeconds: number | undefined
  readonly insertSeconds: number | undefined
  readonly residentMiB: Readonly<Record<string, number>>
  /** CPU microseconds of each process. */
  readonly cpuMicros: Readonly<Record<string, number>>
}

async function main(): Promise<void> {
  benchArguments('bench:batches', {})
  const runs: Run[] = []
  for (const [i, rows] of csvSizes.entries()) runs.push(await measure('csv', rows, i + 1))
  for (const [i, rows] of xlsxSizes.entries()) runs.push(await measure('xlsx', rows, i + 11))
  const figures = runs.flatMap(figuresOf)
  for (const rows of wrongSizes)
    for (const format of wrongFormats as MadeFile['format'][])
      for (const mode of modes) figures.push(...(await wrongRows(format, rows, mode)))
  if (besideRows > 0) figures.push(...(await besideFilings(besideRows)))
  if (!report('bench:batches', figures)) process.exitCode = 1
}

/** Everything is started anew for each size, so that resident sizes are of that size alone. */
async function measure(format: MadeFile['format'], rows: number, seed: number): Promise<Run> {
  const name = `${format === 'csv' ? '' : 'XLSX, '}${rows} rows`
  const services = await startServices()
  const { databaseUrl, ownerUrl, keyringFile } = services
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-batches-'))
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile }
  try {
    const made = await makeFile(folder, format, rows, seed)
    const intake = await startProgram('src/commands/intake.ts', env)
    const worker = await startProgram('workers/post.ts', env)
    const batches = await startProgram('workers/batches.ts', env)
    const sent = await send(keyringFile, intake.address, made)
    if (sent.stage !== 'posted') throw new Error(`the file is ${sent.stage}`)
    const processes = { intake, 'posting worker': worker, 'batch worker': batches }
    const each = (of: (pid: number) => number) =>
      Object.fromEntries(Object.entries(processes).map(([one, { pid }]) => [one, of(pid)]))
    const [residentMiB, cpu] = [each(peakMiB), each(cpuMicros)]
    for (const { end } of Object.values(processes)) await end()
    const plain = format === 'csv' && {
      copySeconds: await copyRows(ownerUrl, made.file),
      insertSeconds: await insertRows(ownerUrl, made.file, insertedRowsMax),
    }
    const nothing = { copySeconds: undefined, insertSeconds: undefined }
    const run = { name, rows, format, ...sent, ...(plain || nothing), residentMiB, cpuMicros: cpu }
    say(`${name}: ${JSON.stringify(run)}`)
    return run
  } finally {
    await services.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function figuresOf(run: Run): Figure[] {
  const { rows, format, copySeconds, insertSeconds } = run
  const name = (figure: string) => `${run.name}: ${figure}`
  const inserted = Math.min(rows, insertedRowsMax)
  return [
    {
      figure: name('from the first byte to everything in force'),
      value: rows / run.postedSeconds,
      unit: 'rows/s',
      ...(rows >= 1_000_000 && { goal: { atLeast: 25_000 } }),
      ...(format === 'xlsx' && { goal: { atLeast: 10_000 } }),
    },
    { figure: name('received after'), value: run.receivedSeconds, unit: 's' },
    {
      figure: name('set aside, as the generator repeats some persons'),
      value: run.setAside,
      unit: 'rows',
    },
    ...(copySeconds === undefined || insertSeconds === undefined
      ? []
      : [
          {
            figure: name('csv-parse and COPY, unchecked'),
            value: rows / copySeconds,
            unit: 'rows/s',
          },
          {
            figure: name('csv-parse and an INSERT for each row, unchecked'),
            value: inserted / insertSeconds,
            unit: 'rows/s',
          },
        ]),
    ...Object.entries(run.residentMiB).map(([process, value]) => ({
      figure: name(`${process}, resident at most`),
      value,
      unit: 'MiB',
      goal: { atMost: 250 },
    })),
    ...Object.entries(run.cpuMicros).map(([process, value]) => ({
      figure: name(`${process}, CPU for a row`),
      value: value / rows,
      unit: 'µs',
    })),
  ]
}

await main()
