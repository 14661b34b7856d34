/**
 * Who may file, see and cancel which parts of a file: attacks by holders of some of its employers with
 * the sending subject, by another subject, and by the same subject of another issuer.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { markPosted } from '../../src/batch/lease/batch-lease.ts'
import { readBytes } from '../../src/batch/uploads/chunk-reader.ts'
import type { BatchDependencies } from '../../src/batch/worker/batch-worker.ts'
import { runSteps } from '../../src/batch/worker/batch-worker.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import { openApp } from '../support/app.ts'
import { tokenFor } from '../support/engine.ts'
import { declare, policies } from '../support/journal.ts'
import { csvOf, type Row, rowsOf } from './support.ts'
import { claim, dependencies, journal, postAll, useJournal, wrongNumber } from './work-support.ts'

useJournal()

type App = Awaited<ReturnType<typeof openApp>>
let own: App
let foreign: App
beforeAll(async () => {
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  own = await openApp(journal, { policies, clock })
  foreign = await openApp(journal, { policies, clock, issuer: 'https://another.example' })
})
afterAll(() => Promise.all([own.close(), foreign.close()]))

const members = { period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' }

type Answer = { status: number; code?: string; body: string; json: Record<string, unknown> }

/** The holder of a token for some employers. */
class Sender {
  readonly #app: App
  readonly #token: Promise<string>

  constructor(
    subject: string,
    employers: readonly string[],
    issuer?: string,
    regions?: readonly string[],
  ) {
    this.#app = issuer === undefined ? own : foreign
    const more = { ...(issuer && { issuer }), ...(regions && { regions }) }
    this.#token = tokenFor(employers, { subject, ...more })
  }

  async ask(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'HEAD',
    url: string,
    payload?: object | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const authorization = `Bearer ${await this.#token}`
    const answer = await this.#app.app.inject({
      ...{ method, url, headers: { authorization, ...headers } },
      ...(payload !== undefined && { payload }),
    })
    const isJson = String(answer.headers['content-type']).includes('json') && method !== 'HEAD'
    const { traceId: _, ...json } = isJson ? JSON.parse(answer.body.split('\n')[0] ?? '') : {}
    const code = json.code as string | undefined
    // Problems differ only in their trace id.
    const body = code === undefined ? answer.body : JSON.stringify(json)
    return { status: answer.statusCode, ...(code && { code }), body, json }
  }

  async begin(more: object = {}, key: string = randomUUID()): Promise<Answer> {
    const asked = { ...members, format: 'csv', ...more }
    return this.ask('POST', '/v1/batches', asked, { 'idempotency-key': key })
  }

  /** Sends bytes from an offset on; the last ones end the file. */
  patch(id: unknown, offset: number, bytes: Buffer, size?: number): Promise<Answer> {
    return this.ask('PATCH', `/v1/batches/${id}/file`, bytes, {
      'content-type': 'application/offset+octet-stream',
      'upload-offset': String(offset),
      ...(size !== undefined && { 'upload-length': String(size) }),
    })
  }

  async send(file: Buffer, more: object = {}): Promise<string> {
    const { json } = await this.begin({ filename: 'wages of B.csv', ...more })
    expect((await this.patch(json.id, 0, file, file.length)).status).toBe(204)
    return json.id as string
  }
}

/** Processes all files. */
async function workAll(): Promise<void> {
  const { pool, keyring } = journal
  const sourceOf: BatchDependencies['sourceOf'] = ({ batch, bytes }) => ({
    bytes,
    read: (offset) => readBytes({ pool, sealingKeys: keyring.sealingKeys }, batch, offset),
  })
  await runSteps(dependencies({ sourceOf }), await claim())
  await postAll()
  await markPosted(journal.pool)
}

/** Two employers with one wrong row each; rows of an employer that no token named, and of none. */
function openWorld() {
  const subject = `agency ${randomUUID()}`
  const rowsOfA = rowsOf(3)
  const rowsOfB = rowsOf(2)
  const a = rowsOfA[0]?.[0] as string
  const b = rowsOfB[0]?.[0] as string
  const [stranger] = rowsOf(1) as [Row]
  const [, ...nobody] = rowsOf(1)[0] as Row
  const rows: Row[] = [
    wrongNumber(rowsOfA[0] as Row),
    ...rowsOfA.slice(1),
    wrongNumber(rowsOfB[0] as Row),
    ...rowsOfB.slice(1),
    stranger,
    ['no code', ...nobody],
  ]
  const hidden = rows.slice(3).flatMap(([, idNumber, name]) => [idNumber, name])
  return { subject, a, b, rows, rowsOfA, rowsOfB, hidden: [...hidden, b, stranger[0]] }
}

