/** Reassessments follow one another: whatever is ordered, dies, is tried again or comes late, a declaration stands as one pack says. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { declarationId, digestOf } from '../../src/journal/digest.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { canonicalOrder } from '../../src/journal/reassessment-order.ts'
import { findMisassessed } from '../../src/ledger/reassessment/misassessed.ts'
import { findOutdated } from '../../src/ledger/reassessment/outdated.ts'
import { retryDeadLetter } from '../../src/ledger/retry.ts'
import { findReassessments, findStanding } from '../../src/ledger/status.ts'
import { outdatedRowsMax, reassessedEnvelopesMax } from '../../src/limits.ts'
import type { Policies } from '../../src/policy/rules.ts'
import { filingOf, type Journal, ledgerText, openJournal, policies } from '../support/journal.ts'
import { hefei, policiesOf } from '../support/packs.ts'
import {
  acceptAndPost,
  assessed,
  reassess,
  standing,
  wages,
  withFloor,
} from '../support/reassess.ts'

const [A, B, C] = [policies, policiesOf(withFloor('4400')), policiesOf(withFloor('4500'))]

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
  for (const known of [A, B, C]) await recordPacks(journal.pool, known)
})
afterAll(() => journal.close())

const one = (period: string) => ({ from: period, to: period })
const hashOf = (of: Policies) => of.current.get('340100')?.hash ?? ''

/** Runs `work` while the database refuses every reassessment: each becomes a dead letter. */
async function refused<T>(work: () => Promise<T>): Promise<T> {
  const { owner } = journal.database
  await owner.query(
    'alter table ledger.reassessment add constraint planted check (false) not valid',
  )
  try {
    return await work()
  } finally {
    await owner.query('alter table ledger.reassessment drop constraint planted')
  }
}

async function openDeadLetters() {
  const { rows } = await journal.database.owner.query<{
    id: string
    envelope: string
    position: number
  }>('select id, envelope, position from ledger.open_dead_letter order by envelope, position')
  return rows.map((row) => ({ ...row, envelope: BigInt(row.envelope), operator: 'test' }))
}

test('the same change may come again: B, A, B', async () => {
  const period = '2024-01'
  const declaration = wages(['3000.00', '6500.00'], period)
  const id = await acceptAndPost(journal, declaration, 'toggle')
  for (const now of [B, A, B, A, C]) {
    const { changes } = await reassess(journal, now, one(period))
    expect(changes).toHaveLength(1)
    expect(await standing(journal, id)).toEqual(assessed(declaration, now))
    expect((await reassess(journal, now, one(period))).changes).toEqual([])
  }
  const found = await findStanding(journal.pool, id)
  expect(await findReassessments(journal.pool, found as never)).toHaveLength(5)
})

test('one that was a dead letter does not count once a later one stands in its place', async () => {
  const period = '2024-02'
  const declaration = wages(['3000.00'], period)
  const id = await acceptAndPost(journal, declaration, 'late')
  await refused(() => reassess(journal, B, one(period)))
  const again = await reassess(journal, B, one(period))
  expect(again).toMatchObject({ skipped: ['dead letter'], envelopes: [] })
  await reassess(journal, C, one(period))
  expect(await standing(journal, id)).toEqual(assessed(declaration, C))
  const [letter] = await openDeadLetters()
  if (letter === undefined) throw new Error('no dead letter')
  expect(await retryDeadLetter(journal.posting, letter)).toEqual({ kind: 'superseded' })
  expect(await retryDeadLetter(journal.posting, letter)).toEqual({ kind: 'alreadyPosted' })
  expect(await openDeadLetters()).toEqual([])
  expect(await standing(journal, id)).toEqual(assessed(declaration, C))
  expect(await findStanding(journal.pool, letter.id)).toMatchObject({ status: 'superseded' })
  const found = await findStanding(journal.pool, id)
  const told = await findReassessments(journal.pool, found as never)
  expect(told.map(({ policyHash }) => policyHash)).toEqual([hashOf(C)])
  expect((await reassess(journal, C, one(period))).changes).toEqual([])
  const { rows } = await journal.database.owner.query(
    'select fate, employer_fen::int as employer from ledger.fate where id = $1',
    [letter.id],
  )
  expect(rows).toEqual([{ fate: 'posted', employer: 0 }])
})

