import { compactVerify, createLocalJWKSet } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { sha256 } from '../../src/journal/digest.ts'
import { verifyReceipt } from '../../src/journal/receipts/receipt.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

test('a replay returns the original receipt, byte for byte, from any writer', async () => {
  const filing = filingOf(declare(), 'k1')
  const others = [filingOf(declare(), 'k2'), filingOf(declare(), 'k3')]
  const first = await journal.openWriter()([filing, ...others])
  const later = { ...filing, acceptedAtMicros: filing.acceptedAtMicros + 5_000_000 }
  const again = await journal.openWriter()([later])
  expect(first.acceptances.get(filing.id)?.fresh).toBe(true)
  expect(again.acceptances.get(filing.id)?.fresh).toBe(false)
  expect(again.acceptances.get(filing.id)?.receipt).toBe(first.acceptances.get(filing.id)?.receipt)
  expect(again.envelope).toBeUndefined()
})

test('the same key with other content meets the digest that was accepted', async () => {
  const declaration = declare()
  const first = filingOf(declaration, 'k')
  const other = filingOf({ ...declaration, lines: declare().lines ?? [] }, 'k')
  const write = journal.openWriter()
  await write([first])
  const second = await write([other])
  expect(other.id).toBe(first.id)
  const met = second.acceptances.get(other.id)
  expect([first, other].map(({ digest }) => met?.isOf(digest))).toEqual([true, false])
})

test('a receipt verifies offline, with our verifier and with a JOSE library', async () => {
  const filings = Array.from({ length: 5 }, (_, i) => filingOf(declare(), `r${i}`))
  const { acceptances } = await journal.openWriter()(filings)
  const keys = journal.keyring.receiptKeys.map(({ publicJwk }) => publicJwk)
  for (const { id } of filings) {
    const receipt = JSON.parse(acceptances.get(id)?.receipt as string)
    expect(verifyReceipt(receipt, keys)).toMatchObject({ valid: true, statement: { id } })
    const jwks = createLocalJWKSet({ keys: [...keys] })
    await compactVerify(receipt.signedRoot, jwks, { algorithms: ['Ed25519'] })
    for (const member of Object.keys(receipt.statement)) {
      const forged = { ...receipt, statement: { ...receipt.statement, [member]: 'forged' } }
      expect(verifyReceipt(forged, keys).valid).toBe(false)
    }
  }
})

test('two writers that race for the same ids accept each once, and the loser is not posted', async () => {
  const declarations = Array.from({ length: 30 }, () => declare({ lines: 1 }))
  const filings = declarations.map((declaration, i) => filingOf(declaration, `race${i}`))
  const rivals = declarations.map((declaration, i) =>
    filingOf({ ...declaration, lines: declare({ lines: 3 }).lines ?? [] }, `race${i}`),
  )
  // Reversed: unsorted inserts would deadlock.
  const results = await Promise.all([
    journal.openWriter()(filings),
    journal.openWriter()([...rivals].reverse()),
  ])
  for (const { id } of filings) {
    const [one, other] = results.map(({ acceptances }) => acceptances.get(id))
    expect([one?.fresh, other?.fresh].filter(Boolean)).toHaveLength(1)
    expect(one?.receipt).toBe(other?.receipt)
  }
  for (const { envelope } of results) if (envelope !== undefined) await journal.post(envelope)
  const { rows } = await journal.database.owner.query(
    `select a.id, d.envelope, d.position, d.lines
     from journal.acceptance a left join ledger.declaration d on d.id = a.id
     where a.id = any($1)`,
    [filings.map(({ id }) => id)],
  )
  expect(rows).toHaveLength(30)
  for (const row of rows) expect([1, 3]).toContain(row.lines)
})

test('each writer’s envelopes are chained, and the signature covers chain and content', async () => {
  const write = journal.openWriter()
  const numbers: bigint[] = []
  for (let i = 0; i < 3; i += 1) {
    const { envelope } = await write([filingOf(declare(), `c${i}`)])
    numbers.push(envelope as bigint)
  }
  const { rows } = await journal.database.owner.query(
    'select * from journal.envelope where number = any($1) order by number',
    [numbers],
  )
  rows.forEach((row, i) => {
    const claims = JSON.parse(Buffer.from(row.signed_root.split('.')[1], 'base64url').toString())
    expect(row.writer).toBe(rows[0].writer)
    expect(Number(row.writer_position)).toBe(i + 1)
    expect(row.link).toEqual(sha256(row.signed_root))
    expect(claims).toMatchObject({
      envelope: row.number,
      content: sha256(row.sealed).toString('base64url'),
      previous: row.previous_link.toString('base64url'),
    })
    if (i > 0) expect(row.previous_link).toEqual(rows[i - 1].link)
  })
})