const pathsOf = (id: string) => ({
  status: `/v1/batches/${id}`,
  receipt: `/v1/batches/${id}/receipt`,
  declarations: `/v1/batches/${id}/declarations`,
  errors: `/v1/batches/${id}/errors`,
  events: `/v1/batches/${id}/events`,
})

const unitsOf = async (batch: string) =>
  (
    await journal.pool.query(
      `select employer, parts_filed, rows_good as good, rows_set_aside as aside
       from batch.unit where batch = $1`,
      [batch],
    )
  ).rows

const latestOf = async (employer: string) =>
  (
    await journal.pool.query(
      'select id from journal.acceptance where employer = $1 order by envelope desc limit 1',
      [employer],
    )
  ).rows[0]?.id

describe('what is seen of a file', () => {
  const world = openWorld()
  const { subject, a, b, rows, hidden } = world
  const both = () => new Sender(subject, [a, b])
  const onlyA = () => new Sender(subject, [a])
  let id: string
  beforeAll(async () => {
    id = await both().send(csvOf(rows))
    await workAll()
  })

  test('is all of it for who may file for all employers that it was sent for', async () => {
    const paths = pathsOf(id)
    for (const path of Object.values(paths))
      expect((await both().ask('GET', path)).status).toBe(200)
    const { json } = await both().ask('GET', paths.status)
    expect(json).toMatchObject({ filename: 'wages of B.csv', findings: [{ code: 'COLUMNS_READ' }] })
    const seen = (await both().ask('GET', paths.errors)).body
    for (const [, idNumber] of [rows[0], rows[3], rows[5], rows[6]] as Row[])
      expect(seen).toContain(idNumber)
  })

  test('is nothing of B once the mandate for B was withdrawn', async () => {
    const paths = pathsOf(id)
    const status = await onlyA().ask('GET', paths.status)
    expect(status.json).toMatchObject({
      progress: { rows: { read: 3, good: 2, setAside: 1, filed: 2 }, declarations: 1 },
      findings: [],
    })
    for (const name of ['filename', 'sha256', 'receipt'])
      expect(status.json).not.toHaveProperty(name)
    expect(await onlyA().ask('GET', paths.receipt)).toMatchObject({ status: 404 })
    const { json } = await onlyA().ask('GET', paths.declarations)
    expect(json.declarations).toMatchObject([{ employer: a, filed: true }])
    const errors = await onlyA().ask('GET', paths.errors)
    expect(errors.body.trim().split('\r\n')).toHaveLength(2)
    expect(errors.body).toContain(rows[0]?.[1])
    const list = await onlyA().ask('GET', '/v1/batches')
    expect(list.json.batches).toHaveLength(1)
    const xlsx = await onlyA().ask('GET', `${paths.errors}?format=xlsx`)
    expect(xlsx.status).toBe(200)
    const events = await onlyA().ask('GET', paths.events)
    expect(events.body).toContain('"good":2')
    for (const { body } of [status, errors, list, events, { body: JSON.stringify(json) }])
      for (const one of [...hidden, 'wages of B']) expect(body).not.toContain(one)
  })

  test('is not there for who has no employer of it, another subject, or another issuer', async () => {
    const stranger = declare().employer
    const attackers = [
      new Sender(subject, [stranger]),
      new Sender(subject, []),
      new Sender('another', [a, b]),
      new Sender(subject, [a, b], 'https://another.example'),
    ]
    for (const attacker of attackers) {
      for (const [name, path] of Object.entries(pathsOf(id))) {
        const none = await attacker.ask('GET', path.replace(id, randomUUID()))
        expect(none, name).toMatchObject({ status: 404, code: 'NOT_FOUND' })
        expect(await attacker.ask('GET', path)).toEqual(none)
      }
      expect(await attacker.ask('DELETE', `/v1/batches/${id}`)).toMatchObject({ status: 404 })
      expect(await attacker.ask('HEAD', `/v1/batches/${id}/file`)).toMatchObject({ status: 404 })
      expect(await attacker.patch(id, 0, Buffer.from('x'))).toMatchObject({ status: 404 })
      expect((await attacker.ask('GET', '/v1/batches')).json.batches).toEqual([])
    }
  })

  test('is nothing, where all that it has is of B', async () => {
    const ofB = await both().send(csvOf(world.rowsOfB, undefined), { period: '2024-10' })
    // Nobody knows its rows before it is read.
    expect((await onlyA().ask('GET', `/v1/batches/${ofB}`)).json).not.toHaveProperty('filename')
    await workAll()
    for (const path of Object.values(pathsOf(ofB)))
      expect(await onlyA().ask('GET', path)).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect((await onlyA().ask('GET', '/v1/batches')).json.batches).toHaveLength(1)
    expect((await both().ask('GET', '/v1/batches')).json.batches).toHaveLength(2)
  })
})