test('two runs at once: with one pack one order, with two the later of them counts', async () => {
  const period = '2024-03'
  const declaration = wages(['2500.00'], period)
  const id = await acceptAndPost(journal, declaration, 'at once')
  const waiting = { ...one(period), post: false }
  const same = await Promise.all([reassess(journal, B, waiting), reassess(journal, B, waiting)])
  const envelopes = same.flatMap((run) => run.envelopes)
  for (const envelope of envelopes) await journal.post(envelope)
  expect(await standing(journal, id)).toEqual(assessed(declaration, B))
  // Both find the declaration before either has accepted: as if the lock of one had been lost.
  const found = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  const first = reassess(journal, A, {
    ...waiting,
    accept: (accept) => async (group) => {
      found.resolve()
      await free.promise
      return accept(group)
    },
  })
  await found.promise
  const second = await reassess(journal, C, waiting)
  free.resolve()
  const orders = [...second.envelopes, ...(await first).envelopes]
  expect(orders).toHaveLength(2)
  for (const envelope of orders.reverse()) await journal.post(envelope)
  expect(await standing(journal, id)).toEqual(assessed(declaration, A))
})

/** Accepts and posts an order as it was before orders told what they follow. */
async function orderAsBefore(id: string, key: string, before: Policies, after: Policies) {
  const { pool, keyring } = journal
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const { rows } = await journal.database.owner.query<{ employer: string; period: string }>(
    'select employer, period from ledger.declaration where id = $1',
    [id],
  )
  const { employer, period } = rows[0] as { employer: string; period: string }
  const region = '340100'
  const kind = 'reassessment' as const
  const packs = { policy: hashOf(after), policyBefore: hashOf(before) }
  const order = { kind, employer, period, region, ...packs, reassesses: id }
  const canonical = Buffer.from(canonicalOrder(order))
  expect(canonical.toString()).not.toContain('follows')
  const filing: Filing = {
    id: declarationId(employer, period, key),
    employer,
    period,
    kind,
    digest: digestOf(canonical),
    acceptedAtMicros: 1_760_000_000_000_000,
    deadlineMicros: 1_770_000_000_000_000,
    onTime: true,
    canonical,
    policy: { region, hash: hashOf(after) },
    expects: 'anything',
    lines: 0,
  }
  const { salts } = keyring
  const writer = {
    pool,
    signer,
    sealingKey,
    salts,
    environment: () => 'test',
    lane: 'bulk',
  } as const
  const { envelope } = await createAcceptGroup(writer)([filing])
  await journal.post(envelope as bigint)
}

test('orders of before keep their place, and one that counted twice no longer does', async () => {
  const period = '2024-04'
  const declaration = wages(['2000.00'], period)
  const id = await acceptAndPost(journal, declaration, 'before')
  await refused(() => orderAsBefore(id, 'old 1', A, B))
  await orderAsBefore(id, 'old 2', A, C)
  const [letter] = await openDeadLetters()
  if (letter === undefined) throw new Error('no dead letter')
  expect(await retryDeadLetter(journal.posting, letter)).toEqual({ kind: 'superseded' })
  expect(await standing(journal, id)).toEqual(assessed(declaration, C))
  await orderAsBefore(id, 'old 3', C, A)
  expect(await standing(journal, id)).toEqual(assessed(declaration, A))
  await reassess(journal, B, one(period))
  expect(await standing(journal, id)).toEqual(assessed(declaration, B))
})

