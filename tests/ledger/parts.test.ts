/** A declaration that travels in parts: whole or nothing, whatever the order. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Declaration } from '../../src/declaration/schema.ts'
import { declarationId } from '../../src/journal/digest.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { findPersons } from '../../src/ledger/previous.ts'
import { findReassessments, findStanding, listStandings } from '../../src/ledger/status.ts'
import { assessDeclaration } from '../../src/policy/assess.ts'
import {
  declare,
  filingOf,
  type Journal,
  ledgerText,
  openJournal,
  rulesOf,
} from '../support/journal.ts'
import { policiesOf } from '../support/packs.ts'
import { assessed, reassess, wages, withFloor } from '../support/reassess.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

/** The parts of a declaration, its head last. */
function partsOf(declaration: Declaration, key: string, count: number): Filing[] {
  const lines = declaration.lines ?? []
  const each = Math.ceil(lines.length / count)
  const of = declarationId(declaration.employer, declaration.period, key)
  return Array.from({ length: count }, (_, i) =>
    filingOf(
      { ...declaration, lines: lines.slice(i * each, (i + 1) * each) },
      i + 1 === count ? key : `${key}/${i + 1}`,
      { of, number: i + 1, count },
    ),
  )
}

/** Accepts each in an envelope of its own. */
async function accept(filings: readonly Filing[]): Promise<bigint[]> {
  const write = journal.openWriter()
  const numbers: bigint[] = []
  for (const filing of filings) numbers.push((await write([filing])).envelope as bigint)
  return numbers
}

async function inForce({ employer, period }: Declaration): Promise<string[]> {
  const { rows } = await journal.database.owner.query(
    'select id from ledger.in_force_part where employer = $1 and period = $2 order by id',
    [employer, period],
  )
  return rows.map(({ id }) => id)
}

test('nothing of it is in force until its last part is posted; then all of it is, as one', async () => {
  const declaration = declare({ lines: 9 })
  const parts = partsOf(declaration, 'large', 3)
  const head = parts[2] as Filing
  const [one, two, three] = (await accept(parts)) as [bigint, bigint, bigint]
  await journal.post(three)
  await journal.post(one)
  expect(await inForce(declaration)).toEqual([])
  expect((await findStanding(journal.pool, head.id))?.status).toBe('accepted')
  await journal.post(two)
  await journal.post(two)
  expect(await inForce(declaration)).toEqual(parts.map(({ id }) => id).sort())
  const standing = await findStanding(journal.pool, head.id)
  expect(standing).toMatchObject({ status: 'posted', parts: 3, assessment: { lines: 9 } })
  const { amounts } = assessDeclaration(declaration, rulesOf('340100', '2024-11'))
  for (const { insurance, baseFen, employerFen, employeeFen } of amounts.slice(0, 4)) {
    expect(standing?.assessment?.amounts).toContainEqual({
      insurance,
      baseFen,
      employerFen,
      employeeFen,
    })
  }
  expect(await findStanding(journal.pool, parts[0]?.id as string)).toMatchObject({
    status: 'posted',
    partOf: head.id,
    assessment: { lines: 3 },
  })
  const persons = await findPersons(journal.pool, declaration)
  expect(persons?.size).toBe(9)
})

test('what it replaces stays in force until then; what replaces it supersedes all of it', async () => {
  const small = declare()
  const [first] = await accept([filingOf(small, 'before')])
  await journal.post(first as bigint)
  const large = { ...small, lines: declare({ lines: 8 }).lines ?? [] }
  const parts = partsOf(large, 'after', 4)
  const numbers = await accept(parts)
  for (const number of numbers.slice(1)) await journal.post(number)
  expect(await inForce(small)).toEqual([filingOf(small, 'before').id])
  await journal.post(numbers[0] as bigint)
  expect(await inForce(small)).toHaveLength(4)
  const [last] = await accept([filingOf(small, 'third')])
  await journal.post(last as bigint)
  for (const { id } of parts) {
    expect((await findStanding(journal.pool, id))?.status).toBe('superseded')
  }
})

