/**
 * `npm run demo [-- --seed N] [--declarations N]`: the main job on realistic input. Brings up an
 * engine of its own, files declarations over HTTP with retries, corrections and cancellations among
 * them, kills the worker half-way, and shows what became of all. Exits with 1 unless every
 * declaration was accepted and posted exactly once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { formatFen } from '../src/declaration/money.ts'
import { dayOf } from '../src/declaration/period.ts'
import type { Declaration } from '../src/declaration/schema.ts'
import { issueToken } from '../src/intake/auth/issue-token.ts'
import { verifyReceipt } from '../src/journal/receipts/receipt.ts'
import { helpText, parseArguments, wrongUse } from '../src/platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../src/platform/command/failure.ts'
import { overwrite, say, write } from '../src/platform/command/output.ts'
import { readConfig } from '../src/platform/config/config.ts'
import { readKeyring, type SigningKey } from '../src/platform/config/key-store.ts'
import { createEngine, type RunningEngine } from '../src/platform/installation/engine.ts'
import { removeWithThisProcess } from '../src/platform/process/guard.ts'
import { createLogger } from '../src/platform/process/logger.ts'
import { stopOnSignal } from '../src/platform/process/stop.ts'
import { createGenerator } from './support/generator.ts'

const filersAtATime = 50
const postedWithinMs = 120_000
/** Of a hundred employers: three correct what they filed, one in four hundred cancels it. */
const correctionShare = 0.03
const cancellationShare = 0.0025
/** Answers that get lost on the way, so that the filer sends the same again. */
const retryShare = 0.05

type Filed = { readonly id: string; readonly receipt: unknown }
type Tally = { accepted: number; retried: number; differing: number; receipts: number }

type Filing = {
  readonly address: string
  readonly tokenKey: SigningKey
  readonly publicKeys: Parameters<typeof verifyReceipt>[1]
  readonly tally: Tally
}

