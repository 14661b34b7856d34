/** Dead letters: seen, tried again after a fix, and never deleted. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { countDeadLetters } from '../../src/ledger/dead-letter.ts'
import { runCommand } from '../support/command.ts'
import { declare, filingOf, type Journal, ledgerText, openJournal } from '../support/journal.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

async function run(...args: string[]) {
  const env = { DATABASE_URL: journal.database.url, KEYRING_FILE: inject('keyringFile') }
  const command = runCommand('src/commands/dead-letters.ts', env, args)
  return { code: await command.done, output: command.output() }
}

test('what failed is told with its reason, tried again after the fix, and counts once', async () => {
  const { owner } = journal.database
  const declarations = Array.from({ length: 5 }, () => declare({ lines: 2 }))
  const filings = declarations.map((one, i) => filingOf(one, `letter-${i}`))
  const [first, second] = filings.map(({ id }) => id) as [string, string]
  const { envelope } = await journal.openWriter()(filings)
  await owner.query(
    `alter table ledger.declaration add constraint planted check (id <> all ('{${first},${second}}'))`,
  )
  await journal.post(envelope as bigint)
  expect((await countDeadLetters(journal.pool)).get('filing')).toBe(2)

  const early = await run('retry', first)
  expect(early.code).toBe(1)
  expect(early.output).toMatch(/failed again, 23514 .*planted/)
  const shown = await run('show', first)
  expect(shown.output).toMatch(/regular of \w{18} for 2024-11, accepted/)
  expect(shown.output).toMatch(/ \S+, as spillway_operator: failed, 23514 /)
  for (const { person } of declarations.flatMap(({ lines }) => lines ?? [])) {
    expect(shown.output).not.toContain(person.idNumber)
    expect(shown.output).not.toContain(person.name)
  }

  await owner.query('alter table ledger.declaration drop constraint planted')
  expect(await run('retry', '--all')).toEqual({
    code: 0,
    output: `${first}: posted\n${second}: posted\n`,
  })
  expect((await countDeadLetters(journal.pool)).get('filing')).toBeUndefined()
  expect((await run('list')).output).toBe('0 open dead letters.\n')
  expect((await run('list', '--all')).output).toMatch(/2 dead letters\.\n$/)
  const again = await run('retry', first)
  expect(again).toEqual({ code: 1, output: '1 of these ids are no open dead letters.\n' })

  const exported = (await run('export')).output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(exported.map(({ id, open, retries }) => [id, open, retries.length])).toEqual([
    [first, false, 2],
    [second, false, 1],
  ])
  const { rows } = await owner.query(
    'select status from ledger.declaration_status where envelope = $1',
    [envelope],
  )
  expect(rows.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'posted'))
})

test('the ledger is then the same as if nothing had failed', async () => {
  const { owner } = journal.database
  const tables = 'ledger.posting, ledger.declaration, ledger.line, ledger.in_force'
  const live = (await ledgerText(owner)).split('\ndead_letter')[0]
  const { rows } = await owner.query<{ envelope: string }>('select envelope from ledger.posting')
  await owner.query(`truncate ${tables}`)
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
  expect((await ledgerText(owner)).split('\ndead_letter')[0]).toBe(live)
})

test('two who try the same one at a time post it once', async () => {
  const { owner } = journal.database
  const { retryDeadLetter } = await import('../../src/ledger/retry.ts')
  const filing = filingOf(declare({ lines: 3 }), 'race')
  const { envelope } = await journal.openWriter()([filing])
  await owner.query(
    `alter table ledger.declaration add constraint planted check (id <> '${filing.id}')`,
  )
  await journal.post(envelope as bigint)
  await owner.query('alter table ledger.declaration drop constraint planted')
  const retried = { id: filing.id, envelope: envelope as bigint, position: 0, operator: 'test' }
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, () => retryDeadLetter(journal.posting, retried)),
  )
  expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
    'alreadyPosted',
    'alreadyPosted',
    'alreadyPosted',
    'posted',
  ])
  const lines = await owner.query('select from ledger.line where envelope = $1', [envelope])
  expect(lines.rowCount).toBe(3)
})

test('the command tells how it is used', async () => {
  for (const args of [[], ['retry'], ['show'], ['drop'], ['retry', 'x', '--all']]) {
    expect((await run(...args)).output).toMatch(/^Usage: npm run dead-letters/m)
  }
})
