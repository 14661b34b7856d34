/** Measures what declarations of one size cost each part, from the request to the ledger. */
import autocannon from 'autocannon'
import pg from 'pg'
import { fire, prepareFilings } from '../support/filings.ts'
import { runOpenLoad } from '../support/open-load.ts'
import {
  cpuMicros,
  cpuMicrosOfFamily,
  type MeasuredProcess,
  startProgram,
} from '../support/processes.ts'
import type { Services } from '../support/services.ts'
import { type Filings, nextFiling } from '../support/unique-filings.ts'
import { type Measured, type Micros, type Part, parts } from './capacity.ts'

export type Installation = {
  readonly services: Services
  readonly intake: MeasuredProcess
  readonly worker: MeasuredProcess
}

export async function startInstallation(services: Services): Promise<Installation> {
  const { databaseUrl, redisUrl, keyringFile } = services
  const env = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, KEYRING_FILE: keyringFile }
  const intake = await startProgram('src/commands/intake.ts', env)
  return { services, intake, worker: await startProgram('workers/post.ts', env) }
}

const declarationsRead = 200

export type Observed = Measured & {
  readonly accepted: number
  readonly perSecond: number
  /** Bytes that Postgres keeps for a declaration, journal and ledger, and writes ahead. */
  readonly keptBytes: number
  readonly writtenAheadBytes: number
}

/** As many as a hundred clients get accepted, and all of them posted. */
export async function calibrate(installation: Installation, lines: number, seconds: number) {
  const filings = await prepareFilings(installation.services, { lines })
  const { address } = installation.intake
  await fire(address, filings, { duration: 3 }, true) // warm
  return observe(installation, lines, async () => {
    const began = performance.now()
    const { accepted } = await fire(address, filings, { duration: seconds }, true)
    return { accepted, perSecond: (accepted / (performance.now() - began)) * 1_000 }
  })
}

/** The same at an open rate. */
export function observeAt(
  installation: Installation,
  filings: Filings,
  lines: number,
  perSecond: number,
  seconds: number,
) {
  return observe(installation, lines, async () => {
    const ports = [Number(new URL(installation.intake.address).port)]
    const keyPrefix = `model-${lines}-${Math.round(perSecond)}`
    const order = { ports, perSecond, seconds, filings, keyPrefix, keepAnswers: false, seed: 1 }
    const { accepted } = await runOpenLoad(order)
    return { accepted, perSecond: accepted / seconds }
  })
}

/** Of each look at the status of a posted declaration, by a hundred clients. */
export async function calibrateReads(installation: Installation, seconds: number): Promise<Micros> {
  const { services, intake } = installation
  const filings = await prepareFilings(services)
  const known = await Promise.all(
    Array.from({ length: declarationsRead }, async (_, i) => {
      const { body, authorization } = nextFiling(filings)
      const answer = await fetch(`${intake.address}/v1/declarations`, {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          'idempotency-key': `read-${i}`,
        },
        body,
      })
      if (answer.status !== 202) throw new Error(`a filing to be read had ${answer.status}`)
      return { path: answer.headers.get('location') ?? '', headers: { authorization } }
    }),
  )
  await withClient(services, drained)
  let asked = 0
  const before = spent(installation)
  const { non2xx, '2xx': read } = await autocannon({
    url: intake.address,
    connections: 100,
    duration: seconds,
    requests: [
      {
        method: 'GET',
        setupRequest: (request) => {
          asked += 1
          return { ...request, ...known[asked % known.length] }
        },
      },
    ],
  })
  if (read === 0) throw new Error(`no status could be read, ${non2xx} were refused`)
  const after = spent(installation)
  return each((part) => (after[part] - before[part]) / read)
}

const each = (of: (part: Part) => number) =>
  Object.fromEntries(parts.map((part) => [part, of(part)])) as Record<Part, number>

/** CPU so far. */
function spent({ services, intake, worker }: Installation): Record<Part, number> {
  return {
    intake: cpuMicros(intake.pid),
    worker: cpuMicros(worker.pid),
    postgres: cpuMicrosOfFamily(services.postgresPid),
    redis: cpuMicros(services.redisPid),
  }
}

async function withClient<T>(
  { databaseUrl }: Services,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function observe(
  installation: Installation,
  lines: number,
  load: () => Promise<{ accepted: number; perSecond: number }>,
): Promise<Observed> {
  return withClient(installation.services, async (client) => {
    await drained(client)
    const [before, sizeBefore] = [spent(installation), await sizes(client)]
    const { accepted, perSecond } = await load()
    await drained(client)
    const [after, size] = [spent(installation), await sizes(client)]
    return {
      lines,
      groups: (size.groups - sizeBefore.groups) / accepted,
      accepted,
      perSecond,
      micros: each((part) => (after[part] - before[part]) / accepted),
      keptBytes: (size.kept - sizeBefore.kept) / accepted,
      writtenAheadBytes: (size.ahead - sizeBefore.ahead) / accepted,
    }
  })
}

async function drained(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query('select 1 from journal.unposted limit 1')
    if (rows.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function sizes(client: pg.Client) {
  const { rows } = await client.query<{ kept: string; ahead: string; groups: string }>(
    `select pg_database_size(current_database()) as kept,
       pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as ahead,
       (select count(*) from journal.envelope) as groups`,
  )
  const [row] = rows
  return { kept: Number(row?.kept), ahead: Number(row?.ahead), groups: Number(row?.groups) }
}