describe('a file may be filed for', () => {
  test.each(['all of it', 'its end', 'its length alone'])(
    'no employer that a token did not name with which %s came',
    async (what) => {
      const { subject, a, b, rowsOfA, rowsOfB } = openWorld()
      const [both, onlyA] = [new Sender(subject, [a, b]), new Sender(subject, [a])]
      await both.send(csvOf([...rowsOfA, ...rowsOfB]))
      await workAll()
      const standing = await latestOf(b)
      expect(standing).toBeDefined()

      const { json } = await both.begin({ kind: 'correction' })
      const file = csvOf([...rowsOfA, ...rowsOfB.slice(1)])
      const half = what === 'all of it' ? 0 : Math.floor(file.length / 2)
      if (half > 0) expect((await both.patch(json.id, 0, file.subarray(0, half))).status).toBe(204)
      if (what === 'its length alone') {
        await onlyA.patch(json.id, half, Buffer.alloc(0), file.length)
        expect((await both.patch(json.id, half, file.subarray(half))).status).toBe(204)
      } else {
        const ended = await onlyA.patch(json.id, half, file.subarray(half), file.length)
        expect(ended.status).toBe(204)
      }
      await workAll()
      expect(await latestOf(b)).toBe(standing)
      expect(await unitsOf(json.id as string)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ employer: b, good: 0, aside: 1, parts_filed: 0 }),
          expect.objectContaining({ employer: a, good: 3, parts_filed: 1 }),
        ]),
      )
      const errors = await both.ask('GET', `/v1/batches/${json.id}/errors`)
      expect(errors.body).toContain(rowsOfB[1]?.[1])
      expect(await onlyA.ask('GET', `/v1/batches/${json.id}/errors`)).toMatchObject({ status: 404 })
    },
  )

  test('an employer that every token names, also in a form that comes again', async () => {
    const { subject, a, b, rowsOfA, rowsOfB } = openWorld()
    const file = csvOf([...rowsOfA, ...rowsOfB]).toString()
    const form = (end: string) =>
      Buffer.from(
        [
          ...Object.entries(members).map(([name, value]) => field(name, value)),
          `--edge\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${file}${end}`,
        ].join(''),
      )
    const headers = {
      'content-type': 'multipart/form-data; boundary=edge',
      'idempotency-key': 'form',
    }
    const address = await own.app.listen({ host: '127.0.0.1', port: 0 })
    const send = async (employers: readonly string[], end: string) => {
      const authorization = `Bearer ${await tokenFor(employers, { subject })}`
      const answer = await fetch(`${address}/v1/batches`, {
        ...{ method: 'POST', body: form(end) },
        headers: { ...headers, authorization },
      })
      return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
    }
    expect((await send([a, b], '')).json.code).toBe('UPLOAD_BROKEN')
    const sent = await send([a], '\r\n--edge--\r\n')
    expect(sent.status).toBe(201)
    expect(sent.json).not.toHaveProperty('filename')
    await workAll()
    expect(await latestOf(b)).toBeUndefined()
    expect(await latestOf(a)).toBeDefined()
  })
})

test.each(['csv', 'ndjson'])(
  'a file of %s is filed for no region that a token did not name',
  async (format) => {
    const { subject, a, rowsOfA } = openWorld()
    const of = (region: string) => new Sender(subject, [a], undefined, [region])
    const declared = Buffer.from(JSON.stringify(declare({}, { employer: a })))
    const file = format === 'csv' ? csvOf(rowsOfA) : declared
    for (const [begins, brings, filed] of [
      ['340000', '110000', false],
      ['340000', '340100', true],
    ] as const) {
      const { json } = await of(begins).begin({ format, period: filed ? '2024-11' : '2024-10' })
      expect((await of(brings).patch(json.id, 0, file, file.length)).status).toBe(204)
      await workAll()
      expect((await latestOf(a)) !== undefined).toBe(filed)
      const errors = await of('340000').ask('GET', `/v1/batches/${json.id}/errors`)
      expect(errors.status).toBe(filed ? 404 : 200)
      if (!filed) expect(errors.body).toMatch(/a region that you may not file for/)
    }
  },
)

