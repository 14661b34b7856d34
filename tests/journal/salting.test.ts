/** The database alone gives nothing away of what was filed; its filer proves it, and is met as ever. */
import { hash, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { digestOf } from '../../src/journal/digest.ts'
import { findAcceptances } from '../../src/journal/reading/find.ts'
import { leafHash } from '../../src/journal/receipts/merkle.ts'
import { isReceiptOf, statementText, verifyReceipt } from '../../src/journal/receipts/receipt.ts'
import { isSalting } from '../../src/journal/salting.ts'
import { beginSalting } from '../../src/platform/installation/database.ts'
import { everythingIn, unsalted } from '../support/everything.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

const contentOf = (declaration: Declaration) =>
  digestOf(Buffer.from(canonicalDeclaration(declaration)))

const before = <T>(work: () => Promise<T>) => unsalted(journal.database, work)

async function accept(declaration: Declaration, key: string) {
  const filing = filingOf(declaration, key)
  const acceptance = (await journal.openWriter()([filing])).acceptances.get(filing.id)
  if (acceptance === undefined) throw new Error('not accepted')
  return { filing, acceptance, receipt: JSON.parse(acceptance.receipt) }
}

/** What whoever guesses the content would look for in the database. */
async function tracesOf({ id, digest }: { id: string; digest: Buffer }): Promise<string[]> {
  const [found] = await findAcceptances(journal.pool, journal.keyring.salts, [id])
  if (found === undefined) throw new Error('not accepted')
  const stated = statementText({ ...found.statement, digest, salted: false }, 'test')
  const guesses = {
    digest: digest.toString('hex'),
    digestAgain: hash('sha256', digest, 'hex'),
    digestOfId: hash('sha256', Buffer.concat([Buffer.from(id), digest]), 'hex'),
    leaf: leafHash(stated).toString('hex'),
    salt: journal.keyring.salts.saltOf(id),
    saltAsBytes: Buffer.from(journal.keyring.salts.saltOf(id)).toString('hex'),
  }
  const all = await everythingIn(journal.database)
  return Object.entries(guesses).flatMap(([name, guess]) => (all.includes(guess) ? [name] : []))
}

test('who has the database and guesses the content finds no trace of it; of one of before, it does', async () => {
  const { filing, acceptance } = await accept(declare({ lines: 1 }), 'guessed')
  await journal.post((await placeOf(filing.id)).envelope)
  expect(acceptance.statement.salted).toBe(true)
  expect(await tracesOf(filing)).toEqual([])
  const earlier = await before(() => accept(declare({ lines: 1 }), 'guessed before'))
  expect(await tracesOf(earlier.filing)).toEqual(['digest', 'leaf'])
})

async function placeOf(id: string): Promise<{ envelope: bigint; digest: Buffer | null }> {
  const { rows } = await journal.pool.query<{ envelope: string; digest: Buffer | null }>(
    'select envelope, digest from journal.acceptance where id = $1',
    [id],
  )
  const [row] = rows
  if (row === undefined) throw new Error('not accepted')
  return { envelope: BigInt(row.envelope), digest: row.digest }
}

test('a salt is HKDF of the id, as any library makes it, and another for each', () => {
  const { blindIndexSecret, salts } = journal.keyring
  const seen = new Set<string>()
  const ids = fc.stringMatching(/^[0-9]{6}-[0-9a-z]{26}$/)
  fc.assert(
    fc.property(ids, (id) => {
      const salt = hkdfSync('sha256', blindIndexSecret.export(), '', `spillway-digest:${id}`, 32)
      expect(salts.saltOf(id)).toBe(Buffer.from(salt).toString('base64url'))
      seen.add(salts.saltOf(id))
    }),
    { numRuns: 200 },
  )
  expect(seen.size).toBeGreaterThan(150)
})

test('whoever has the receipt and the content proves one by the other, offline', async () => {
  const keys = journal.keyring.receiptKeys.map(({ publicJwk }) => publicJwk)
  const declaration = declare({ lines: 1 })
  const { receipt } = await accept(declaration, 'proved')
  expect(verifyReceipt(receipt, keys).valid).toBe(true)
  // Ten lines in any language.
  const { salt, statement } = receipt
  const again = hash('sha256', Buffer.concat([Buffer.from(salt), contentOf(declaration)]), 'hex')
  expect(statement.digest).toBe(`salted-sha256:${again}`)
  expect(isReceiptOf(receipt, contentOf(declaration))).toBe(true)
  const other = declare({ lines: 1 })
  expect(isReceiptOf(receipt, contentOf(other))).toBe(false)
  for (const wrong of [undefined, '', `${salt}a`, `a${salt.slice(1)}`])
    expect(isReceiptOf({ ...receipt, salt: wrong }, contentOf(declaration))).toBe(salt === wrong)
  const earlier = await before(() => accept(declaration, 'proved before'))
  expect(earlier.receipt.salt).toBeUndefined()
  expect(verifyReceipt(earlier.receipt, keys).valid).toBe(true)
  expect(isReceiptOf(earlier.receipt, contentOf(declaration))).toBe(true)
  expect(isReceiptOf(earlier.receipt, contentOf(other))).toBe(false)
})

test('a replay gets the receipt to the byte and other content none, on either side of the beginning', async () => {
  for (const when of ['before', 'after'] as const) {
    const [declaration, other] = [declare({ lines: 1 }), declare({ lines: 1 })]
    const key = `again ${when}`
    const first = await (when === 'before'
      ? before(() => accept(declaration, key))
      : accept(declaration, key))
    expect(first.acceptance.statement.salted).toBe(when === 'after')
    const tries = [
      () => accept(declaration, key),
      () => before(() => accept(declaration, key)),
    ] as const
    for (const again of tries) {
      const { acceptance } = await again()
      expect(acceptance.receipt).toBe(first.acceptance.receipt)
      expect(acceptance.fresh).toBe(false)
      expect(acceptance.isOf(contentOf(declaration))).toBe(true)
      expect(acceptance.isOf(contentOf(other))).toBe(false)
    }
    const [found] = await findAcceptances(journal.pool, journal.keyring.salts, [first.filing.id])
    expect(found?.receipt).toBe(first.acceptance.receipt)
    // And it is posted, whichever it is.
    const { envelope } = await placeOf(first.filing.id)
    expect(await journal.post(envelope)).toMatchObject({ kind: 'posted', deadLetters: [] })
  }
})

test('what stands is known by its content under another key, salted or of before', async () => {
  const stand = [
    (made: Declaration) => accept(made, 'stands'),
    (made: Declaration) => before(() => accept(made, 'stood')),
  ]
  for (const standing of stand) {
    const declaration = declare({ lines: 1 })
    const other = declare({ lines: 1, employer: declaration.employer })
    await standing(declaration)
    const second = filingOf(declaration, 'another key', undefined, 'nothingStands')
    const met = (await journal.openWriter()([second])).standing.get(second.id)
    expect(met?.isOf(contentOf(declaration))).toBe(true)
    expect(met?.isOf(contentOf(other))).toBe(false)
  }
})

test('a program of before meets no digest where it is salted, and takes none for another’s', async () => {
  const { filing } = await accept(declare({ lines: 1 }), 'for a program of before')
  expect((await placeOf(filing.id)).digest).toBeNull()
})

test('a content that lies at another’s place in its envelope is not posted', async () => {
  const filings = [filingOf(declare({ lines: 1 }), 'one'), filingOf(declare({ lines: 1 }), 'other')]
  const { envelope } = await journal.openWriter()(filings)
  await journal.database.owner.query(
    'update journal.acceptance set position = 1 - position where envelope = $1',
    [envelope],
  )
  await expect(journal.post(envelope as bigint)).rejects.toMatchObject({ code: 'UNREADABLE' })
})

test('digests are salted at once in a new database, and in one of before once that is finished', async () => {
  const client = await journal.database.owner.connect()
  expect(await isSalting(client)).toBe(true)
  await client.query('delete from journal.salting')
  expect(await isSalting(client)).toBe(false)
  await beginSalting(client)
  await beginSalting(client)
  expect(await isSalting(client)).toBe(true)
  client.release()
  await expect(journal.pool.query('delete from journal.salting')).rejects.toMatchObject({
    code: '42501',
  })
})
