/**
 * Batches as JSON and as forms, their status, and who may send when many do.
 */
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { saltedKey } from '../../../src/batch/state/file-digest.ts'
import { ownerKeyOf } from '../../../src/batch/state/owner.ts'
import { UploadPlaces } from '../../../src/intake/bodies/upload-places.ts'
import { HeldBodies } from '../../../src/intake/overload/held-bodies.ts'
import { classOf } from '../../../src/intake/overload/route-classes.ts'
import {
  bodiesHeldBytesMax,
  bodiesHeldBytesMin,
  formFileBytesMax,
  uploadsMax,
} from '../../../src/limits.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { fileOf, readStored } from '../../support/uploads.ts'
import { waitFor } from '../../support/wait.ts'

const { employer } = declare()
const members = {
  employer,
  period: '2024-11',
  region: '340100',
  kind: 'regular',
  mode: 'accept-good',
}
let database: TestDatabase
let intake: EngineProcess
let token: string
beforeAll(async () => {
  database = await createDatabase()
  intake = await startProcess('intake', { DATABASE_URL: database.url, UPLOAD_STALL_MS_MAX: '1500' })
  token = await tokenFor([employer])
})
afterAll(async () => {
  expect(intake.output()).not.toContain('"level":50')
  await intake.end()
  await database.drop()
})

let keys = 0
const nextKey = () => {
  keys += 1
  return `key-${keys}`
}

async function ask(path: string, init: RequestInit = {}, { address } = intake) {
  const answer = await fetch(new URL(path, address), {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  })
  const text = await answer.text()
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return { status: answer.status, headers: answer.headers, json, code: json.code }
}

