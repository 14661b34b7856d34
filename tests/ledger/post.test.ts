import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { nameCharactersMax } from '../../src/declaration/schema.ts'
import { CommitTimes } from '../../src/journal/commit-times.ts'
import { digestOf } from '../../src/journal/digest.ts'
import { GroupCommit } from '../../src/journal/group-commit.ts'
import { assessDeclaration } from '../../src/policy/assess.ts'
import {
  declare,
  filingOf,
  type Journal,
  ledgerText,
  openJournal,
  rulesOf,
} from '../support/journal.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

async function emptyLedger({ database }: Journal): Promise<void> {
  await database.owner.query(
    'truncate ledger.posting, ledger.declaration, ledger.line, ledger.in_force, ledger.last_cancellation, ledger.whole, ledger.dead_letter',
  )
}

test('lines, amounts and what is in force are what the assessment says', async () => {
  const declaration = declare({ lines: 5 })
  const filing = filingOf(declaration, 'whole')
  const { envelope } = await journal.openWriter()([filing])
  expect(await journal.post(envelope as bigint)).toMatchObject({ kind: 'posted', declarations: 1 })
  const { amounts } = assessDeclaration(declaration, rulesOf('340100', '2024-11'))
  const { rows } = await journal.database.owner.query(
    `select m.insurance, m.base_fen::int, m.employer_fen::int, m.employee_fen::int
     from ledger.amount m join ledger.declaration d using (envelope, position) where d.id = $1`,
    [filing.id],
  )
  expect(rows).toHaveLength(4)
  for (const { insurance, baseFen, employerFen, employeeFen } of amounts) {
    expect(rows).toContainEqual({
      insurance,
      base_fen: baseFen,
      employer_fen: employerFen,
      employee_fen: employeeFen,
    })
  }
  const sums = await journal.database.owner.query(
    `select sum(l.pension_employer_fen)::int as pension, count(*)::int as lines
     from ledger.line l join ledger.declaration d using (envelope, position) where d.id = $1`,
    [filing.id],
  )
  expect(sums.rows[0]).toEqual({
    pension: amounts.find(({ insurance }) => insurance === 'pension')?.employerFen,
    lines: 5,
  })
})

/** Envelopes with corrections and cancellations that fight over a few employers and regions. */
async function acceptStory(writers: Journal): Promise<bigint[]> {
  const employers = [declare().employer, declare().employer]
  const write = writers.openWriter()
  const numbers: bigint[] = []
  for (let i = 0; i < 7; i += 1) {
    const group = [0, 1, 2].map((j) => {
      const employer = employers[(i + j) % 2] as string
      const region = i % 3 === 1 ? '340200' : '340100'
      const kind = (['regular', 'correction', 'cancellation'] as const)[
        (i * 2 + j) % 3
      ] as Declaration['kind']
      const replaces = `202411-${'0'.repeat(26)}`
      const declaration =
        kind === 'cancellation'
          ? { employer, region, period: '2024-11', kind, replaces }
          : declare(
              { employer, lines: 2 },
              { region, ...(kind === 'correction' && { kind, replaces }) },
            )
      return filingOf(declaration, `story-${i}-${j}`)
    })
    numbers.push((await write(group)).envelope as bigint)
  }
  return numbers
}

test('any permutation, repetition and interleaving of envelopes gives the same ledger', async () => {
  const numbers = await acceptStory(journal)
  await emptyLedger(journal)
  for (const number of numbers) await journal.post(number)
  const expected = await ledgerText(journal.database.owner)
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(numbers, { minLength: numbers.length }),
      fc.array(fc.constantFrom(...numbers), { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (order, repeats, workers) => {
        await emptyLedger(journal)
        const deliveries = [...order, ...repeats]
        const next = async (): Promise<void> => {
          const number = deliveries.shift()
          if (number === undefined) return
          await journal.post(number)
          await next()
        }
        await Promise.all(Array.from({ length: workers }, next))
        expect(await ledgerText(journal.database.owner)).toBe(expected)
      },
    ),
    { numRuns: 60 },
  )
})

test('a correction delivered before its original still wins', async () => {
  const original = declare()
  const write = journal.openWriter()
  const first = filingOf(original, 'original')
  const second = filingOf(
    {
      ...original,
      kind: 'correction',
      replaces: first.id,
      lines: declare({ lines: 3 }).lines ?? [],
    },
    'correction',
  )
  const one = (await write([first])).envelope as bigint
  const two = (await write([second])).envelope as bigint
  await journal.post(two)
  await journal.post(one)
  const { rows } = await journal.database.owner.query(
    'select id, status from ledger.declaration_status where employer = $1',
    [original.employer],
  )
  expect(Object.fromEntries(rows.map(({ id, status }) => [id, status]))).toEqual({
    [first.id]: 'superseded',
    [second.id]: 'posted',
  })
})

