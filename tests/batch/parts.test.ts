/**
 * Parts of a unit: none is too large to be sealed, and no other filing has the id of one.
 */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { PartCut } from '../../src/batch/staging/part-cut.ts'
import { filingKeyOf } from '../../src/batch/staging/prior-declaration.ts'
import { AcceptInHalves } from '../../src/batch/steps/accept-in-halves.ts'
import { runSteps } from '../../src/batch/worker/batch-worker.ts'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import { type Declaration, daysMax, type Line } from '../../src/declaration/schema.ts'
import { readIdempotencyKey } from '../../src/intake/wire/idempotency-key.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { sealEnvelope } from '../../src/journal/envelope.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { findStanding } from '../../src/ledger/status.ts'
import { groupBytesMax, partHeadBytesMax, partLinesMax } from '../../src/limits.ts'
import { declare, filingOf } from '../support/journal.ts'
import { csvOf, rowsOf } from './support.ts'
import {
  claim,
  dependencies,
  journal,
  postAll,
  receive,
  receiveFile,
  stateOf,
  useJournal,
} from './work-support.ts'

useJournal()

const services = ['instant-delivery', 'ride-hailing', 'freight'] as const

/** Days of a rider's month, some services each. */
function daysOf(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const date = `2025-08-${String((i % 31) + 1).padStart(2, '0')}`
    return {
      date,
      service: services[Math.floor(i / 31)] ?? 'another-service-of-thirty-chars',
      orders: 1_000,
    }
  })
}

test('however many days its riders have, each part can be sealed', () => {
  const person = createGenerator(3).person()
  const rider = { category: 'platform', person, days: daysOf(daysMax) } as unknown as Line
  const [sealing] = journal.keyring.sealingKeys
  const cut = new PartCut()
  const parts: Line[][] = []
  for (let n = 0; n < partLinesMax; n += 1) {
    if (cut.add(rider)) parts.push([])
    parts.at(-1)?.push(rider)
  }
  expect(parts.length).toBe(cut.parts)
  expect(parts.length).toBeGreaterThan(5)
  const header = { ...declare(), period: '2025-08' }
  const [lines] = parts
  const canonical = Buffer.from(canonicalDeclaration({ ...header, lines } as Declaration))
  expect(canonical.length).toBeLessThan(groupBytesMax - partHeadBytesMax)
  sealEnvelope(sealing as NonNullable<typeof sealing>, 1n, Buffer.from('{}'), [canonical])
})

test('lines without days are cut by their number alone, whatever is in them', () => {
  const cut = new PartCut()
  const begins: number[] = []
  const name = '𠮷'.repeat(100)
  for (let n = 0; n <= 2 * partLinesMax; n += 1)
    if (cut.add({ category: 'employee', person: { name } })) begins.push(n)
  expect(begins).toEqual([0, partLinesMax, 2 * partLinesMax])
})

test('a unit of riders that is too large for one part is filed in several, and comes into force', async () => {
  const generator = createGenerator(11)
  const employer = generator.employer()
  const drawn = Array.from({ length: 4_600 }, () => generator.person())
  const persons = [...new Map(drawn.map((one) => [one.idNumber, one])).values()]
  const rows = persons.flatMap(({ idNumber, name }, n) => {
    if (n < 4_200) return [[idNumber, name, '6500.00', '职工', '', '', '']]
    const days = daysOf(62).slice(22)
    return days.map(({ date, service }) => [idNumber, name, '', '新就业形态', date, service, '12'])
  })
  const file = csvOf(rows, '证件号码,姓名,缴费工资,参保类别,接单日期,服务类型,接单数')
  const batch = await receiveFile(file, {
    ...{ format: 'csv', mayFileFor: [employer], employer, period: '2025-08' },
    receivedAt: '2025-09-05T10:00:00+08:00',
  })
  await runSteps(dependencies(), await claim())
  expect(await stateOf(batch)).toMatchObject({ stage: 'posting', aside: 0, filed: rows.length })
  await postAll()
  const { rows: units } = await journal.pool.query(
    'select id, parts, parts_filed, lines from batch.unit where batch = $1',
    [batch],
  )
  expect(units).toMatchObject([{ parts: 2, parts_filed: 2, lines: persons.length }])
  const standing = await findStanding(journal.pool, units[0].id)
  expect([standing?.status, standing?.assessment?.lines]).toEqual(['posted', persons.length])
})

