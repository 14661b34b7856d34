/**
 * The command that sends a file, over connections that break and to processes that stop.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { fileOf, readStored } from '../../support/uploads.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'upload-'))
const { employer } = declare()
let database: TestDatabase
let intake: EngineProcess
let tokenFile: string
beforeAll(async () => {
  database = await createDatabase()
  intake = await startProcess('intake', { DATABASE_URL: database.url, UPLOAD_STALL_MS_MAX: '1500' })
  tokenFile = path.join(folder, 'token')
  writeFileSync(tokenFile, await tokenFor([employer]))
})
afterAll(async () => {
  await intake.end()
  await database.drop()
  rmSync(folder, { recursive: true })
})

let files = 0
function newFile(bytes: number) {
  files += 1
  const file = path.join(folder, `${files}.csv`)
  const content = fileOf(bytes)
  writeFileSync(file, content)
  return { file, content }
}

/** There is no worker here: the command ends when the file is sent. */
const run = (file: string, url: string, ...more: string[]) =>
  runCommand('src/commands/upload.ts', { LANG: 'C' }, [
    ...[file, '--url', url, '--token-file', tokenFile, '--employer', employer],
    ...['--period', '2024-11', '--region', '340100', '--no-wait', ...more],
  ])

/** A proxy before intake that treats a connection's bytes as the test says. */
async function openLine(
  onBytes: (sum: number, connection: number, from: Socket, to: Socket) => void,
) {
  let connections = 0
  const server = createServer((from) => {
    connections += 1
    const nth = connections
    const { hostname, port } = new URL(intake.address)
    const to = connect({ host: hostname, port: Number(port) })
    let sum = 0
    from.on('data', (bytes) => {
      sum += bytes.length
      to.write(bytes)
      onBytes(sum, nth, from, to)
    })
    to.pipe(from)
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    close: () => server.close(),
  }
}

test('names a slot, in which the file goes first', async () => {
  const { file } = newFile(1_000)
  const answer = await fetch(`${intake.address}/v1/slots`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${readFileSync(tokenFile, 'utf8')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ employer, period: '2024-11', region: '340100', bytes: 1_000 }),
  })
  const { id } = (await answer.json()) as { id: string }
  const sent = run(file, intake.address, '--slot', id)
  expect(await sent.done, sent.output()).toBe(0)
  const lent =
    'select received from batch.batch b join batch.slot s on s.batch = b.id where s.id = $1'
  expect((await database.owner.query(lent, [id])).rows).toEqual([{ received: '1000' }])
  const again = run(file, intake.address, '--slot', id)
  expect(await again.done, again.output()).toBe(0)
  const other = run(newFile(1_000).file, intake.address, '--slot', id)
  expect(await other.done).not.toBe(0)
  expect(other.output()).toMatch(/SLOT_OVER: .*used by another file/)
})

async function expectStored(output: string, content: Buffer): Promise<void> {
  const id = /Batch (\S+) is received at/.exec(output)?.[1]
  expect(id, output).toBeDefined()
  expect((await readStored(database.url, id as string)).equals(content)).toBe(true)
}

test('sends a file, tells how far it is, and the same command again says that it is there', async () => {
  const { file, content } = newFile(1_500_000)
  const sent = run(file, intake.address)
  expect(await sent.done).toBe(0)
  expect(sent.output()).toMatch(/100\.0% of 1\.5 MB/)
  await expectStored(sent.output(), content)
  const again = run(file, intake.address)
  expect(await again.done).toBe(0)
  expect(again.output()).toContain(/Batch .*\n/.exec(sent.output())?.[0])
  expect(sent.output()).toContain(`Sending ${file} (1.5 MB) to ${intake.address}\n`)
  expect(sent.output()).toMatch(/ \(on time: the deadline is 2024-|\(late: the deadline is 2024-/)
})

test('goes on over a line that breaks again and again', async () => {
  const { file, content } = newFile(2_500_000)
  const line = await openLine((sum, _nth, from, to) => {
    if (sum > 900_000) for (const socket of [from, to]) socket.destroy()
  })
  const sent = run(file, line.url)
  expect(await sent.done).toBe(0)
  expect(sent.output()).toMatch(/No connection; trying again/)
  await expectStored(sent.output(), content)
  line.close()
})

test('Ctrl-C loses nothing: the same command goes on', async () => {
  const { file, content } = newFile(2_000_000)
  const line = await openLine((sum, _nth, from) => {
    if (sum > 800_000) from.pause()
  })
  const sent = run(file, line.url)
  await sent.says(/[5-9]\d\.\d% of/)
  // Intake keeps the bytes it got, also of a stalled connection.
  expect(await sent.end('SIGINT')).toBe(130)
  expect(sent.output()).toMatch(/The same command goes on/)
  line.close()
  const again = run(file, intake.address)
  expect(await again.done).toBe(0)
  expect(again.output()).toMatch(/Going on after \d+/)
  await expectStored(again.output(), content)
})

test('a refusal is told with what to do, in the language asked for', async () => {
  const { file } = newFile(1_000)
  const other = declare().employer
  const refused = run(file, intake.address, '--employer', other, '--lang', 'zh-CN')
  expect(await refused.done).toBe(1)
  expect(refused.output()).toMatch(/EMPLOYER_NOT_YOURS: 令牌不能代表该单位/)
  const faulty = run(file, intake.address, '--kind', 'regula', '--region', '999999')
  expect(await faulty.done).toBe(1)
  expect(faulty.output()).toMatch(/BATCH_INVALID.*\/kind: .*→ regular.*\/region: /s)
  const unused = runCommand('src/commands/upload.ts', {}, [file])
  expect(await unused.done).toBe(2)
  expect(unused.output()).toMatch(/^Usage: npm run upload/m)
})

test('waits out an intake that is busy', async () => {
  const { file } = newFile(1_000)
  const busy = await startProcess('intake', { DATABASE_URL: database.url, SHED_AT: 'bulk=0' })
  const port = new URL(busy.address).port
  const sent = run(file, busy.address)
  await sent.says(/The intake is busy \(503\); trying again in/)
  await busy.end('SIGKILL')
  const calm = await startProcess('intake', { DATABASE_URL: database.url, PORT: port })
  try {
    expect(await sent.done).toBe(0)
    expect(sent.output()).toMatch(/is received at/)
  } finally {
    await calm.end()
  }
})