const post = (body: unknown, key = nextKey()) =>
  ask('/v1/batches', {
    method: 'POST',
    headers: { 'idempotency-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

function formOf(file: Buffer, fields: Record<string, string> = members): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', new Blob([new Uint8Array(file)]), '工资.csv')
  return form
}
const send = (form: FormData, key = nextKey()) =>
  ask('/v1/batches', { method: 'POST', headers: { 'idempotency-key': key }, body: form })
/** As the database has it. */
function storedKey(key: string): string {
  const [, payload = ''] = token.split('.')
  const { iss, sub } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const stored = ownerKeyOf({ issuer: iss, subject: sub }, key)
  return saltedKey(readKeyring(inject('keyringFile')).salts, sub, stored)
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('begun as JSON', () => {
  test('says where the bytes go, and the same key begins it once', async () => {
    const key = nextKey()
    const begun = await post({ ...members, size: 100 }, key)
    expect(begun.status).toBe(201)
    expect(begun.json).toMatchObject({ stage: 'receiving', received: 0, percent: 0, size: 100 })
    const again = await post({ ...members, size: 100 }, key)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('location')).toBe(begun.headers.get('location'))
    const other = await post({ ...members, period: '2024-10', size: 100 }, key)
    expect(other).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(other.json.instance).toBe((begun.json.links as { self: string }).self)
  })

  test('all faults are told at once, in both languages', async () => {
    const { status, code, json } = await post({
      employer: 'X',
      period: '2999-01',
      region: '999999',
      kind: 'regula',
      sise: 3,
    })
    expect([status, code]).toEqual([422, 'BATCH_INVALID'])
    const errors = json.errors as { pointer: string; code: string; suggestion?: string }[]
    const found = Object.fromEntries(errors.map((one) => [one.pointer, one.code]))
    expect(found).toEqual({
      '/employer': 'FIELD_FORMAT',
      '/period': 'PERIOD_IN_FUTURE',
      '/region': 'REGION_UNKNOWN',
      '/kind': 'VALUE_NOT_ALLOWED',
      '/mode': 'FIELD_MISSING',
      '/sise': 'FIELD_UNKNOWN',
    })
    expect(errors.find(({ pointer }) => pointer === '/sise')?.suggestion).toBe('size')
  })

  test('another’s employer, no key, no token, no scope, another media type', async () => {
    const other = declare().employer
    expect(await post({ ...members, employer: other })).toMatchObject({ status: 403 })
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(members)
    expect(await ask('/v1/batches', { method: 'POST', headers, body })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_MISSING',
    })
    const bare = { ...headers, authorization: '' }
    expect(await ask('/v1/batches', { method: 'POST', headers: bare, body })).toMatchObject({
      status: 401,
    })
    const reading = await tokenFor([employer], { scopes: ['declarations:read'] })
    const read = { ...headers, authorization: `Bearer ${reading}` }
    expect(await ask('/v1/batches', { method: 'POST', headers: read, body })).toMatchObject({
      code: 'SCOPE_MISSING',
    })
    const csv = { 'content-type': 'text/csv', 'idempotency-key': nextKey() }
    expect(await ask('/v1/batches', { method: 'POST', headers: csv, body: 'a,b' })).toMatchObject({
      status: 415,
      code: 'UPLOAD_MEDIA_TYPE',
    })
  })

  test('a file’s name with a NUL is told as it came', async () => {
    const filename = 'wages\0.csv'
    const begun = await post({ ...members, filename })
    expect([begun.status, begun.json.filename]).toEqual([201, filename])
    const { self } = begun.json.links as { self: string }
    expect((await ask(self)).json.filename).toBe(filename)
  })

  test('a token whose subject has a NUL, or is longer than one is, is none', async () => {
    const begin = async (subject: string) => {
      const headers = { authorization: `Bearer ${await tokenFor([subject, employer])}` }
      const own = { 'content-type': 'application/json', 'idempotency-key': nextKey() }
      const body = JSON.stringify(members)
      const listed = await ask('/v1/batches', { headers })
      const begun = await ask('/v1/batches', {
        method: 'POST',
        headers: { ...headers, ...own },
        body,
      })
      return [listed, begun].map(({ status, code }) => code ?? status)
    }
    for (const subject of [`a\0${employer}`, '长'.repeat(256)])
      expect(await begin(subject)).toEqual(['TOKEN_INVALID', 'TOKEN_INVALID'])
    expect(await begin('长'.repeat(255))).toEqual([200, 201])
  })

  test('one’s own batches are listed, newest first, in pages, and can be cancelled', async () => {
    const filer = declare().employer
    const mine = token
    token = await tokenFor([filer])
    try {
      const ids: unknown[] = []
      for (let i = 0; i < 3; i += 1)
        ids.unshift((await post({ ...members, employer: filer })).json.id)
      const page = (await ask('/v1/batches?limit=2')).json as {
        batches: { id: string }[]
        links: { next: string }
      }
      expect(page.batches.map(({ id }) => id)).toEqual(ids.slice(0, 2))
      const last = (await ask(page.links.next)).json as typeof page
      expect(last.batches.map(({ id }) => id)).toEqual(ids.slice(2))
      expect(last.links.next).toBeUndefined()
      expect((await ask(`/v1/batches/${ids[0]}`, { method: 'DELETE' })).status).toBe(204)
      expect((await ask(`/v1/batches/${ids[0]}`)).json).toMatchObject({ stage: 'cancelled' })
      expect((await ask(`/v1/batches/${ids[0]}`, { method: 'DELETE' })).status).toBe(204)
    } finally {
      token = mine
    }
  })
})

describe('sent as a form', () => {
  test('fields and file in one request; again with the same key is the same batch', async () => {
    const file = fileOf(700_000)
    const key = nextKey()
    const sent = await send(formOf(file, { ...members, sha256: sha256(file), size: '700000' }), key)
    expect(sent.status).toBe(201)
    expect(sent.json).toMatchObject({
      stage: 'received',
      filename: '工资.csv',
      format: 'csv',
      size: file.length,
      sha256: sha256(file),
    })
    expect((await readStored(database.url, sent.json.id as string)).equals(file)).toBe(true)
    const again = await send(formOf(file, { ...members, sha256: sha256(file) }), key)
    expect([again.status, again.json.id]).toEqual([201, sent.json.id])
    const other = await send(formOf(fileOf(700_000), { ...members, sha256: sha256(file) }), key)
    expect(other).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' })
    const copy = await send(formOf(file))
    expect(copy.json).toMatchObject({ stage: 'duplicate' })
  })

  test('a form that breaks off is never taken for whole, and the same key sends it again', async () => {
    const file = fileOf(600_000)
    const boundary = 'boundary'
    const fields = Object.entries(members).map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    const head = Buffer.from(
      `${fields.join('')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n`,
    )
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
    const whole = Buffer.concat([head, file, tail])
    // Cut in the file, at its end, and in the form's own end; with and without a length.
    const cuts = [head.length + 300_000, head.length + file.length, whole.length - 4]
    for (const cut of cuts) {
      for (const length of ['length', 'chunked']) {
        const key = nextKey()
        const { hostname, port } = new URL(intake.address)
        const socket = connect({ host: hostname, port: Number(port) })
        socket.on('error', () => {}).resume()
        const framing =
          length === 'length' ? `content-length: ${whole.length}` : 'transfer-encoding: chunked'
        socket.write(
          `POST /v1/batches HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n` +
            `idempotency-key: ${key}\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n${framing}\r\n\r\n`,
        )
        if (length === 'chunked') socket.write(`${whole.length.toString(16)}\r\n`)
        socket.write(whole.subarray(0, cut))
        const find = async () => {
          const { rows } = await database.owner.query(
            'select id, stage, received from batch.batch where idempotency_key = $1 and received >= 262144',
            [storedKey(key)],
          )
          return rows[0] as { id: string; stage: string } | undefined
        }
        const { id } = await waitFor('a chunk', find)
        socket.destroy()
        await waitFor('the end of the connection', () => socket.closed)
        expect((await ask(`/v1/batches/${id}`)).json).toMatchObject({ stage: 'receiving' })
        const again = await send(formOf(file), key)
        expect(again.json, String(again.code)).toMatchObject({ id, size: file.length })
        expect(again.json.sha256).toBe(sha256(file))
      }
    }
  })

  test('a form that is overtaken by the same one again leaves that one its batch', async () => {
    const file = fileOf(600_000)
    const key = nextKey()
    const form = new Response(formOf(file))
    const body = Buffer.from(await form.clone().arrayBuffer())
    const { hostname, port } = new URL(intake.address)
    const socket = connect({ host: hostname, port: Number(port) })
    let answer = ''
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        answer += bytes
      })
    socket.write(
      `POST /v1/batches HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n` +
        `idempotency-key: ${key}\r\ncontent-type: ${form.headers.get('content-type')}\r\n` +
        `content-length: ${body.length}\r\n\r\n`,
    )
    socket.write(body.subarray(0, 400_000))
    await waitFor('a chunk', async () => {
      const { rowCount } = await database.owner.query(
        'select from batch.batch where idempotency_key = $1 and received >= 262144',
        [storedKey(key)],
      )
      return rowCount === 1
    })
    const again = await send(formOf(file), key)
    expect(again.json, String(again.code)).toMatchObject({ stage: 'received' })
    socket.write(body.subarray(400_000))
    await waitFor('an answer', () => answer.includes('UPLOAD_OVERTAKEN'))
    socket.destroy()
    expect((await ask(`/v1/batches/${again.json.id}`)).json).toMatchObject({ stage: 'received' })
  })

  test('too large, empty, of another size or content, or with its file first', async () => {
    const large = await send(formOf(Buffer.alloc(formFileBytesMax + 1)))
    expect(large).toMatchObject({ status: 413, code: 'UPLOAD_TOO_LARGE' })
    expect(await send(formOf(Buffer.alloc(0)))).toMatchObject({ code: 'UPLOAD_SIZE_INVALID' })
    const file = fileOf(1_000)
    expect(await send(formOf(file, { ...members, size: '999' }))).toMatchObject({
      code: 'UPLOAD_SIZE_INVALID',
    })
    expect(await send(formOf(file, { ...members, sha256: sha256(fileOf(3)) }))).toMatchObject({
      status: 422,
      code: 'UPLOAD_DAMAGED',
    })
    const first = new FormData()
    first.set('file', new Blob(['a']), 'a.csv')
    for (const [name, value] of Object.entries(members)) first.set(name, value)
    expect(await send(first)).toMatchObject({ status: 422, code: 'BATCH_INVALID' })
    const fields = new FormData()
    fields.set('period', '2024-11')
    expect(await send(fields)).toMatchObject({ status: 400, code: 'FORM_INVALID' })
    const stages = await database.owner.query(`select count(*) from batch.chunk c join batch.batch b
      on b.id = c.batch where b.stage in ('cancelled', 'damaged')`)
    expect(stages.rows).toEqual([{ count: '0' }])
  })
})

