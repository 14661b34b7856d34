/**
 * Slots for large files: reserved, used, released, and how they order work.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { claimBatch } from '../../src/batch/lease/batch-lease.ts'
import { claimsBySlot, sizeLanes } from '../../src/batch/lease/size-lanes.ts'
import { readThroughput, reportThroughput } from '../../src/batch/lease/throughput.ts'
import { reserveSlot, slotRowsPerQuarter } from '../../src/batch/slots/reserve-slot.ts'
import { deleteUnusedSlots } from '../../src/batch/slots/slot.ts'
import { quarterMicros } from '../../src/batch/slots/slot-windows.ts'
import { formatInstant } from '../../src/declaration/period.ts'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import { classOf } from '../../src/intake/overload/route-classes.ts'
import {
  claimsPerTurn,
  rateReportMsMax,
  rowBytesMax,
  rowsPerSecondUnmeasured,
  slotsOfferedMax,
  slotsOpenMax,
} from '../../src/limits.ts'
import { databaseFault } from '../../src/platform/command/sqlstate.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { openApp } from '../support/app.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from '../support/journal.ts'

let journal: Journal
let edge: Awaited<ReturnType<typeof openApp>>
/** Five minutes after a quarter began, five days before the deadline. */
const noon = 1_732_507_500_000_000
const clock = { nowMicros: noon }
const nextQuarter = Math.ceil(noon / quarterMicros) * quarterMicros
const deadlineMicros = rulesOf('340100', '2024-11').deadlineMicros
beforeAll(async () => {
  journal = await openJournal()
  edge = await openApp(journal, { policies, clock })
})
afterAll(async () => {
  await edge.close()
  await journal.close()
})
beforeEach(async () => {
  clock.nowMicros = noon
  await journal.database.owner.query(
    'truncate batch.slot, batch.rate, batch.batch, batch.work, batch.content, batch.amended',
  )
})

/** One process was seen whose throughput gives slots this many rows in a quarter. */
async function roomFor(rows: number): Promise<void> {
  await reportThroughput(journal.pool, randomUUID(), rows / 600)
}

type Slot = {
  id: string
  state: string
  start: string
  end: string
  rows: number
  deadline: string
  beforeDeadline: boolean
  peak?: boolean
  next?: { start: string; end: string }[]
  notice?: { 'zh-CN': string; en: string }
  links: { self: string; batch?: string }
}

const asking = { period: '2024-11', region: '340100' }

/** Each filer has an employer of its own. */
function filer() {
  const { employer } = declare()
  const request = async (method: 'GET' | 'POST' | 'DELETE', url: string, more: object = {}) => {
    const { headers = {}, payload } = more as { headers?: object; payload?: object }
    const answer = await edge.app.inject({
      ...{ method, url, ...(payload && { payload }) },
      headers: { ...(await edge.headersFor([employer])), ...headers },
    })
    const json = answer.body === '' ? {} : answer.json()
    return { status: answer.statusCode, headers: answer.headers, json, code: json.code as string }
  }
  return {
    employer,
    request,
    reserve: (rows: number, more: object = {}, headers: object = {}) =>
      request('POST', '/v1/slots', { payload: { ...asking, rows, ...more }, headers }),
    begin: (more: object, key: string = randomUUID()) =>
      request('POST', '/v1/batches', {
        payload: { ...asking, kind: 'regular', mode: 'accept-good', ...more },
        headers: { 'idempotency-key': key },
      }),
  }
}

const at = (micros: number) => formatInstant(micros)

