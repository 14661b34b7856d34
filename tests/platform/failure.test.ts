/** What a command says when it can't go on. */
import { createServer } from 'node:net'
import pg from 'pg'
import { expect, test } from 'vitest'
import { sentenceOf, UsageError } from '../../src/platform/command/failure.ts'
import { createDatabase } from '../support/database.ts'

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

test('an error without a code is told with its place, not taken for the database’s', async () => {
  const said = sentenceOf(new Error('a fault does not end'))
  expect(said).toMatch(/^Error: a fault does not end\n\s+at .*failure\.test\.ts/)
  expect(said).not.toMatch(/database/i)
})

test('a database that is not there, or refuses, is named with what to check', async () => {
  // Below 1024, where only the machine's own services listen.
  const away = new pg.Client({ connectionString: 'postgres://nobody@127.0.0.1:1/none' })
  expect(sentenceOf(await failureOf(away.connect()))).toMatch(
    /can't be reached \(ECONNREFUSED\): check DATABASE_URL/,
  )
  const database = await createDatabase()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const refused = await failureOf(client.query('select 1 from no_such_table'))
  await client.end()
  await database.drop()
  expect(sentenceOf(refused)).toMatch(/refuses \(42P01\).*npm run migrate/)
})

test('what an operator can mend is one sentence: a port in use, a wrong option', async () => {
  const first = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => first.once('listening', resolve))
  const { port } = first.address() as { port: number }
  const second = createServer().listen(port, '127.0.0.1')
  const inUse = await new Promise((resolve) => second.once('error', resolve))
  first.close()
  expect(sentenceOf(inUse)).toMatch(/^The port is in use/)
  expect(sentenceOf(new UsageError('--seed must be a number'))).toBe('--seed must be a number')
})