async function main(args: string[]): Promise<void> {
  const { seed, declarations } = readArguments(args)
  const dataDir = mkdtempSync(path.join(tmpdir(), 'spillway-demo-'))
  // Not the caller's environment: a demo must not file into a real engine's database.
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error' }
  const logger = createLogger('error', 'demo')
  const engine = createEngine(env, logger, { guarded: true })
  const stop = async () => {
    await engine.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  tolerateClosedOutput(stopOnSignal(logger, stop))
  removeWithThisProcess(dataDir)
  try {
    write('Starting Postgres, intake and a worker ...\n')
    const running = await engine.start()
    if (running !== undefined) await demonstrate(running, env, seed, declarations)
  } finally {
    await stop()
  }
  process.exit()
}

function readArguments(args: string[]): { seed: number; declarations: number } {
  const usage = helpText(
    'Usage: npm run demo -- [--seed N] [--declarations N], N from 1 to 100000',
    {
      '--seed N': 'another seed files other declarations',
      '--declarations N': 'how many; 2000 unless given',
    },
    'npm run demo -- --declarations 500',
  )
  const options = {
    seed: { type: 'string', default: '1' },
    declarations: { type: 'string', default: '2000' },
  } as const
  const { values } = parseArguments({ args, options }, usage)
  const numberOf = (name: keyof typeof values) => {
    const number = Number(values[name])
    if (Number.isInteger(number) && number >= 1 && number <= 100_000) return number
    throw wrongUse(`--${name} must be a whole number from 1 to 100000.`, usage)
  }
  return { seed: numberOf('seed'), declarations: numberOf('declarations') }
}

async function demonstrate(
  { address, databaseUrl, worker }: RunningEngine,
  env: NodeJS.ProcessEnv,
  seed: number,
  declarations: number,
): Promise<void> {
  const [tokenKey] = readKeyring(readConfig(env).keyringFile).tokenKeys
  if (tokenKey === undefined) throw new Error('no token key')
  const { keys } = (await (await fetch(`${address}/.well-known/jwks.json`)).json()) as {
    keys: Filing['publicKeys']
  }
  const tally = { accepted: 0, retried: 0, differing: 0, receipts: 0 }
  const filing = { address, tokenKey, publicKeys: keys, tally }
  const database = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  // Where filing fails, the engine is stopped first: what failed is to be told, not that.
  database.on('error', () => {})
  const stories = storiesOf(seed, declarations)
  let killed: number | undefined
  const killHalfWay = () => {
    if (killed !== undefined || tally.accepted < declarations / 2) return
    killed = worker.pid()
    if (killed !== undefined) process.kill(killed, 'SIGKILL')
  }
  const startedAt = performance.now()
  const progress = showProgress(database, declarations, () => killed)
  const left = stories.values()
  await Promise.all(
    Array.from({ length: filersAtATime }, async () => {
      for (const story of left) await fileStory(filing, story, killHalfWay)
    }),
  )
  const acceptedMs = performance.now() - startedAt
  await postedOrLate(database, declarations)
  const postedMs = performance.now() - startedAt
  await progress.stop()
  const times = { acceptedMs, postedMs }
  const good = await showResult(database, {
    tally,
    declarations,
    killed,
    restarts: worker.restarts(),
    times,
  })
  await database.end()
  if (!good) process.exitCode = 1
}

/** What one employer files in one period, in this order, each after the receipt of the one before. */
type Story = { readonly declarations: readonly Declaration[]; readonly retries: boolean }

function storiesOf(seed: number, declarations: number): Story[] {
  const generator = createGenerator(seed)
  const period = dayOf(Date.now() * 1_000).slice(0, 7)
  const stories: Story[] = []
  for (let filed = 0; filed < declarations; ) {
    const original = generator.declaration({ period })
    const draw = generator.random()
    const more = declarations - filed > 1
    const second: Declaration[] = []
    if (more && draw < correctionShare) {
      const { employer } = original
      const lines = (original.lines ?? []).length
      second.push({ ...generator.declaration({ period, employer, lines }), kind: 'correction' })
    } else if (more && draw < correctionShare + cancellationShare) {
      const { lines: _, ...header } = original
      second.push({ ...header, kind: 'cancellation' })
    }
    stories.push({ declarations: [original, ...second], retries: generator.random() < retryShare })
    filed += 1 + second.length
  }
  return stories
}

async function fileStory(
  filing: Filing,
  { declarations, retries }: Story,
  afterEach: () => void,
): Promise<void> {
  const employer = (declarations[0] as Declaration).employer
  const token = await issueToken(
    { key: filing.tokenKey, issuer: 'spillway', audience: 'spillway' },
    { subject: 'demo', employers: [employer], scopes: ['declarations:write'], ttlSeconds: 3_600 },
  )
  let before: Filed | undefined
  for (const [i, declaration] of declarations.entries()) {
    const body = before === undefined ? declaration : { ...declaration, replaces: before.id }
    const text = await post(filing, token, `demo-${i}`, body)
    if (retries) {
      filing.tally.retried += 1
      const again = await post(filing, token, `demo-${i}`, body)
      if (again !== text) filing.tally.differing += 1
    }
    before = JSON.parse(text) as Filed
    filing.tally.accepted += 1
    if (verifyReceipt(before.receipt, filing.publicKeys).valid) filing.tally.receipts += 1
    afterEach()
  }
}

/** A process that has just begun may be busy: who is refused comes again when told to, with the same key. */
const triesMax = 10

async function post(
  { address }: Filing,
  token: string,
  key: string,
  body: Declaration,
): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(`${address}/v1/declarations`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    if (answer.status === 202) return text
    const isBusy = answer.status === 429 || answer.status === 503
    if (!isBusy || tries === triesMax) throw new Error(`refused with ${answer.status}: ${text}`)
    await pause(1_000 * Number(answer.headers.get('retry-after') ?? 1))
  }
}

async function count(database: pg.Pool, sql: string): Promise<number> {
  const { rows } = await database.query<{ count: string }>(sql)
  return Number(rows[0]?.count)
}

const countPosted = (database: pg.Pool) =>
  count(database, 'select count(*) from ledger.declaration')

/** In one statement, which sees one moment: what is posted was accepted, also where its answer is on its way. */
async function countAtOnce(database: pg.Pool): Promise<{ accepted: number; posted: number }> {
  const { rows } = await database.query<{ accepted: number; posted: number }>(
    `select
       (select count(*)::integer from journal.acceptance) as accepted,
       (select count(*)::integer from ledger.declaration) as posted`,
  )
  return rows[0] as { accepted: number; posted: number }
}