describe('a slot', () => {
  test('is now outside the peak, and the next free quarter at it, with those after it', async () => {
    await roomFor(1_200)
    const now = await filer().reserve(700)
    expect(now.status).toBe(201)
    expect(now.headers.location).toBe(now.json.links.self)
    expect(now.json).toMatchObject({
      ...{ state: 'reserved', rows: 700, peak: false },
      ...{ start: at(noon), end: at(nextQuarter + quarterMicros) },
      ...{ deadline: at(deadlineMicros), beforeDeadline: true },
    })
    expect(now.json.next).toBeUndefined()
    const { json } = await filer().reserve(700)
    const quarterAfter = (i: number) => ({
      start: at(nextQuarter + i * quarterMicros),
      end: at(nextQuarter + (i + 1) * quarterMicros),
    })
    expect(json).toMatchObject({ ...quarterAfter(1), peak: true })
    expect(json.next).toEqual([2, 3, 4].map(quarterAfter))
    expect(json.next).toHaveLength(slotsOfferedMax)
    const small = await filer().reserve(300) // fits beside the first
    expect(small.json).toMatchObject({ start: at(noon), peak: false })
    const chosen = await filer().reserve(300, { notBefore: json.next[1].start })
    expect(chosen.json).toMatchObject({ ...quarterAfter(3), peak: false })
  })

  test('is before the deadline where it can be, and says so where it can not', async () => {
    await roomFor(1_200)
    clock.nowMicros = deadlineMicros - 2.5 * quarterMicros
    const [last, late] = [await filer().reserve(900), await filer().reserve(900)]
    expect(last.json).toMatchObject({ beforeDeadline: true, peak: false })
    // One more ends with the deadline, and it is the last: further windows are in time, or none.
    expect(late.json).toMatchObject({ beforeDeadline: true, peak: true, next: [] })
    expect(Date.parse(late.json.end) * 1_000).toBe(deadlineMicros)
    expect(late.json.notice).toBeUndefined()
    const over = await filer().reserve(900)
    expect(over.json).toMatchObject({ beforeDeadline: false, peak: true })
    expect(over.json.next).toHaveLength(slotsOfferedMax)
    expect(over.json.notice.en).toMatch(/time at which the last byte .* is received alone decides/)
    expect(over.json.notice['zh-CN']).toMatch(/收到的时间/)
  })

  test('has room by the rate that batch workers tell; before any did, by the one that is stated', async () => {
    expect(await readThroughput(journal.pool)).toBe(rowsPerSecondUnmeasured)
    const [one, other] = [randomUUID(), randomUUID()]
    await reportThroughput(journal.pool, one, undefined)
    await reportThroughput(journal.pool, other, undefined)
    expect(await readThroughput(journal.pool)).toBe(2 * rowsPerSecondUnmeasured)
    await reportThroughput(journal.pool, one, 30)
    expect(await readThroughput(journal.pool)).toBe(60)
    const gone = `update batch.rate set seen_at = now() - $1 * interval '2 milliseconds'`
    await journal.database.owner.query(gone, [rateReportMsMax])
    expect(await readThroughput(journal.pool)).toBe(30) // at least one process is assumed
    expect(slotRowsPerQuarter(30)).toBe(18_000) // a third is left for files without a slot
    const { json } = await filer().reserve(90_000)
    expect(json).toMatchObject({ start: at(noon), end: at(nextQuarter + 5 * quarterMicros) })
  })

  test('of one row takes the room of one: no quarter has two where it has room for one', async () => {
    await roomFor(1.5)
    expect((await filer().reserve(1)).json).toMatchObject({
      start: at(noon),
      end: at(nextQuarter + quarterMicros),
    })
    expect((await filer().reserve(1)).json.start).toBe(at(nextQuarter + quarterMicros))
    await journal.database.owner.query('truncate batch.rate')
    await roomFor(0.9)
    expect(await filer().reserve(1)).toMatchObject({ status: 409, code: 'SLOTS_NONE_FREE' })
  })

  test('is reserved in bytes as well', async () => {
    const { request } = filer()
    const { json } = await request('POST', '/v1/slots', { payload: { ...asking, bytes: 600_000 } })
    expect(json).toMatchObject({ rows: 10_000, bytes: 600_000 })
    expect((await filer().reserve(10)).json).toMatchObject({ bytes: 10 * rowBytesMax })
  })

  test('is the same for the same Idempotency-Key, and nobody else’s to see', async () => {
    const one = filer()
    const key = { 'idempotency-key': 'a-key' }
    const first = await one.reserve(10, {}, key)
    const again = await one.reserve(10, {}, key)
    expect(again.json.id).toBe(first.json.id)
    expect(again.headers['idempotency-replayed']).toBe('true')
    const other = await one.reserve(11, {}, key)
    expect([other.status, other.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    const { self } = first.json.links
    expect((await one.request('GET', self)).json).toMatchObject({ id: first.json.id, rows: 10 })
    const list = (await one.request('GET', '/v1/slots')).json.slots as Slot[]
    expect(list.map(({ id }) => id)).toEqual([first.json.id])
    const stranger = filer()
    for (const method of ['GET', 'DELETE'] as const)
      expect((await stranger.request(method, self)).status).toBe(404)
    expect((await stranger.request('GET', '/v1/slots')).json.slots).toEqual([])
  })

  test('is refused with all that is wrong, in both languages', async () => {
    const { request, reserve } = filer()
    const wrong = { employer: 'X', period: '2999-01', region: '999999', rows: 0, notBefore: 'soon' }
    const { status, code, json } = await request('POST', '/v1/slots', {
      payload: { ...wrong, roes: 1 },
    })
    expect([status, code]).toEqual([422, 'SLOT_INVALID'])
    const found = (json.errors as { pointer: string; code: string }[]).map((one) => [
      one.pointer,
      one.code,
    ])
    expect(Object.fromEntries(found)).toEqual({
      '/employer': 'FIELD_FORMAT',
      '/period': 'PERIOD_IN_FUTURE',
      '/region': 'REGION_UNKNOWN',
      '/rows': 'NUMBER_OUT_OF_RANGE',
      '/notBefore': 'FIELD_FORMAT',
      '/roes': 'FIELD_UNKNOWN',
    })
    expect(json.message['zh-CN']).toMatch(/[\u4e00-\u9fff]/)
    const none = await request('POST', '/v1/slots', { payload: asking })
    expect(none.json.errors).toMatchObject([{ pointer: '/rows', code: 'FIELD_MISSING' }])
    const wide = await request('POST', '/v1/slots', { payload: { ...asking, bytes: 1e12 } })
    expect(wide.json.errors).toMatchObject([{ pointer: '/bytes', code: 'NUMBER_OUT_OF_RANGE' }])
    const theirs = await reserve(1, { employer: declare().employer })
    expect([theirs.status, theirs.code]).toEqual([403, 'EMPLOYER_NOT_YOURS'])
    await roomFor(600)
    const far = await reserve(1, { notBefore: '2099-01-01T00:00:00+08:00' })
    expect([far.status, far.code]).toEqual([409, 'SLOTS_NONE_FREE'])
    const [key] = readKeyring(inject('keyringFile')).tokenKeys
    const token = await issueToken(
      { key: key as NonNullable<typeof key>, issuer: 'spillway', audience: 'spillway' },
      { subject: 'reader', employers: [], scopes: ['declarations:read'], ttlSeconds: 60 },
    )
    const unable = await edge.app.inject({
      ...{ method: 'POST', url: '/v1/slots', payload: { ...asking, rows: 1 } },
      headers: { authorization: `Bearer ${token}` },
    })
    expect(unable.json()).toMatchObject({ status: 403, code: 'SCOPE_MISSING' })
  })

  test('is one of a few for each filer; one that is given back, or over, makes room for another', async () => {
    await roomFor(1_200)
    const { reserve, request } = filer()
    const slots: Slot[] = []
    for (let i = 0; i < slotsOpenMax; i += 1) slots.push((await reserve(900)).json)
    const more = await reserve(900)
    expect([more.status, more.code]).toEqual([409, 'SLOTS_TOO_MANY_OPEN'])
    expect((await filer().reserve(900)).status).toBe(201)
    const [, second] = slots
    expect((await request('DELETE', second?.links.self as string)).status).toBe(204)
    expect((await request('GET', second?.links.self as string)).status).toBe(404)
    expect((await reserve(900)).json).toMatchObject({ start: second?.start, end: second?.end })
    expect((await reserve(900)).code).toBe('SLOTS_TOO_MANY_OPEN')
    clock.nowMicros = Date.parse(slots[0]?.end as string) * 1_000
    expect((await request('GET', slots[0]?.links.self as string)).json.state).toBe('over')
    expect((await reserve(900)).status).toBe(201)
  })

  test('is reserved one after another by one filer: what comes meanwhile is told to come again', async () => {
    const { reserve } = filer()
    await reserve(1)
    const answers = await Promise.all([reserve(1), reserve(1), reserve(1)])
    const refused = answers.filter(({ status }) => status !== 201)
    expect(answers.length - refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeGreaterThan(0)
    for (const { status, headers } of refused)
      expect([status, headers['retry-after']]).toEqual([429, '1'])
  })

  test('that nobody used is forgotten long after it was over', async () => {
    clock.nowMicros = Date.now() * 1_000
    const { reserve, request } = filer()
    const [old, used] = [(await reserve(1)).json as Slot, (await reserve(1)).json as Slot]
    const past = `update batch.slot set starts_at = starts_at - $2::interval, ends_at = ends_at - $2::interval,
      batch = $3 where id = $1`
    await journal.database.owner.query(past, [old.id, '31 days', null])
    await journal.database.owner.query(past, [used.id, '31 days', 'a batch'])
    const { json } = await reserve(1)
    await deleteUnusedSlots(journal.pool)
    expect((await request('GET', old.links.self)).status).toBe(404)
    for (const { links } of [used, json as Slot])
      expect((await request('GET', links.self)).status).toBe(200)
  })

  test('is no class of requests that is given up at the peak; lists are', () => {
    expect(classOf('POST', '/v1/slots')).toBe('lookups')
    expect(classOf('DELETE', '/v1/slots/x')).toBe('lookups')
    expect(classOf('GET', '/v1/slots/x')).toBe('lookups')
    expect(classOf('GET', '/v1/slots')).toBe('reports')
  })
})

/** Retries as a filer who gets 503: a reservation waits for others for at most two seconds. */
async function reserveInTime(subject: string, rows: number): ReturnType<typeof reserveSlot> {
  const more = { employer: undefined, idempotencyKey: undefined, bytes: 1_000 }
  const asked = { ...asking, ...more, issuer: 'spillway', subject, rows }
  try {
    const times = { fromMicros: noon, nowMicros: noon }
    return await reserveSlot({ pool: journal.pool, inTransaction }, asked, times)
  } catch (error) {
    if (databaseFault(error) === 'transient') return reserveInTime(subject, rows)
    throw error
  }
}

test('however many reserve at once, no quarter is given more than its room, and no filer too many', async () => {
  await roomFor(1_200)
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_, i) => reserveInTime(`filer ${i % 20}`, 300 + (i % 5) * 400)),
  )
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['reserved']))
  const { rows: quarters } = await journal.database.owner.query(`
    select q.at, sum(s.rows::numeric / s.quarters)::float8 as rows
    from batch.slot s
    cross join lateral generate_series(
      s.ends_at - s.quarters * interval '15 minutes', s.ends_at - interval '1 second',
      interval '15 minutes'
    ) as q (at)
    group by q.at`)
  for (const { rows } of quarters) expect(rows).toBeLessThanOrEqual(1_200)
  const many = await Promise.all(
    Array.from({ length: 3 * slotsOpenMax }, () => reserveInTime('one', 1)),
  )
  expect(many.filter(({ kind }) => kind === 'reserved')).toHaveLength(slotsOpenMax)
})