test('a cancellation that was accepted between its parts does not cancel it; a later one does', async () => {
  const declaration = declare({ lines: 6 })
  const { employer, region, period } = declaration
  const parts = partsOf(declaration, 'cancelled', 3)
  const head = parts[2] as Filing
  const cancel = { employer, region, period, kind: 'cancellation', replaces: head.id } as const
  const numbers = await accept([
    parts[0] as Filing,
    parts[1] as Filing,
    filingOf(cancel, 'c1'),
    head,
  ])
  for (const number of numbers) await journal.post(number)
  const statuses = () =>
    Promise.all(parts.map(async ({ id }) => (await findStanding(journal.pool, id))?.status))
  expect(await statuses()).toEqual(['posted', 'posted', 'posted'])
  const [later] = await accept([filingOf(cancel, 'c2')])
  await journal.post(later as bigint)
  expect(await statuses()).toEqual(['cancelled', 'cancelled', 'cancelled'])
})

test('any order, repetition and number of workers gives the same ledger', async () => {
  const employers = [declare({ lines: 6 }), declare({ lines: 6 })]
  const filings = employers.flatMap((declaration, i) => [
    ...partsOf(declaration, `w-${i}`, 3),
    filingOf(declare({ employer: declaration.employer }), `s-${i}`),
    ...partsOf({ ...declaration, lines: declare({ lines: 4 }).lines ?? [] }, `x-${i}`, 2),
  ])
  // Parts of several declarations, and small ones between them, in one envelope.
  const write = journal.openWriter()
  const numbers: bigint[] = []
  for (let at = 0; at < filings.length; at += 2) {
    numbers.push((await write(filings.slice(at, at + 2))).envelope as bigint)
  }
  const empty = () =>
    journal.database.owner.query(
      'truncate ledger.posting, ledger.declaration, ledger.line, ledger.in_force, ledger.whole',
    )
  await empty()
  for (const number of numbers) await journal.post(number)
  const expected = await ledgerText(journal.database.owner)
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(numbers, { minLength: numbers.length }),
      fc.array(fc.constantFrom(...numbers), { maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      async (order, repeats, workers) => {
        await empty()
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
    { numRuns: 40 },
  )
})

/** What an employer's list adds up to, both sides, in fen; and the ids that are in it. */
async function listed({ employer, period }: Declaration) {
  const query = { employer, period, region: undefined, before: undefined, limit: 50 }
  const found = await listStandings(journal.pool, query)
  const paid = found.flatMap(({ assessment }) =>
    (assessment?.amounts ?? []).map(({ employerFen, employeeFen }) => employerFen + employeeFen),
  )
  return { ids: found.map(({ id }) => id), fen: paid.reduce((sum, fen) => sum + fen, 0) }
}

test('a list has it once, before and after it is posted, and adds up to what is paid', async () => {
  const declaration = wages(['3000.00', '6500.00', '3100.00', '8000.00', '3200.00'])
  const parts = partsOf(declaration, 'listed', 3)
  const head = parts[2] as Filing
  const numbers = await accept(parts)
  expect(await listed(declaration)).toEqual({ ids: [head.id], fen: 0 })
  const [before] = await Promise.all(parts.map(({ id }) => findStanding(journal.pool, id)))
  expect(before).toMatchObject({ status: 'accepted', partOf: head.id })
  for (const number of numbers) await journal.post(number)
  const paidBy = (later: Parameters<typeof assessed>[1]) => {
    const { employer, employee } = assessed(declaration, later)
    return employer + employee
  }
  expect(await listed(declaration)).toEqual({
    ids: [head.id],
    fen: paidBy(journal.posting.policies),
  })
  for (const { id } of parts.slice(0, 2)) {
    expect(await findStanding(journal.pool, id)).toMatchObject({ id, partOf: head.id })
  }
  await recordPacks(journal.pool, journal.posting.policies)
  const later = policiesOf(withFloor('4311'))
  await reassess(journal, later)
  const found = await findStanding(journal.pool, head.id)
  expect(found?.reassessed).toBe(true)
  const told = await findReassessments(journal.pool, found as never, head.id)
  expect(told).toHaveLength(3)
  const after = await listed(declaration)
  expect(after.ids.sort()).toEqual([head.id, ...told.map(({ id }) => id)].sort())
  expect(after.fen).toBe(paidBy(later))
})
