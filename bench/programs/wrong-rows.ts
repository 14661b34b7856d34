/**
 * What a file of nothing but wrong rows takes of each process: read, checked and set aside; then its
 * errors file fetched, or sent back mended. By hand:
 *
 *   node src/platform/bootstrap.mjs bench/programs/wrong-rows.ts csv 1000000 accept-good xlsx mend
 *
 * Format of the file, rows, mode; then what is done with its errors: `csv`, `xlsx` or `ndjson` fetches them,
 * `mend` fetches a table's as CSV and sends it back mended.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type MadeFile, makeFile, wrongCells } from '../batches/made-file.ts'
import { authorizationFor, type Mode, send } from '../batches/send.ts'
import {
  anonymousMiBOfFamily,
  cpuMicros,
  cpuMicrosOfFamily,
  forgetPeak,
  type MeasuredProcess,
  peakMiB,
  startProgram,
} from '../support/processes.ts'
import { startServices } from '../support/services.ts'

type Format = MadeFile['format']
type Step = Format | 'mend'

const [format = 'csv', rows = '100000', mode = 'accept-good', ...steps] = process.argv.slice(2)
const sampleMs = 200

async function main(): Promise<void> {
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-wrong-'))
  const { databaseUrl, keyringFile, postgresPid } = services
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile }
  try {
    const made = await makeFile(folder, format as Format, Number(rows), 1, true)
    const intake = await startProgram('src/intake.ts', env)
    const watched = {
      intake,
      posting: await startProgram('workers/post.ts', env),
      batches: await startProgram('workers/batches.ts', env),
    }
    const measured = measuring(watched, postgresPid)
    const { batch } = await measured(`${rows} wrong rows of ${format}, ${mode}`, () =>
      send(keyringFile, intake.address, made, mode as Mode),
    )
    const errors = `${intake.address}/v1/batches/${batch}/errors`
    const authorization = await authorizationFor(keyringFile, made.employer)
    const fetchErrors = (as: string) =>
      save(`${errors}?format=${as}`, authorization, path.join(folder, `errors.${as}`))
    for (const step of steps as Step[]) {
      if (step !== 'mend') await measured(`errors as ${step}`, () => fetchErrors(step))
      else {
        const file = path.join(folder, 'mended.csv')
        await mend(await fetchErrors('csv'), file)
        await measured('mended', () =>
          send(keyringFile, intake.address, { ...made, file, format: 'csv' }),
        )
      }
    }
    for (const { end } of Object.values(watched)) await end()
  } finally {
    await services.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Does something, and prints how large each process was meanwhile, its CPU, and what held up intake. */
function measuring(
  watched: Record<'intake' | 'posting' | 'batches', MeasuredProcess>,
  postgres: number,
) {
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    for (const { pid } of Object.values(watched)) forgetPeak(pid)
    const cpu = () => [
      ...Object.values(watched).map(({ pid }) => cpuMicros(pid)),
      cpuMicrosOfFamily(postgres),
    ]
    const before = cpu()
    let backend = 0
    const sampling = setInterval(() => {
      backend = Math.max(backend, anonymousMiBOfFamily(postgres))
    }, sampleMs)
    await loopLag(watched.intake)
    const done = await work()
    clearInterval(sampling)
    const seconds = cpu().map((micros, i) => (micros - (before[i] ?? 0)) / 1_000_000)
    const names = [...Object.keys(watched), 'postgres']
    const resident = Object.entries(watched).map(([one, { pid }]) => [
      one,
      Math.round(peakMiB(pid)),
    ])
    const told = {
      residentMiB: Object.fromEntries(resident),
      largestBackendMiB: Math.round(backend),
      cpuSeconds: Object.fromEntries(names.map((one, i) => [one, Math.round(seconds[i] ?? 0)])),
      intakeLagSeconds: await loopLag(watched.intake),
      ...(typeof done === 'object' ? done : { file: done, bytes: statSync(String(done)).size }),
    }
    process.stdout.write(`${name}: ${JSON.stringify(told)}\n`)
    return done
  }
}

/** How late the event loop was, since it was asked last. */
async function loopLag({ address }: MeasuredProcess): Promise<unknown> {
  const text = await (await fetch(`${address}/metrics`)).text()
  const lag = (of: string) =>
    Number(
      new RegExp(`^spillway_intake_nodejs_eventloop_lag_${of}_seconds (.*)$`, 'm').exec(text)?.[1],
    )
  return { max: lag('max'), p99: lag('p99') }
}

async function save(url: string, authorization: string, file: string): Promise<string> {
  const answer = await fetch(url, { headers: { authorization } })
  if (!answer.ok || answer.body === null) throw new Error(`${url}: ${await answer.text()}`)
  await pipeline(Readable.fromWeb(answer.body as never), createWriteStream(file))
  return file
}

async function mend(errors: string, file: string): Promise<void> {
  const lines = createInterface({
    input: createReadStream(errors),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  const { wage, change } = wrongCells
  const mended = async function* () {
    for await (const line of lines) yield `${line.replace(`,${wage},${change}`, ',6500.00,无')}\n`
  }
  await pipeline(mended, createWriteStream(file))
}

await main()