describe('a batch', () => {
  test('names its slot, however it is begun, and has it once', async () => {
    const one = filer()
    const slot = (await one.reserve(10)).json as Slot
    const key = randomUUID()
    const begun = await one.begin({ slot: slot.id }, key)
    expect(begun.status).toBe(201)
    expect(begun.json.links.slot).toBe(slot.links.self)
    const seen = (await one.request('GET', begun.json.links.self)).json
    expect(seen.links.slot).toBe(slot.links.self)
    expect((await one.request('GET', '/v1/batches')).json.batches[0].links.slot).toBe(
      slot.links.self,
    )
    const used = (await one.request('GET', slot.links.self)).json
    expect(used).toMatchObject({ state: 'used', links: { batch: begun.json.links.self } })
    const again = await one.begin({ slot: slot.id }, key)
    expect(again.json.id).toBe(begun.json.id)
    expect((await one.begin({}, key)).code).toBe('IDEMPOTENCY_KEY_REUSED')
    expect(await one.begin({ slot: slot.id })).toMatchObject({ status: 409, code: 'SLOT_OVER' })
    expect(await one.request('DELETE', slot.links.self)).toMatchObject({
      status: 409,
      code: 'SLOT_IN_USE',
    })

    const tus = (await one.reserve(10)).json as Slot
    const metadata = { ...asking, kind: 'regular', mode: 'accept-good', slot: tus.id }
    const created = await one.request('POST', '/v1/batches', {
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': '10',
        'upload-metadata': Object.entries(metadata)
          .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
          .join(','),
      },
    })
    expect(created.json.links.slot).toBe(tus.links.self)

    const form = (await one.reserve(10)).json as Slot
    const fields = new FormData()
    const named = { ...asking, kind: 'regular', mode: 'accept-good', slot: form.id }
    for (const [name, value] of Object.entries(named)) fields.set(name, value)
    fields.set('file', new Blob(['a,b']), 'a.csv')
    const address = await edge.app.listen({ host: '127.0.0.1', port: 0 })
    const sent = await fetch(`${address}/v1/batches`, {
      method: 'POST',
      headers: { ...(await edge.headersFor([one.employer])), 'idempotency-key': 'form' },
      body: fields,
    })
    expect(await sent.json()).toMatchObject({ links: { slot: form.links.self } })
  })

  test('that is only checked has no slot, and says so', async () => {
    const one = filer()
    const slot = (await one.reserve(10)).json as Slot
    const begun = await one.begin({ slot: slot.id, mode: 'check' })
    expect(begun).toMatchObject({ status: 422, code: 'BATCH_INVALID' })
    expect(begun.json.errors).toMatchObject([{ pointer: '/mode', code: 'VALUE_NOT_ALLOWED' }])
  })

  test('can not have a slot that is another’s, of something else, given back, or over', async () => {
    const one = filer()
    const slot = (await one.reserve(10)).json as Slot
    const theirs = await filer().begin({ slot: slot.id })
    expect(theirs).toMatchObject({ status: 422, code: 'SLOT_UNKNOWN' })
    expect((await one.begin({ slot: randomUUID() })).code).toBe('SLOT_UNKNOWN')
    expect((await one.begin({ slot: 'mine' })).json.errors).toMatchObject([
      { pointer: '/slot', code: 'FIELD_FORMAT' },
    ])
    for (const other of [{ period: '2024-10' }, { employer: one.employer }])
      expect(await one.begin({ slot: slot.id, ...other })).toMatchObject({
        ...{ status: 422, code: 'SLOT_DIFFERS' },
      })
    await one.request('DELETE', slot.links.self)
    expect((await one.begin({ slot: slot.id })).code).toBe('SLOT_UNKNOWN')
    const late = (await one.reserve(10)).json as Slot
    clock.nowMicros = Date.parse(late.end) * 1_000
    expect((await one.begin({ slot: late.id })).code).toBe('SLOT_OVER')
    expect((await one.request('GET', '/v1/batches')).json.batches).toEqual([])
  })

  test('is one of many that want a slot at once, with the same key or others: one has it', async () => {
    const one = filer()
    const slot = (await one.reserve(10)).json as Slot
    const keys = Array.from({ length: 12 }, (_, i) => `key-${Math.floor(i / 3)}`)
    const begun = await Promise.all(keys.map((key) => one.begin({ slot: slot.id }, key)))
    const taken = begun.filter(({ status }) => status === 201)
    expect(taken).toHaveLength(3) // of one key
    const [batch] = new Set(taken.map(({ json }) => json.links.self))
    for (const { status, code } of begun)
      expect([201, 409]).toContain(status === 201 || code === 'SLOT_OVER' ? status : code)
    expect((await one.request('GET', slot.links.self)).json.links.batch).toBe(batch)
    expect((await one.request('GET', '/v1/batches')).json.batches).toHaveLength(1)
  })

  test('that was cancelled gives back the room of its slot', async () => {
    await roomFor(1_200)
    const one = filer()
    const slot = (await one.reserve(900)).json as Slot
    const batch = (await one.begin({ slot: slot.id })).json
    expect((await filer().reserve(900)).json.peak).toBe(true)
    await one.request('DELETE', batch.links.self)
    expect((await filer().reserve(900)).json).toMatchObject({ peak: false, end: slot.end })
  })
})

