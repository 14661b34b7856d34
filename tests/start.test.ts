/** `npm start` and the commands beside it, as a stranger runs them. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readEmbeddedPostgresPassword } from '../src/platform/config/key-store.ts'
import { findEmbeddedPostgres } from '../src/platform/postgres/embedded-postgres.ts'
import { type Command, runCommand } from './support/command.ts'
import { metricsOf } from './support/engine.ts'
import { waitFor } from './support/wait.ts'

type Engine = {
  readonly command: Command
  readonly env: {
    readonly DATA_DIR: string
    readonly PORT: string
    readonly OPERATORS_PORT: string
  }
  readonly address: string
}

let folder: string
let one: Engine
let two: Engine
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-start-'))
  ;[one, two] = await Promise.all([startEngine('one'), startEngine('two')])
})
afterAll(async () => {
  await Promise.all([one.command.end('SIGINT'), two.command.end('SIGINT')])
  rmSync(folder, { recursive: true, force: true })
})

const anyPorts = { PORT: '0', OPERATORS_PORT: '0' }

async function startEngine(
  name: string,
  env?: Engine['env'] & Record<string, string>,
): Promise<Engine> {
  const own = env ?? { DATA_DIR: path.join(folder, name, 'data'), ...anyPorts }
  const command = runCommand('src/commands/start.ts', own)
  await command.says(/Ctrl-C stops everything/)
  const [, address = ''] = /takes declarations at (\S+)/.exec(command.output()) ?? []
  return { command, env: own, address }
}

/** What the printed curl command sends. */
/** Of one employer and period one regular declaration is accepted: what else is filed is of others. */
const periods: Record<string, string> = {
  kept: '2024-01',
  'before-kill': '2024-02',
  'after-kill': '2024-03',
}

async function pasteCurl({ command }: Engine, key: string) {
  const output = command.output()
  const url = /curl -i (\S+)/.exec(output)?.[1] as string
  const headers = new Headers()
  for (const [, name, value] of output.matchAll(/-H ['"]([^:]+): ([^'"]+)['"]/g)) {
    headers.set(name as string, (value as string).replace('$TOKEN', tokenIn(output)))
  }
  const printed = /-d '([^']+)'/.exec(output)?.[1] as string
  const period = periods[key]
  const body = period === undefined ? printed : withPeriod(printed, period)
  headers.set('idempotency-key', key)
  const answer = await fetch(url, { method: 'POST', headers, body })
  return {
    status: answer.status,
    text: await answer.text(),
    authorization: headers.get('authorization'),
  }
}

/** Of the file that the line before reads, which its owner alone may. */
function tokenIn(output: string): string {
  const [, file = ''] = /^TOKEN=\$\(cat (\S+)\)$/m.exec(output) ?? []
  expect(statSync(file).mode & 0o777).toBe(0o600)
  return readFileSync(file, 'utf8').trim()
}

function withPeriod(declaration: string, period: string): string {
  return JSON.stringify({ ...JSON.parse(declaration), period })
}

async function statusOf({ address }: Engine, id: string, authorization: string): Promise<string> {
  const answer = await fetch(`${address}/v1/declarations/${id}`, {
    headers: { authorization },
  })
  return ((await answer.json()) as { status: string }).status
}

async function ownerOf({ env }: Engine): Promise<pg.Client> {
  const ownerPassword = readEmbeddedPostgresPassword(path.join(env.DATA_DIR, 'keyring.json'))
  const url = await findEmbeddedPostgres({ dataDir: env.DATA_DIR, ownerPassword })
  const client = new pg.Client(url as string)
  await client.connect()
  return client
}

test('two engines on one machine each take what their printed request files, and post it', async () => {
  for (const engine of [one, two]) {
    const { status, text, authorization } = await pasteCurl(engine, 'first')
    expect(status).toBe(202)
    const { id } = JSON.parse(text) as { id: string }
    await waitFor(
      'posting',
      async () => (await statusOf(engine, id, authorization ?? '')) === 'posted',
    )
  }
})