test('a cancellation voids the period and does not revive what it replaced, whatever follows', async () => {
  const original = declare()
  const write = journal.openWriter()
  const { employer, region, period } = original
  const first = filingOf(original, 'void-1')
  const cancel = filingOf(
    { employer, region, period, kind: 'cancellation', replaces: first.id },
    'void-2',
  )
  const anew = filingOf(original, 'void-3')
  const statuses = async () => {
    const { rows } = await journal.database.owner.query(
      'select status from ledger.declaration_status where employer = $1 order by envelope',
      [employer],
    )
    return rows.map(({ status }) => status)
  }
  for (const filing of [first, cancel])
    await journal.post((await write([filing])).envelope as bigint)
  expect(await statuses()).toEqual(['cancelled', 'posted'])
  await journal.post((await write([anew])).envelope as bigint)
  expect(await statuses()).toEqual(['cancelled', 'superseded', 'posted'])
})

test('a declaration that the database refuses is isolated, and the rest of its envelope is posted', async () => {
  const filings = Array.from({ length: 40 }, (_, i) => filingOf(declare(), `bad-${i}`))
  const { envelope } = await journal.openWriter()(filings)
  const bad = [filings[3], filings[17]].map((filing) => filing?.id)
  const { owner } = journal.database
  await owner.query(
    `alter table ledger.declaration add constraint planted check (id <> all ('{${bad.join(',')}}'))`,
  )
  try {
    const outcome = await journal.post(envelope as bigint)
    expect(outcome).toMatchObject({ kind: 'posted', declarations: 38 })
    const { rows } = await owner.query(
      'select id, code, reason from ledger.dead_letter where envelope = $1 order by position',
      [envelope],
    )
    expect(rows.map(({ id, code }) => [id, code])).toEqual(bad.map((id) => [id, '23514']))
    expect(rows[0].reason).toContain('planted')
    const posted = await owner.query('select 1 from ledger.declaration where envelope = $1', [
      envelope,
    ])
    expect(posted.rowCount).toBe(38)
    expect(await journal.post(envelope as bigint)).toMatchObject({ kind: 'alreadyPosted' })
  } finally {
    await owner.query('alter table ledger.declaration drop constraint planted')
  }
})

test('a declaration that can’t be assessed is isolated too', async () => {
  const good = filingOf(declare(), 'good')
  const canonical = Buffer.from(canonicalDeclaration(declare({}, { region: '999999' })))
  const bad = { ...filingOf(declare(), 'bad'), canonical, digest: digestOf(canonical) }
  const { envelope } = await journal.openWriter()([bad, good])
  expect(await journal.post(envelope as bigint)).toMatchObject({
    kind: 'posted',
    declarations: 1,
    deadLetters: [{ id: bad.id }],
  })
})

test('the largest declaration is posted whole, beside a small one', async () => {
  const large = filingOf(declare({ lines: 10_000 }), 'large')
  const { envelope } = await journal.openWriter()([large, filingOf(declare(), 'small')])
  expect(await journal.post(envelope as bigint)).toMatchObject({ kind: 'posted', declarations: 2 })
  const { rows } = await journal.database.owner.query(
    `select count(*)::int as lines, sum(l.pension_employer_fen) = min(d.pension_employer_fen) as adds_up
     from ledger.line l join ledger.declaration d using (envelope, position)
     where d.id = $1`,
    [large.id],
  )
  expect(rows).toEqual([{ lines: 10_000, adds_up: true }])
})

test('a group that is full of long Chinese names is measured in bytes, and can be read again', async () => {
  const name = '名'.repeat(nameCharactersMax)
  const filings = Array.from({ length: 4 }, (_, i) => {
    const declaration = declare({ lines: 9_000 })
    const lines = (declaration.lines ?? []).map((line) => ({
      ...line,
      person: { ...line.person, name },
    }))
    return filingOf({ ...declaration, lines }, `long-${i}`)
  })
  const envelopes = new Set<bigint>()
  const commits = new GroupCommit({
    times: new CommitTimes(),
    targetMs: () => 10_000,
    acceptGroup: journal.openWriter(),
    isTransient: () => false,
    onCommitted: ({ envelope }) => envelope !== undefined && envelopes.add(envelope),
  })
  const outcomes = await Promise.all(filings.map((filing) => commits.submit(filing)))
  expect(outcomes.map(({ kind }) => kind)).toEqual(filings.map(() => 'accepted'))
  for (const envelope of envelopes) {
    expect(await journal.post(envelope)).toMatchObject({ kind: 'posted', deadLetters: [] })
  }
  expect(envelopes.size).toBeGreaterThan(1)
})

test('an envelope with a byte flipped is not posted and stays among the unposted', async () => {
  const { envelope } = await journal.openWriter()([filingOf(declare(), 'flip')])
  await journal.database.owner.query(
    'update journal.envelope set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where number = $1',
    [envelope],
  )
  await expect(journal.post(envelope as bigint)).rejects.toMatchObject({ code: 'UNREADABLE' })
  const { rowCount } = await journal.database.owner.query(
    'select 1 from journal.unposted where envelope = $1',
    [envelope],
  )
  expect(rowCount).toBe(1)
})
