/**
 * `npm run bench:batches [-- --json]`: a file from its first byte to everything in force, with one batch
 * worker, one posting worker and Postgres on one machine; and how large each process gets. Beside it the
 * same rows as plain COPY in one transaction, which is the limit. BENCH_ROWS sets the sizes.
 */
import { once } from 'node:events'
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { issueToken } from '../src/intake/issue-token.ts'
import { readKeyring } from '../src/platform/keyring.ts'
import { createGenerator } from './support/generator.ts'
import { cpuMicros, type MeasuredProcess, startProgram } from './support/processes.ts'
import { type Figure, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'

const sizes = (process.env.BENCH_ROWS ?? '10000,100000,1000000').split(',').map(Number)
const lookMs = 200
/** Lines that the generator makes at a time. */
const madeAtATime = 5_000

type Run = {
  readonly rows: number
  readonly receivedSeconds: number
  readonly postedSeconds: number
  readonly setAside: number
  readonly copySeconds: number
  readonly residentMiB: Readonly<Record<string, number>>
  /** CPU microseconds of each process. */
  readonly cpuMicros: Readonly<Record<string, number>>
}

async function main(): Promise<void> {
  const runs: Run[] = []
  for (const [i, rows] of sizes.entries()) runs.push(await measure(rows, i + 1))
  if (!report('bench:batches', runs.flatMap(figuresOf))) process.exitCode = 1
}

/** Everything is started anew for each size, so that resident sizes are of that size alone. */
async function measure(rows: number, seed: number): Promise<Run> {
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-batches-'))
  const file = path.join(folder, 'wages.csv')
  const env = { DATABASE_URL: services.databaseUrl, KEYRING_FILE: services.keyringFile }
  try {
    const employer = await makeFile(file, rows, seed)
    const intake = await startProgram('src/intake.ts', env)
    const worker = await startProgram('workers/post.ts', env)
    const batches = await startProgram('workers/batches.ts', env)
    const sent = await send(services, intake, file, employer)
    const processes = { intake, 'posting worker': worker, 'batch worker': batches }
    const each = (of: (pid: number) => number) =>
      Object.fromEntries(Object.entries(processes).map(([name, { pid }]) => [name, of(pid)]))
    const [residentMiB, cpu] = [each(peakMiB), each(cpuMicros)]
    for (const { end } of Object.values(processes)) await end()
    const copySeconds = await copyPlainly(services, file)
    const run = { rows, ...sent, copySeconds, residentMiB, cpuMicros: cpu }
    say(`${rows} rows: ${JSON.stringify(run)}`)
    return run
  } finally {
    await services.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One employer's file: the hardest, as all of its parts come into force in one step. */
async function makeFile(file: string, rows: number, seed: number): Promise<string> {
  const generator = createGenerator(seed)
  const employer = generator.employer()
  const out = createWriteStream(file)
  out.write('统一社会信用代码,证件类型,证件号码,姓名,参保类别,申报工资,变动\n')
  for (let left = rows; left > 0; left -= madeAtATime) {
    const lines = Math.min(left, madeAtATime)
    const made = generator.declaration({ employer, period: '2024-11', lines }).lines ?? []
    let text = ''
    for (const line of made) {
      if (line.category !== 'employee') continue
      const { person, category, wage, change } = line
      text += `${employer},${person.idType},${person.idNumber},${person.name},${category},${wage},${change}\n`
    }
    if (!out.write(text)) await once(out, 'drain')
  }
  out.end()
  await finished(out)
  return employer
}

type Followed = { stage: string; progress?: { rows?: { setAside: number } } }

async function send(
  { keyringFile }: Services,
  { address }: MeasuredProcess,
  file: string,
  employer: string,
): Promise<Pick<Run, 'receivedSeconds' | 'postedSeconds' | 'setAside'>> {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const token = await issueToken(
    { key, issuer: 'spillway', audience: 'spillway' },
    {
      employers: [employer],
      scopes: ['declarations:write', 'declarations:read'],
      ttlSeconds: 7_200,
    },
  )
  const authorization = `Bearer ${token}`
  const size = statSync(file).size
  const begun = await fetch(`${address}/v1/batches`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', 'idempotency-key': file },
    body: JSON.stringify({
      employer,
      region: '340100',
      period: '2024-11',
      kind: 'regular',
      format: 'csv',
      mode: 'accept-good',
      size,
    }),
  })
  if (begun.status !== 201) throw new Error(`not begun: ${begun.status} ${await begun.text()}`)
  const { links } = (await begun.json()) as { links: { self: string; file: string } }
  const began = performance.now()
  const sent = await fetch(`${address}${links.file}`, {
    method: 'PATCH',
    headers: {
      authorization,
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream,
    duplex: 'half',
  })
  if (sent.status !== 204) throw new Error(`not sent: ${sent.status} ${await sent.text()}`)
  const receivedSeconds = (performance.now() - began) / 1_000
  for (;;) {
    const answer = await fetch(`${address}${links.self}`, { headers: { authorization } })
    const { stage, progress } = (await answer.json()) as Followed
    if (stage === 'posted') {
      const postedSeconds = (performance.now() - began) / 1_000
      return { receivedSeconds, postedSeconds, setAside: progress?.rows?.setAside ?? 0 }
    }
    if (stage === 'refused' || stage === 'unreadable') throw new Error(`the file is ${stage}`)
    await pause(lookMs)
  }
}

function peakMiB(pid: number): number {
  const kib = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1_024
}

/** The file's own columns and no more, unchecked, in one transaction. */
async function copyPlainly({ databaseUrl }: Services, file: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(`create table plain (employer text, id_type text, id_number text, name text,
      category text, wage numeric, change text)`)
    const began = performance.now()
    const copy = client.query(copyFrom('copy plain from stdin (format csv, header true)'))
    createReadStream(file).pipe(copy)
    await finished(copy)
    return (performance.now() - began) / 1_000
  } finally {
    await client.end()
  }
}

function figuresOf({ rows, receivedSeconds, postedSeconds, setAside, ...run }: Run): Figure[] {
  const name = (figure: string) => `${rows} rows: ${figure}`
  return [
    {
      figure: name('from the first byte to everything in force'),
      value: rows / postedSeconds,
      unit: 'rows/s',
      ...(rows >= 1_000_000 && { goal: { atLeast: 25_000 } }),
    },
    { figure: name('received after'), value: receivedSeconds, unit: 's' },
    {
      figure: name('set aside, as the generator repeats some persons'),
      value: setAside,
      unit: 'rows',
    },
    { figure: name('plain COPY of its columns'), value: rows / run.copySeconds, unit: 'rows/s' },
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