describe('when many send', () => {
  test('uploads are given up before filings, and questions about them after', () => {
    expect(classOf('POST', '/v1/batches')).toBe('bulk')
    expect(classOf('PATCH', '/v1/batches/x/file')).toBe('bulk')
    expect(classOf('HEAD', '/v1/batches/x/file')).toBe('lookups')
    expect(classOf('GET', '/v1/batches?limit=1')).toBe('reports')
    expect(classOf('GET', '/v1/batches/x')).toBe('lookups')
  })

  test('one filer never has all places, and many have equal ones', () => {
    const bodies = new HeldBodies(bodiesHeldBytesMax)
    const places = new UploadPlaces(8, bodies)
    const enter = (filer: string) => places.enter(filer, 1)
    const mine = [1, 2, 3, 4].map(() => enter('a'))
    expect(mine.every((one) => typeof one === 'function')).toBe(true)
    expect(enter('a')).toBe('share')
    for (const filer of ['b', 'c', 'd', 'e']) expect(typeof enter(filer)).toBe('function')
    expect(enter('f')).toBe('full')
    for (const leave of mine) if (typeof leave === 'function') leave()
    expect(typeof enter('b')).toBe('function')
    expect(enter('b')).toBe('share')
    expect(typeof enter('f')).toBe('function')
    expect(new UploadPlaces(uploadsMax, bodies).enter('a', 1e9)).toBe('full')
    const filled = new HeldBodies(bodiesHeldBytesMin)
    expect(filled.open('others').grow(bodiesHeldBytesMin / 2)).toBeUndefined()
    const beside = new UploadPlaces(uploadsMax, filled)
    expect(beside.enter('a', bodiesHeldBytesMin / 2)).toBe('full')
    const leave = beside.enter('a', bodiesHeldBytesMin / 4)
    expect(filled.share).toBe(0.75)
    if (typeof leave === 'function') leave()
    expect(filled.share).toBe(0.5)
  })

  test('with bulk given up, a batch is refused with its class, and filing goes on', async () => {
    const busy = await startProcess('intake', { DATABASE_URL: database.url, SHED_AT: 'bulk=0' })
    try {
      const headers = { 'idempotency-key': nextKey(), 'content-type': 'application/json' }
      const body = JSON.stringify(members)
      const refused = await ask('/v1/batches', { method: 'POST', headers, body }, busy)
      expect(refused).toMatchObject({ status: 503, json: { code: 'BUSY', shed: 'bulk' } })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await ask('/v1/batches', {}, busy)).status).toBe(200)
    } finally {
      await busy.end('SIGKILL')
    }
  })

  test('a process holds a bounded number of uploads, and says so to the next', async () => {
    const small = await startProcess('intake', { DATABASE_URL: database.url, UPLOADS_MAX: '1' })
    try {
      const begun = await post({ ...members, size: 1_000 })
      const url = begun.headers.get('location') as string
      const { hostname, port } = new URL(small.address)
      const socket = connect({ host: hostname, port: Number(port) })
      socket.on('error', () => {})
      socket.write(
        `PATCH ${url} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-type: application/offset+octet-stream\r\nupload-offset: 0\r\ncontent-length: 1000\r\n\r\n`,
      )
      await waitFor('it to have the place', async () => {
        const { rows } = await database.owner.query(
          'select writer is not null as begun from batch.batch where id = $1',
          [url.split('/')[3]],
        )
        return rows[0]?.begun === true
      })
      const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' }
      const next = await post({ ...members, size: 5 })
      const other = next.headers.get('location') as string
      const refused = await waitFor('a refusal', async () => {
        const answer = await ask(other, { method: 'PATCH', headers, body: 'ab' }, small)
        return answer.status !== 204 && answer.status !== 409 ? answer : undefined
      })
      expect(refused).toMatchObject({ status: 503, code: 'BUSY' })
      socket.destroy()
    } finally {
      await small.end('SIGKILL')
    }
  })
})