test('a writer whose last envelope is gone from the journal accepts nothing more; another one does', async () => {
  const write = journal.openWriter()
  const { envelope } = await write([filingOf(declare(), 'before')])
  const { owner } = journal.database
  // As if an older state of the database had been restored under it.
  await owner.query('delete from journal.acceptance where envelope = $1', [envelope])
  await owner.query('delete from journal.envelope where number = $1', [envelope])
  const filing = filingOf(declare(), 'after')
  for (let i = 0; i < 2; i += 1)
    await expect(write([filing])).rejects.toMatchObject({ name: 'JournalWentBackError' })
  const { rows } = await owner.query('select from journal.acceptance where id = $1', [filing.id])
  expect(rows).toHaveLength(0)
  const restarted = await journal.openWriter()([filing])
  expect(restarted.acceptances.get(filing.id)?.fresh).toBe(true)
})

test('the application may not change or delete what the journal holds', async () => {
  await journal.openWriter()([filingOf(declare(), 'fixed')])
  const forbidden = [
    'update journal.envelope set lane = lane',
    'delete from journal.envelope',
    'truncate journal.envelope',
    'update journal.acceptance set kind = kind',
    'delete from journal.acceptance',
    'update ledger.posting set lane = lane',
    'delete from ledger.declaration',
    'update ledger.line set wage_fen = 0',
    'delete from ledger.line',
  ]
  for (const sql of forbidden) {
    await expect(journal.pool.query(sql), sql).rejects.toMatchObject({ code: '42501' })
  }
})

test('no statement of acceptance or posting scans a table that grows, not even while it is small', async () => {
  const write = journal.openWriter()
  const scans = async () => {
    await journal.pool.query('select pg_stat_force_next_flush()')
    const { rows } = await journal.database.owner.query(
      `select sum(seq_scan)::int as whole, sum(idx_scan)::int as by_key from pg_stat_user_tables
       where relname in ('acceptance', 'envelope', 'posting', 'declaration', 'in_force')`,
    )
    return rows[0] as { whole: number; by_key: number }
  }
  // The planner now knows that a whole scan is cheapest, and keeps that plan for this connection.
  await write([filingOf(declare(), 'scan')])
  await journal.database.owner.query('vacuum analyze')
  const before = await scans()
  for (let i = 0; i < 8; i += 1) {
    const { envelope } = await write([filingOf(declare(), `scan-${i}`)])
    await journal.post(envelope as bigint)
  }
  const after = await waitFor('the statistics', async () => {
    const now = await scans()
    return now.by_key > before.by_key + 8 && now
  })
  expect(after.whole).toBe(before.whole)
})

test('one region has one pack in an envelope: a group with two is not stored', async () => {
  const [one, other] = [filingOf(declare(), 'pack-1'), filingOf(declare(), 'pack-2')]
  const write = journal.openWriter()
  const mixed = { ...other, policy: { ...other.policy, hash: 'another' } }
  await expect(write([one, mixed])).rejects.toThrow('a region has one pack at a time')
  const { rows } = await journal.database.owner.query(
    'select from journal.acceptance where id = any($1::text[])',
    [[one.id, other.id]],
  )
  expect(rows).toEqual([])
})

test('a group whose process stood still is not committed, and what comes after it is', async () => {
  const { pool, keyring } = journal
  const [signer, sealingKey] = [keyring.receiptKeys[0], keyring.sealingKeys[0]]
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const accept = createAcceptGroup({
    pool,
    signer,
    sealingKey,
    salts: keyring.salts,
    environment: () => 'test',
    lane: 'filing',
    startsWithinMs: 60_000,
  })
  const now = Date.now() * 1_000
  const late = { ...filingOf(declare(), 'stood still'), acceptedAtMicros: now - 61_000_000 }
  const inTime = { ...filingOf(declare(), 'in time'), acceptedAtMicros: now }
  await expect(accept([inTime, late])).rejects.toMatchObject({ name: 'GroupTooOldError' })
  const stored = () =>
    journal.database.owner.query(
      `select a.id, e.previous_link
       from journal.acceptance a
       join journal.envelope e on e.number = a.envelope
       where a.id = any($1)`,
      [[late.id, inTime.id]],
    )
  expect((await stored()).rows).toEqual([])
  const { acceptances } = await accept([inTime])
  expect(acceptances.get(inTime.id)).toMatchObject({ fresh: true })
  // Its chain does not follow what was not stored.
  expect((await stored()).rows).toEqual([{ id: inTime.id, previous_link: Buffer.alloc(32) }])
})