describe('files that wait', () => {
  const large = 40_000_000
  let received = 0

  /**
   * A received file, each later than the one before; with a slot that began or ends this many minutes
   * from now.
   */
  async function receive(
    slot?: { start: number; end: number; bytes?: number },
    bytes = large,
  ): Promise<string> {
    received += 1
    const id = `batch-${received}`
    const { owner } = journal.database
    await owner.query(
      `insert into batch.batch (id, subject, may_file_for, period, region, kind, mode, stage, received, received_at)
       values ($1, 'bureau', '{}', '2024-11', '340100', 'regular', 'accept-good', 'received', $2,
         '2024-11-20T10:00:00+08:00'::timestamptz + $3 * interval '1 second')`,
      [id, bytes, received],
    )
    if (slot !== undefined) {
      await owner.query(
        `insert into batch.slot (id, subject, period, region, rows, bytes, starts_at, ends_at, quarters, batch, created_at)
         values ($1, 'bureau', '2024-11', '340100', 1, $2, now() + $3 * interval '1 minute',
           now() + $4 * interval '1 minute', 1, $1, now())`,
        [id, slot.bytes ?? bytes, slot.start, slot.end],
      )
    }
    return id
  }

  const take = async (place = sizeLanes[2], bySlots = true) =>
    (await claimBatch(journal.pool, randomUUID(), place, bySlots))?.batch

  test('go by slots: first who has one now, last who has one later, and one that waits alone goes at once', async () => {
    const later = await receive({ start: 20, end: 35 })
    const without = await receive()
    const over = await receive({ start: -35, end: -20 })
    const larger = await receive({ start: -5, end: 10, bytes: large - 1 })
    const now = await receive({ start: -5, end: 10 })
    const order = [now, without, over, larger, later]
    for (const batch of order) expect(await take()).toBe(batch)
    expect(await take()).toBeUndefined()
    // Nothing else waits, so it is taken. It is filed with the time of its receipt all the same.
    const alone = await receive({ start: 120, end: 135 })
    const work = await claimBatch(journal.pool, randomUUID(), sizeLanes[2], true)
    const receivedMs = Date.parse('2024-11-20T10:00:00+08:00') + 1_000 * received
    expect([work?.batch, work?.receivedAtMicros]).toEqual([alone, 1_000 * receivedMs])
  })

  test('go first for as many rows as their slot has, and not for more', async () => {
    const without = await receive()
    const ofOneRow = await receive({ start: -5, end: 10 })
    const readSoFar = (rows: number) =>
      journal.database.owner.query(
        `insert into batch.work (batch, leased_until, rows_read)
         values ($1, now() - interval '1 second', $2)
         on conflict (batch) do update
         set leased_until = excluded.leased_until, rows_read = excluded.rows_read`,
        [ofOneRow, rows],
      )
    await readSoFar(1)
    expect(await take()).toBe(ofOneRow)
    await readSoFar(2)
    expect(await take()).toBe(without)
    expect(await take()).toBe(ofOneRow)
  })

  test('go before those that are only checked, of which one of three goes by its receipt', async () => {
    const checked: string[] = []
    for (let i = 0; i < 2; i += 1) {
      const id = await receive()
      await journal.database.owner.query("update batch.batch set mode = 'check' where id = $1", [
        id,
      ])
      checked.push(id)
    }
    const smaller = await receive(undefined, 1_000)
    const later = await receive({ start: 20, end: 35 })
    expect(await take(sizeLanes[2], false)).toBe(checked[0])
    for (const batch of [later, smaller, checked[1]]) expect(await take()).toBe(batch)
  })

  test('one of three goes by its time of receipt, so that slots starve nobody', async () => {
    const patient = await receive()
    for (let i = 0; i < 3; i += 1) await receive({ start: -5, end: 10 })
    const taken: (string | undefined)[] = []
    for (let nth = 1; nth <= claimsPerTurn; nth += 1)
      taken.push(await take(sizeLanes[2], claimsBySlot(nth)))
    expect(taken.indexOf(patient)).toBe(claimsPerTurn - 1)
  })

  test('have places by their size: no file waits for a larger one, and each lane has one that takes it first', async () => {
    const sizes = { small: 1_000, medium: 10_000_000, large }
    const ids = {
      large: await receive(undefined, sizes.large),
      medium: await receive(undefined, sizes.medium),
      small: await receive(undefined, sizes.small),
      more: await receive(undefined, sizes.small),
    }
    const [small, medium, any] = sizeLanes
    expect(await take(medium)).toBe(ids.medium)
    expect(await take(medium)).toBe(ids.small) // a lane without a file of its own takes a smaller one
    expect(await take(small)).toBe(ids.more)
    expect(await take(small)).toBeUndefined() // a small lane never takes a large file
    expect(await take(medium)).toBeUndefined()
    expect(await take(any)).toBe(ids.large)
    const last = [await receive(undefined, sizes.small), await receive(undefined, sizes.large)]
    expect(await take(any)).toBe(last[1])
    expect(await take(any)).toBe(last[0])
  })
})
