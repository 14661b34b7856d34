/**
 * Files of nothing but wrong rows: how large each process gets while one is received, read, checked and
 * set aside; while its errors file is fetched; and while that is sent back as it is, and mended.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  anonymousMiBOfFamily,
  cpuMicros,
  forgetPeak,
  type MeasuredProcess,
  peakMiB,
  startProgram,
} from '../support/processes.ts'
import { type Figure, say } from '../support/report.ts'
import { startServices } from '../support/services.ts'
import { type MadeFile, makeFile, wrongCells } from './made-file.ts'
import { authorizationFor, type Mode, send } from './send.ts'

const sampleMs = 200

type Step = {
  readonly step: string
  readonly seconds: number
  /** Of each process, at most; of Postgres its largest backend, without what all of them share. */
  readonly residentMiB: Readonly<Record<string, number>>
  readonly cpuMicros: Readonly<Record<string, number>>
}

export async function wrongRows(
  format: MadeFile['format'],
  rows: number,
  mode: Mode,
): Promise<Figure[]> {
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-wrong-'))
  const { databaseUrl, keyringFile, postgresPid } = services
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile }
  try {
    const made = await makeFile(folder, format, rows, 31, true)
    const intake = await startProgram('src/commands/intake.ts', env)
    const processes = {
      intake,
      'posting worker': await startProgram('workers/post.ts', env),
      'batch worker': await startProgram('workers/batches.ts', env),
    }
    const steps: Step[] = []
    const measured = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
      const { done, ...seen } = await measure(processes, postgresPid, work)
      steps.push({ step, ...seen })
      say(`${rows} wrong rows of ${format}, ${mode}: ${step}: ${JSON.stringify({ ...seen, done })}`)
      return done
    }
    const { batch } = await measured('processed', () =>
      send(keyringFile, intake.address, made, mode),
    )
    const errorsUrl = `${intake.address}/v1/batches/${batch}/errors`
    const authorization = await authorizationFor(keyringFile, made.employer)
    const fetchErrors = (as: MadeFile['format']) =>
      measured(`errors as ${as}`, () =>
        save(`${errorsUrl}?format=${as}`, authorization, path.join(folder, `errors.${as}`)),
      )
    const sendBack = (name: string, file: string, as: MadeFile['format']) =>
      measured(name, () => send(keyringFile, intake.address, { ...made, file, format: as }))
    if (format === 'ndjson') await fetchErrors('ndjson')
    else {
      const workbook = await fetchErrors('xlsx')
      const { file } = await fetchErrors('csv')
      // Of what had to be good as a whole, nothing is sent back alone.
      if (mode === 'accept-good') {
        await sendBack('sent back as it is, xlsx', workbook.file, 'xlsx')
        const again = path.join(folder, 'again.csv')
        await rewrite(file, again, withoutProblems)
        await sendBack('sent back unmended, csv', again, 'csv')
        await rewrite(file, again, (line) => mended(withoutProblems(line)))
        await sendBack('sent back mended, csv', again, 'csv')
      }
    }
    for (const { end } of Object.values(processes)) await end()
    return figuresOf(`${rows} wrong rows of ${format}, ${mode}`, rows, steps)
  } finally {
    await services.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure<T>(
  processes: Readonly<Record<string, MeasuredProcess>>,
  postgresPid: number,
  work: () => Promise<T>,
) {
  const all = Object.entries(processes)
  for (const [, { pid }] of all) forgetPeak(pid)
  const before = all.map(([, { pid }]) => cpuMicros(pid))
  let backend = 0
  const sampling = setInterval(() => {
    backend = Math.max(backend, anonymousMiBOfFamily(postgresPid))
  }, sampleMs)
  const began = performance.now()
  const done = await work().finally(() => clearInterval(sampling))
  return {
    done,
    seconds: (performance.now() - began) / 1_000,
    residentMiB: {
      ...Object.fromEntries(all.map(([name, { pid }]) => [name, peakMiB(pid)])),
      'largest backend of Postgres': backend,
    },
    cpuMicros: Object.fromEntries(
      all.map(([name, { pid }], i) => [name, cpuMicros(pid) - (before[i] as number)]),
    ),
  }
}

async function save(url: string, authorization: string, file: string) {
  const answer = await fetch(url, { headers: { authorization } })
  if (!answer.ok || answer.body === null) throw new Error(`${url}: ${await answer.text()}`)
  await pipeline(Readable.fromWeb(answer.body as never), createWriteStream(file))
  return { file, bytes: statSync(file).size }
}

/** Up to the row's number. The columns behind it are not read, and make the file too large to be sent. */
function withoutProblems(line: string): string {
  return line.split(',', 8).join(',')
}

/** What is wrong is the same in every row. */
function mended(line: string): string {
  const { wage, change } = wrongCells
  return line.replace(`,${wage},${change}`, ',6500.00,无')
}

async function rewrite(from: string, to: string, change: (line: string) => string): Promise<void> {
  const input = createReadStream(from)
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  const changed = async function* () {
    for await (const line of lines) yield `${change(line)}\n`
  }
  await pipeline(changed, createWriteStream(to))
}

function figuresOf(name: string, rows: number, steps: readonly Step[]): Figure[] {
  const names = Object.keys(steps[0]?.residentMiB ?? {})
  return [
    {
      figure: `${name}: from the first byte to all set aside`,
      value: rows / (steps[0]?.seconds ?? 0),
      unit: 'rows/s',
    },
    ...names.map((process) => ({
      figure: `${name}: ${process}, resident at most`,
      value: Math.max(...steps.map(({ residentMiB }) => residentMiB[process] ?? 0)),
      unit: 'MiB',
      goal: { atMost: 250 },
    })),
  ]
}