test('what was wiped because a pack lacked a tier is passed over by the next pack', async () => {
  const period = '2020-03'
  const filed = wages(['0'], period)
  const [line] = filed.lines ?? []
  if (line === undefined) throw new Error('no line')
  const chosen = { category: 'flexible', change: 'none', tier: '100', medical: 'none' } as const
  const declaration = { ...filed, lines: [{ person: line.person, ...chosen }] }
  const id = await acceptAndPost(journal, declaration, 'tier')
  const offered = hefei.flexible
  if (offered === undefined) throw new Error('the pack offers something')
  const pensionBases = offered.pensionBases.map((row) => {
    return row.tiers === undefined ? row : { ...row, tiers: row.tiers.slice(0, 1) }
  })
  const without = policiesOf({ ...hefei, flexible: { ...offered, pensionBases } })
  const told = await reassess(journal, without, one(period))
  expect(told).toMatchObject({ skipped: ['not offered'], envelopes: [] })
  expect(await standing(journal, id)).toEqual({ employer: 0, employee: 100_567 })
  // As an earlier version of the program posted it.
  await journal.database.owner.query(
    `insert into ledger.reassessment
     select 1000000, 0, 'wiped', d.employer, d.period, d.region, d.envelope, d.position, $2,
       d.policy_hash, false, 1, -d.pension_base_fen, 0, -d.pension_employee_fen, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
     from ledger.declaration d where d.id = $1`,
    [id, hashOf(without)],
  )
  await journal.database.owner.query("select setval('journal.envelope_number', 1000001)")
  expect(await standing(journal, id)).toEqual({ employer: 0, employee: 0 })
  await reassess(journal, A, one(period))
  expect(await standing(journal, id)).toEqual({ employer: 0, employee: 100_567 })
  await journal.database.owner.query("delete from ledger.reassessment where id = 'wiped'")
})

test('orders of declarations that lie apart open few envelopes each', async () => {
  const period = '2024-05'
  const count = 2 * reassessedEnvelopesMax + 3
  const filings = Array.from({ length: count }, (_, i) =>
    filingOf(wages([`${2_000 + i}.00`], period), 'apart'),
  )
  const write = journal.openWriter()
  for (const filing of filings) await journal.post((await write([filing])).envelope as bigint)
  const { envelopes } = await reassess(journal, B, one(period))
  const { rows } = await journal.database.owner.query(
    `select count(distinct declaration_envelope)::int as opened
     from ledger.reassessment where envelope = any($1) group by envelope order by envelope`,
    [envelopes],
  )
  expect(rows.map(({ opened }) => opened)).toEqual([
    reassessedEnvelopesMax,
    reassessedEnvelopesMax,
    3,
  ])
})

type Op =
  | { readonly kind: 'run'; readonly pack: number }
  | { readonly kind: 'post'; readonly nth: number; readonly dies: boolean }
  | { readonly kind: 'retry'; readonly nth: number }

const anyOp: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ kind: fc.constant('run' as const), pack: fc.nat(2) }),
  fc.record({ kind: fc.constant('post' as const), nth: fc.nat(), dies: fc.boolean() }),
  fc.record({ kind: fc.constant('retry' as const), nth: fc.nat() }),
)

test('any packs, runs, dead letters, retries and order of deliveries: it stands as the last pack says', async () => {
  const months = ['06', '07', '08', '09', '10', '11', '12']
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(anyOp, { minLength: 6, maxLength: 16 }), async (ops) => {
      const period = `2024-${months[run++ % months.length]}`
      const declaration = wages(['2100.00', '4450.00'], period)
      const id = await acceptAndPost(journal, declaration, `any ${run}`)
      const waiting: bigint[] = []
      const order = async (pack: number) => {
        const now = [A, B, C][pack] as Policies
        waiting.push(...(await reassess(journal, now, { ...one(period), post: false })).envelopes)
      }
      const post = async (nth: number) => {
        const [envelope] = waiting.splice(nth % waiting.length, 1)
        if (envelope !== undefined) await journal.post(envelope)
      }
      const retry = async (nth: number) => {
        const letters = await openDeadLetters()
        const letter = letters[nth % letters.length]
        if (letter !== undefined) await retryDeadLetter(journal.posting, letter)
      }
      for (const op of ops) {
        if (op.kind === 'run') await order(op.pack)
        else if (op.kind === 'retry') await retry(op.nth)
        else if (op.dies) await refused(() => post(op.nth))
        else await post(op.nth)
        if (waiting.length === 0) await standsAsOnePackSays(id, declaration)
      }
      while (waiting.length > 0) await post(0)
      const last = ops.findLast((op) => op.kind === 'run')?.pack ?? 0
      await order(last)
      while (waiting.length > 0) await post(0)
      for (let nth = 0; (await openDeadLetters()).length > 0; nth += 7) await retry(nth)
      await standsAsOnePackSays(id, declaration)
      await order(last)
      while (waiting.length > 0) await post(0)
      expect(await standing(journal, id)).toEqual(
        assessed(declaration, [A, B, C][last] as Policies),
      )
    }),
    { numRuns: 14 },
  )
})