test('no Idempotency-Key has the id of a unit of a file', async () => {
  const rows = rowsOf(2)
  const batch = await receive(rows)
  await runSteps(dependencies(), await claim())
  const { rows: units } = await journal.pool.query(
    'select id, key, employer from batch.unit where batch = $1',
    [batch],
  )
  const [{ id, key, employer }] = units
  expect(key).toBe(filingKeyOf(batch, { region: '340100', entry: 0 }))
  for (const one of [key, filingKeyOf(batch, { region: '340100', entry: 3 })])
    expect(readIdempotencyKey(one)).toBe('invalid')
  const correction = { ...declare({ lines: 1 }, { employer }), kind: 'correction', replaces: id }
  const filing = filingOf(correction as Declaration, batch)
  const { acceptances } = await journal.openWriter()([filing])
  expect(acceptances.get(filing.id)).toMatchObject({ fresh: true })
  await postAll()
  expect((await findStanding(journal.pool, id))?.status).toBe('superseded')
})

test('a unit that was checked before keys were kept is filed under the ids that it had', async () => {
  const rows = rowsOf(2)
  const batch = await receive(rows)
  const { acceptGroup } = dependencies()
  const stopped = dependencies({ acceptGroup: () => Promise.reject(new Error('stopped')) })
  await expect(runSteps(stopped, await claim())).rejects.toThrow('stopped')
  await journal.database.owner.query('update batch.unit set key = null where batch = $1', [batch])
  await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
  const filed: Filing[] = []
  const seen = dependencies({
    acceptGroup: (group) => {
      filed.push(...group)
      return acceptGroup(group)
    },
  })
  await runSteps(seen, await claim())
  const { employer } = filed[0] as Filing
  expect(filed.map(({ id }) => id)).toEqual([filingOf(declare({}, { employer }), batch).id])
})

test('what another filing was accepted as is not taken for a file’s own', async () => {
  const [one, other] = [declare(), declare()].map((made) => filingOf(made, randomUUID())) as [
    Filing,
    Filing,
  ]
  await journal.openWriter()([one])
  const accepting = new AcceptInHalves(createAcceptGroupOf())
  await expect(accepting.accept([other, { ...one, digest: other.digest }])).rejects.toThrow(
    'other content',
  )
})

test('a group that Postgres refuses for its size goes in halves, and all of it is accepted', async () => {
  const filings = Array.from({ length: 20 }, () => filingOf(declare(), randomUUID()))
  const sizes: number[] = []
  const accept = createAcceptGroupOf()
  const accepting = new AcceptInHalves((group) => {
    sizes.push(group.length)
    if (group.length <= 5) return accept(group)
    return Promise.reject(Object.assign(new Error('too much'), { code: '57014' }))
  })
  const results = await accepting.accept(filings)
  expect(results.flatMap(({ acceptances }) => [...acceptances.keys()])).toEqual(
    filings.map(({ id }) => id),
  )
  expect(new Set(results.map(({ envelope }) => envelope)).size).toBe(results.length)
  expect(sizes.slice(0, 4)).toEqual([20, 10, 5, 10])
  const fails = new AcceptInHalves(() =>
    Promise.reject(Object.assign(new Error('gone'), { code: '08006' })),
  )
  await expect(fails.accept(filings)).rejects.toThrow('gone')
})

function createAcceptGroupOf() {
  const [signer] = journal.keyring.receiptKeys
  const [sealingKey] = journal.keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  return createAcceptGroup({
    ...{ pool: journal.pool, signer, sealingKey, lane: 'bulk' },
    salts: journal.keyring.salts,
    environment: () => 'test',
  })
}