/** One line that changes on a terminal; elsewhere a line for each second. */
function showProgress(
  database: pg.Pool,
  declarations: number,
  killed: () => number | undefined,
): { stop(): Promise<void> } {
  const terminal = process.stdout.isTTY
  let running = true
  const show = async () => {
    const { accepted, posted } = await countAtOnce(database)
    const fate = killed() === undefined ? '' : `   worker ${killed()} killed with SIGKILL`
    const line = `accepted ${accepted} of ${declarations}   posted ${posted}${fate}`
    if (terminal) overwrite(line)
    else say(line)
  }
  const loop = (async () => {
    while (running) {
      await show()
      await pause(terminal ? 100 : 500)
    }
    await show()
    if (terminal) write('\n')
  })()
  return {
    stop: () => {
      running = false
      return loop
    },
  }
}

async function postedOrLate(database: pg.Pool, declarations: number): Promise<void> {
  const deadline = performance.now() + postedWithinMs
  while ((await countPosted(database)) < declarations && performance.now() < deadline) {
    await pause(20)
  }
}

type Outcome = {
  readonly tally: Tally
  readonly declarations: number
  readonly killed: number | undefined
  readonly restarts: number
  readonly times: { readonly acceptedMs: number; readonly postedMs: number }
}

/** Prints the table; true when all is as promised. */
async function showResult(database: pg.Pool, outcome: Outcome): Promise<boolean> {
  const { tally, declarations, killed, restarts, times } = outcome
  const journal = await count(database, 'select count(*) from journal.acceptance')
  const posted = await countPosted(database)
  const twice = await count(
    database,
    'select count(*) - count(distinct id) as count from ledger.declaration',
  )
  const inForce = await count(
    database,
    "select count(*) from ledger.declaration_status where status = 'posted' and kind <> 'cancellation'",
  )
  const lines = await count(database, 'select count(*) from ledger.line')
  const checks = [
    ['sent', declarations, true],
    ['accepted (202)', tally.accepted, tally.accepted === declarations],
    ['in the journal', journal, journal === declarations],
    ['posted', posted, posted === tally.accepted],
    ['posted twice', twice, twice === 0],
    ['receipts that verify', tally.receipts, tally.receipts === declarations],
    ['sent again with the same key', tally.retried, true],
    ['of these, answered otherwise', tally.differing, tally.differing === 0],
    ['workers killed, started again', restarts, killed !== undefined && restarts > 0],
    ['in force', inForce, inForce > 0],
    ['lines', lines, lines > 0],
  ] as const
  write('\n')
  for (const [name, value, good] of checks) {
    write(`${name.padEnd(30)}${String(value).padStart(10)}${good ? '' : '  WRONG'}\n`)
  }
  await showAmounts(database)
  const seconds = (ms: number) => (ms / 1_000).toFixed(1)
  write(
    `All accepted after ${seconds(times.acceptedMs)} s, all posted after ${seconds(times.postedMs)} s.\n`,
  )
  const good = checks.every(([, , holds]) => holds)
  write(
    good
      ? 'Every declaration was accepted and posted exactly once.\n'
      : 'NOT every declaration was accepted and posted exactly once.\n',
  )
  return good
}

/** Amounts of what is in force. */
async function showAmounts(database: pg.Pool): Promise<void> {
  const { rows } = await database.query<
    Record<'insurance' | 'base' | 'employer' | 'employee', string>
  >(
    `select
       insurance, sum(base_fen) as base, sum(employer_fen) as employer, sum(employee_fen) as employee
     from ledger.amount join ledger.declaration_status using (envelope, position)
     where status = 'posted'
     group by insurance
     order by insurance`,
  )
  const column = (text: string) => text.padStart(18)
  const head = ['base', 'employer pays', 'employee pays'].map(column).join('')
  write(`\n${'in force, yuan'.padEnd(16)}${head}\n`)
  for (const { insurance, base, employer, employee } of rows) {
    const values = [base, employer, employee].map((fen) => column(formatFen(Number(fen))))
    write(`${insurance.padEnd(16)}${values.join('')}\n`)
  }
  write('\n')
}

main(process.argv.slice(2)).catch(reportFailure)