/** Of the last order that is posted. */
async function standsAsOnePackSays(id: string, declaration: ReturnType<typeof wages>) {
  const { rows } = await journal.database.owner.query<{ hash: string }>(
    `select coalesce(
       (
         select r.policy_hash from ledger.reassessment r
         where (r.declaration_envelope, r.declaration_position) = (d.envelope, d.position)
         order by r.envelope desc limit 1
       ),
       d.policy_hash
     ) as hash
     from ledger.declaration d where d.id = $1`,
    [id],
  )
  const by = [A, B, C].find((one) => hashOf(one) === rows[0]?.hash)
  expect(await standing(journal, id)).toEqual(assessed(declaration, by as Policies))
}

test('replay and the auditor find what does not stand as its last pack says', async () => {
  const { owner } = journal.database
  const wrong = async () => {
    const found: string[] = []
    const { sealingKeys } = journal.keyring
    for await (const { id } of findMisassessed({ client: owner, sealingKeys, policies }))
      found.push(id)
    return found
  }
  expect(await wrong()).toEqual([])
  const { rows } = await owner.query<{ id: string; envelope: string; position: number }>(
    `select d.id, r.envelope, r.position
     from ledger.reassessment_that_counts r
     join ledger.declaration d
       on d.envelope = r.declaration_envelope and d.position = r.declaration_position
     order by r.envelope limit 1`,
  )
  const [{ id, envelope, position } = { id: '', envelope: '0', position: 0 }] = rows
  const add = (fen: number) =>
    owner.query(
      `update ledger.reassessment set pension_employee_fen = pension_employee_fen + $1
       where envelope = $2 and position = $3`,
      [fen, envelope, position],
    )
  await add(1)
  expect(await wrong()).toEqual([id])
  await add(-1)
})

test('posting all of it again in any order gives the same ledger', async () => {
  const { owner } = journal.database
  const withoutLetters = async () => (await ledgerText(owner)).split('\ndead_letter ')[0]
  const before = await withoutLetters()
  const { rows } = await owner.query<{ envelope: string }>(
    'select envelope from ledger.posting order by md5(envelope::text)',
  )
  await owner.query(
    'truncate ledger.posting, ledger.declaration, ledger.line, ledger.in_force, ledger.last_cancellation, ledger.whole, ledger.dead_letter, ledger.reassessment, ledger.reassessment_line',
  )
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
  expect(await withoutLetters()).toBe(before)
})

test('outdated ones are found before and behind any number of others', async () => {
  const period = '2024-12'
  const first = await acceptAndPost(journal, wages(['2000.00'], period), 'first')
  await journal.database.owner.query(
    `insert into ledger.declaration (
       envelope, position, id, employer, period, region, kind, lines, policy_hash, provisional,
       pension_base_fen, pension_employer_fen, pension_employee_fen,
       medical_base_fen, medical_employer_fen, medical_employee_fen,
       unemployment_base_fen, unemployment_employer_fen, unemployment_employee_fen,
       work_injury_base_fen, work_injury_employer_fen, work_injury_employee_fen
     )
     select nextval('journal.envelope_number'), n % 3, '202301-' || n, 'other' || n, '2023-01', '340100', 'regular', 1,
       'x', false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
     from generate_series(1, $1) n`,
    [2 * outdatedRowsMax + 10],
  )
  const second = await acceptAndPost(journal, wages(['2000.00'], period), 'second')
  const found: string[] = []
  const query = { region: '340100', ...one(period), policyHash: 'another' }
  for await (const page of findOutdated(journal.pool, query))
    found.push(...page.map(({ id }) => id))
  expect(found.slice(-2)).toEqual([first, second])
})