test('no token is in what an engine prints', async () => {
  const { authorization } = await pasteCurl(one, 'first')
  expect(authorization).toMatch(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/)
  for (const { command } of [one, two]) {
    expect(command.output()).toContain('"Authorization: Bearer $TOKEN"')
    expect(command.output()).not.toMatch(/eyJ[\w-]{20,}/)
  }
})

test('a second engine on the same data is refused with who holds it', async () => {
  const second = runCommand('src/commands/start.ts', { ...one.env, ...anyPorts })
  expect(await second.done).toBe(1)
  expect(second.output()).toMatch(/An engine runs on .* already \(process \d+, port \d+\)/)
})

/** What was filed with the first engine before it was stopped. */
let kept: Awaited<ReturnType<typeof pasteCurl>>

test('Ctrl-C stops everything cleanly, and leaves the other engine alone', async () => {
  kept = await pasteCurl(one, 'kept')
  // A terminal's Ctrl-C comes more than once: from the terminal, from npm, from the bootstrap.
  one.command.signal('SIGINT')
  await one.command.says(/"signal":"SIGINT"/)
  expect(await one.command.end('SIGINT')).toBe(0)
  const pidFile = path.join(one.env.DATA_DIR, 'postgres', 'postmaster.pid')
  expect(() => readFileSync(pidFile)).toThrow()
  expect((await fetch(`${two.address}/readyz`)).status).toBe(200)
})

test('a port that is taken is told as such, and nothing is left running', async () => {
  const env = { ...one.env, PORT: new URL(two.address).port }
  const second = runCommand('src/commands/start.ts', env)
  expect(await second.done).toBe(1)
  expect(second.output()).toContain('The port is in use')
  const ownerPassword = readEmbeddedPostgresPassword(path.join(env.DATA_DIR, 'keyring.json'))
  expect(await findEmbeddedPostgres({ dataDir: env.DATA_DIR, ownerPassword })).toBeUndefined()
})

test('a second start finds its data', async () => {
  one = await startEngine('one', one.env)
  const { text, authorization } = kept
  const { id } = JSON.parse(text) as { id: string }
  await waitFor('posting', async () => (await statusOf(one, id, authorization ?? '')) === 'posted')
  expect((await pasteCurl(one, 'kept')).text).toBe(text)
})

test('a Postgres that is killed comes back, and what was filed with it', async () => {
  const { text, authorization } = await pasteCurl(one, 'before-kill')
  const pidFile = path.join(one.env.DATA_DIR, 'postgres', 'postmaster.pid')
  process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGKILL')
  await one.command.says(/Postgres ended; starting it again/)
  const again = await waitFor('acceptance', async () => {
    const answer = await pasteCurl(one, 'before-kill')
    return answer.status === 202 && answer
  })
  expect(again.text).toBe(text)
  expect((await pasteCurl(one, 'after-kill')).status).toBe(202)
  const { id } = JSON.parse(text) as { id: string }
  await waitFor(
    'posting',
    async () => (await statusOf(one, id, authorization ?? '')) !== 'accepted',
  )
})