function field(name: string, value: string): string {
  return `--edge\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
}

test('who has some employers of a file can not cancel it; who has all can', async () => {
  const { subject, a, b, rows } = openWorld()
  const [both, onlyA] = [new Sender(subject, [a, b]), new Sender(subject, [a])]
  const id = await both.send(csvOf(rows))
  for (const path of [`/v1/batches/${id}`, `/v1/batches/${id}/file`]) {
    const refused = { status: 403, code: 'EMPLOYER_NOT_YOURS' }
    expect(await onlyA.ask('DELETE', path)).toMatchObject(refused)
  }
  expect((await both.ask('GET', `/v1/batches/${id}`)).json).toMatchObject({ stage: 'received' })
  expect((await both.ask('DELETE', `/v1/batches/${id}`)).status).toBe(204)
})

test('an Idempotency-Key of the same subject tells nothing of what it may not see', async () => {
  const { subject, a, b } = openWorld()
  const begun = await new Sender(subject, [b]).begin({}, 'one')
  const again = await new Sender(subject, [b]).begin({}, 'one')
  expect(again.json.id).toBe(begun.json.id)
  const onlyA = await new Sender(subject, [a]).begin({}, 'one')
  expect(onlyA).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' })
  expect(onlyA.body).not.toContain(begun.json.id)
  const other = await new Sender(subject, [b], 'https://another.example').begin({}, 'one')
  expect(other.status).toBe(201)
  expect(other.json.id).not.toBe(begun.json.id)
})

test('the same file of the same subject of another issuer is another file', async () => {
  const { subject, a, b, rows } = openWorld()
  const file = csvOf(rows)
  const id = await new Sender(subject, [a, b]).send(file)
  const stranger = new Sender(subject, [a, b], 'https://another.example')
  const other = await stranger.send(file)
  expect((await stranger.ask('GET', `/v1/batches/${other}`)).json).toMatchObject({
    stage: 'received',
  })
  for (const _ of [id, other]) await workAll()
})

test('the same file is worked on again once its sender may file for more of it', async () => {
  const { subject, a, b, rowsOfA, rowsOfB } = openWorld()
  const file = csvOf([...rowsOfA, ...rowsOfB])
  await new Sender(subject, [a]).send(file)
  await workAll()
  expect(await latestOf(b)).toBeUndefined()
  const again = await new Sender(subject, [a, b]).send(file)
  await workAll()
  expect(await latestOf(b)).toBeDefined()
  const both = new Sender(subject, [a, b])
  const copy = await both.send(file)
  expect((await both.ask('GET', `/v1/batches/${copy}`)).json).toMatchObject({
    stage: 'duplicate',
    links: { sameAs: `/v1/batches/${again}` },
  })
})

test('who has some employers of a file mends no rows of the others, and takes none from them', async () => {
  const { subject, a, b, rows, rowsOfA, rowsOfB } = openWorld()
  const [both, onlyA] = [new Sender(subject, [a, b]), new Sender(subject, [a])]
  const id = await both.send(csvOf(rows.slice(0, 5)))
  await workAll()
  const wrong = (await both.ask('GET', `/v1/batches/${id}/errors`)).body
  const [titles = ''] = wrong.replace(/^\ufeff/, '').split('\r\n')
  expect(titles).toContain(id)
  const mendedRow = (row: Row, position: number) => [...row, position].join(',')
  const send = async (sender: Sender, row: Row, position: number) => {
    const head = titles.split(',').slice(0, 5).join(',')
    const batch = await sender.send(Buffer.from(`${head}\r\n${mendedRow(row, position)}\r\n`))
    await workAll()
    return (await sender.ask('GET', `/v1/batches/${batch}`)).json.progress
  }
  // Row 5 of the file is B's.
  expect(await send(onlyA, rowsOfA[0] as Row, 5)).toMatchObject({ rows: { good: 0, setAside: 1 } })
  expect(await send(both, rowsOfB[0] as Row, 5)).toMatchObject({ rows: { good: 1, setAside: 0 } })
  expect(await send(onlyA, rowsOfA[0] as Row, 2)).toMatchObject({ rows: { good: 1, setAside: 0 } })
})