test('token prints a token that the engine takes, and says how to call it otherwise', async () => {
  const employer = '91340100MA2M000105'
  const bad = runCommand('src/commands/token.ts', one.env, ['--employer', employer])
  expect(await bad.done).toBe(2)
  expect(bad.output()).toContain('GB 32100')
  const nobody = runCommand('src/commands/token.ts', one.env, ['--employer', '91350100M000100Y43'])
  expect(await nobody.done).toBe(2)
  expect(nobody.output()).toContain('--subject is whose the token is')
  const good = runCommand('src/commands/token.ts', one.env, [
    '--subject',
    'payroll',
    '--employer',
    '91350100M000100Y43',
    '--ttl',
    '1m',
  ])
  expect(await good.done).toBe(0)
  expect(good.output()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  const answer = await fetch(`${one.address}/v1/declarations?employer=91350100M000100Y43`, {
    headers: { authorization: `Bearer ${good.output().trim()}` },
  })
  expect(answer.status).toBe(200)
})

test('verify-receipt works offline with a saved JWKS and tells a forged receipt', async () => {
  const { text } = await pasteCurl(two, 'first')
  const file = path.join(folder, 'receipt.json')
  const jwks = path.join(folder, 'jwks.json')
  writeFileSync(file, text)
  const keys = await fetch(`${two.address}/.well-known/jwks.json`)
  writeFileSync(jwks, await keys.text())
  const nowhere = { DATA_DIR: path.join(folder, 'nowhere') }
  const valid = runCommand('src/commands/verify-receipt.ts', nowhere, [file, '--jwks', jwks])
  expect(await valid.done).toBe(0)
  expect(valid.output()).toMatch(/^VALID/)
  writeFileSync(
    file,
    text.replace('"onTime":true', '"onTime":false').replace('"onTime":true', '"onTime":false'),
  )
  const forged = runCommand('src/commands/verify-receipt.ts', nowhere, [file, '--jwks', jwks])
  expect(await forged.done).toBe(1)
  expect(forged.output()).toContain('NOT VALID')
})

test('replay rebuilds the same ledger, and reports a row that was tampered with', async () => {
  const same = runCommand('src/commands/replay.ts', two.env)
  expect(await same.done, same.output()).toBe(0)
  expect(same.output()).toContain('The ledger is what the journal says.')
  const owner = await ownerOf(two)
  try {
    await owner.query('update ledger.line set pension_employer_fen = pension_employer_fen + 1')
    const other = runCommand('src/commands/replay.ts', two.env)
    expect(await other.done).toBe(1)
    expect(other.output()).toMatch(/line: only in ledger/)
    expect(other.output()).toContain('NOT what the journal says')
    const { rows } = await owner.query(
      "select 1 from pg_namespace where nspname like 'ledger\\_replay%'",
    )
    expect(rows).toEqual([])
  } finally {
    await owner.end()
  }
})

test('a rehearsal runs beside it, with one command to make it, one to start and one to remove it', async () => {
  const env = { ...two.env, ENVIRONMENT: 'rehearsal' }
  const before = runCommand('src/commands/start.ts', env)
  expect(await before.done).toBe(1)
  expect(before.output()).toContain('"npm run rehearsal -- create" makes them')
  const created = runCommand('src/commands/rehearsal.ts', two.env, ['create'])
  expect(await created.done, created.output()).toBe(0)
  const rehearsal = await startEngine('rehearsal', env)
  const { status, text } = await pasteCurl(rehearsal, 'first')
  expect(status).toBe(202)
  expect(text).toContain('"environment":"rehearsal"')
  expect(await rehearsal.command.end('SIGINT')).toBe(0)
  const removed = runCommand('src/commands/rehearsal.ts', two.env, ['remove'])
  expect(await removed.done, removed.output()).toBe(0)
  expect(removed.output()).toContain('Removed everything from the database of the rehearsal')
  expect((await fetch(`${two.address}/readyz`)).status).toBe(200)
})

test('metrics show intake, worker and backlog in one place', async () => {
  expect((await fetch(`${two.address}/metrics`)).status).toBe(404)
  const [, operators = ''] = /metrics +(\S+)\/metrics/.exec(two.command.output()) ?? []
  const metrics = await metricsOf({ operators })
  for (const name of [
    'accepted',
    'group_declarations',
    'posted',
    'oldest_unposted',
    'dead_letters',
  ]) {
    expect(metrics, name).toMatch(new RegExp(`^spillway_\\w*${name}`, 'm'))
  }
})

test('the demo ends with every declaration accepted and posted exactly once', async () => {
  const demo = runCommand('bench/demo.ts', {}, ['--declarations', '150', '--seed', '7'])
  expect(await demo.done, demo.output()).toBe(0)
  expect(demo.output()).toMatch(/posted +150\n/)
  expect(demo.output()).toMatch(/workers killed, started again +[1-9]/)
})

test('an engine whose output nobody reads any more takes a signal, and leaves nothing', async () => {
  const { DATA_DIR } = two.env
  const pidFile = path.join(DATA_DIR, 'postgres', 'postmaster.pid')
  expect(readFileSync(pidFile, 'utf8')).toMatch(/ready/)
  two.command.stopReading()
  expect(await two.command.end('SIGTERM')).toBe(0)
  expect(existsSync(pidFile)).toBe(false)
})
