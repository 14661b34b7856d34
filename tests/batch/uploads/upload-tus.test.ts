/**
 * Files over real connections to real intake processes, by the tus protocol and its own client.
 */
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Upload } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { socialCreditCodeCheckCharacter } from '../../../src/declaration/social-credit-code.ts'
import { chunkBytesMax, stopMsMax } from '../../../src/limits.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from '../../support/engine.ts'
import { fileOf, readStored } from '../../support/uploads.ts'
import { waitFor } from '../../support/wait.ts'

const uploadBytesMax = 3_000_000
const env = { UPLOAD_BYTES_MAX: String(uploadBytesMax), UPLOAD_STALL_MS_MAX: '1500' }
let database: TestDatabase
let intake: EngineProcess
let other: EngineProcess
let token: string

beforeAll(async () => {
  database = await createDatabase()
  const all = { DATABASE_URL: database.url, ...env }
  ;[intake, other] = await Promise.all([startProcess('intake', all), startProcess('intake', all)])
  token = await tokenFor([employer])
})
afterAll(async () => {
  expect(intake.output()).not.toContain('"level":50')
  await Promise.all([intake.end(), other.end()])
  await database.drop()
})

let employers = 0
/** Of a filer of the test's own. */
function anotherEmployer(): string {
  employers += 1
  const digits = `9135010${String(employers).padStart(10, '0')}`
  return digits + socialCreditCodeCheckCharacter(digits)
}
const employer = anotherEmployer()
const members = {
  employer,
  period: '2024-11',
  region: '340100',
  kind: 'regular',
  mode: 'accept-good',
}
const metadata = (more: Record<string, string> = {}) =>
  Object.entries({ ...members, ...more })
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')
const sha = (bytes: Uint8Array, algorithm = 'sha256') =>
  createHash(algorithm).update(bytes).digest('base64')

type Sent = { method: string; headers?: Record<string, string>; body?: Buffer | string | FormData }

async function ask(path: string, { method, headers = {}, body }: Sent, through = intake) {
  const answer = await fetch(new URL(path, through.address), {
    method,
    headers: { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', ...headers },
    ...(body !== undefined && { body }),
  })
  const text = await answer.text()
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return { status: answer.status, headers: answer.headers, code: json.code, json }
}

/** Begins an upload; returns the address for its bytes. */
async function create(size: number, more: Record<string, string> = {}): Promise<string> {
  const headers = { 'upload-length': String(size), 'upload-metadata': metadata(), ...more }
  const { status, headers: answered } = await ask('/v1/batches', { method: 'POST', headers })
  expect(status).toBe(201)
  return answered.get('location') as string
}

const patch = (url: string, offset: number, body: Buffer, more = {}, through = intake) =>
  ask(
    url,
    {
      method: 'PATCH',
      headers: {
        'content-type': 'application/offset+octet-stream',
        'upload-offset': String(offset),
        ...more,
      },
      body,
    },
    through,
  )

async function offsetOf(url: string, through = intake): Promise<number> {
  const { status, headers } = await ask(url, { method: 'HEAD' }, through)
  expect(status).toBe(200)
  return Number(headers.get('upload-offset'))
}

/** Sends the beginning of a part byte by byte; then the test interferes with the connection. */
function beginPart(url: string, offset: number, length: number, { address } = intake, more = '') {
  const { hostname, port } = new URL(address)
  const socket = connect({ host: hostname, port: Number(port) })
  let text = ''
  socket.on('error', () => {})
  socket.on('data', (data) => {
    text += data
  })
  socket.write(
    `PATCH ${url} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n` +
      'content-type: application/offset+octet-stream\r\n' +
      `upload-offset: ${offset}\r\ncontent-length: ${length}\r\n${more}\r\n`,
  )
  return { socket, text: () => text }
}

const idOf = (url: string) => /batches\/([^/]+)/.exec(url)?.[1] as string
const batch = async (url: string) =>
  (await ask(`/v1/batches/${idOf(url)}`, { method: 'GET' })).json as Record<string, unknown>

async function expectStored(url: string, file: Buffer): Promise<void> {
  expect(await batch(url)).toMatchObject({
    stage: 'received',
    percent: 100,
    sha256: createHash('sha256').update(file).digest('hex'),
  })
  expect((await readStored(database.url, idOf(url))).equals(file)).toBe(true)
}

describe('the protocol', () => {
  test('a file in parts, to two processes in turn, is what was sent', async () => {
    const file = fileOf(2 * chunkBytesMax + 1_000)
    const url = await create(file.length)
    const sizes = [1, chunkBytesMax, 70_000, file.length - chunkBytesMax - 70_001]
    let offset = 0
    for (const [i, size] of sizes.entries()) {
      const part = file.subarray(offset, offset + size)
      const answer = await patch(url, offset, part, {}, i % 2 === 0 ? intake : other)
      offset += size
      expect(answer.status).toBe(204)
      expect(answer.headers.get('upload-offset')).toBe(String(offset))
      expect(await offsetOf(url, other)).toBe(offset)
    }
    await expectStored(url, file)
  })

  test('what it can do is told without a token', async () => {
    const { status, headers } = await ask('/v1/batches', {
      method: 'OPTIONS',
      headers: { authorization: '' },
    })
    expect(status).toBe(204)
    expect(headers.get('tus-extension')).toContain('creation-with-upload')
    expect(headers.get('tus-max-size')).toBe(String(uploadBytesMax))
    expect(headers.get('tus-checksum-algorithm')).toBe('sha1,sha256')
  })

  test('the first bytes may come with the creation', async () => {
    const file = fileOf(5_000)
    const begun = await ask('/v1/batches', {
      method: 'POST',
      headers: {
        'upload-length': '5000',
        'upload-metadata': metadata({ filename: 'a.csv', filetype: 'text/csv' }),
        'content-type': 'application/offset+octet-stream',
      },
      body: file.subarray(0, 2_000),
    })
    expect(begun.status).toBe(201)
    expect(begun.headers.get('upload-offset')).toBe('2000')
    expect(Date.parse(begun.headers.get('upload-expires') as string)).toBeGreaterThan(Date.now())
    const url = begun.headers.get('location') as string
    expect(begun.json).toMatchObject({
      stage: 'receiving',
      format: 'csv',
      received: 2_000,
      percent: 40,
    })
    expect((await patch(url, 2_000, file.subarray(2_000))).status).toBe(204)
    await expectStored(url, file)
  })

  test('a size that is not known yet is said with a later part', async () => {
    const file = fileOf(3_000)
    const begun = await ask('/v1/batches', {
      method: 'POST',
      headers: { 'upload-defer-length': '1', 'upload-metadata': metadata() },
    })
    const url = begun.headers.get('location') as string
    await patch(url, 0, file.subarray(0, 1_000))
    expect((await ask(url, { method: 'HEAD' })).headers.get('upload-defer-length')).toBe('1')
    const last = await patch(url, 1_000, file.subarray(1_000), { 'upload-length': '3000' })
    expect(last.status).toBe(204)
    await expectStored(url, file)
  })

  test('wrong offsets are told the right one, and nothing is taken', async () => {
    const url = await create(3_000)
    await patch(url, 0, fileOf(1_000))
    for (const offset of [0, 999, 1_001]) {
      const { status, code, headers } = await patch(url, offset, fileOf(500))
      expect([status, code]).toEqual([409, 'UPLOAD_OFFSET_CONFLICT'])
      expect(headers.get('upload-offset')).toBe('1000')
    }
    expect(await patch(url, 1_000, fileOf(1), { 'upload-offset': 'x' })).toMatchObject({
      status: 400,
      code: 'UPLOAD_OFFSET_INVALID',
    })
    expect(await offsetOf(url)).toBe(1_000)
  })

  test('more than the size that was said is refused, also where a part does not say its length', async () => {
    // Also if the announced size ends with a chunk: that one must not end the file.
    for (const size of [1_000, chunkBytesMax]) {
      const url = await create(size)
      const told = await patch(url, 0, fileOf(size + 1))
      expect(told).toMatchObject({ status: 413, code: 'UPLOAD_BEYOND_SIZE' })
      const body = new ReadableStream({
        start: (stream) => {
          stream.enqueue(new Uint8Array(size))
          stream.enqueue(new Uint8Array(1))
          stream.close()
        },
      })
      const answer = await fetch(new URL(url, intake.address), {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/offset+octet-stream',
          'upload-offset': '0',
        },
        body,
        duplex: 'half',
      } as RequestInit)
      expect(answer.status).toBe(413)
      expect(await offsetOf(url)).toBe(0)
      expect((await batch(url)).stage).toBe('receiving')
    }
  })

  test('larger than the limit is refused when it is begun, and when it turns out', async () => {
    const headers = { 'upload-length': String(uploadBytesMax + 1), 'upload-metadata': metadata() }
    expect(await ask('/v1/batches', { method: 'POST', headers })).toMatchObject({
      status: 413,
      code: 'UPLOAD_TOO_LARGE',
    })
    const begun = await ask('/v1/batches', {
      method: 'POST',
      headers: { 'upload-defer-length': '1', 'upload-metadata': metadata() },
    })
    const url = begun.headers.get('location') as string
    const answer = await patch(url, 0, Buffer.alloc(uploadBytesMax + 1))
    expect(answer).toMatchObject({ status: 413, code: 'UPLOAD_TOO_LARGE' })
  })

  test('a part that is not what its checksum says leaves nothing; one that is, is kept', async () => {
    const file = fileOf(chunkBytesMax + 5_000)
    const url = await create(file.length)
    const wrong = await patch(url, 0, file, {
      'upload-checksum': `sha256 ${sha(Buffer.from('x'))}`,
    })
    expect([wrong.status, wrong.code]).toEqual([460, 'UPLOAD_CHECKSUM_MISMATCH'])
    expect(await offsetOf(url)).toBe(0)
    const odd = await patch(url, 0, file, { 'upload-checksum': 'md5 AAAA' })
    expect([odd.status, odd.code]).toEqual([400, 'UPLOAD_CHECKSUM_INVALID'])
    const [one, two] = [file.subarray(0, 9_000), file.subarray(9_000)]
    const first = await patch(url, 0, one, { 'upload-checksum': `sha1 ${sha(one, 'sha1')}` })
    expect(first.status).toBe(204)
    const last = await patch(url, 9_000, two, { 'upload-checksum': `sha256 ${sha(two)}` })
    expect(last.status).toBe(204)
    await expectStored(url, file)
  })

  test('a part with a checksum that breaks off leaves nothing', async () => {
    const file = fileOf(10_000)
    const url = await create(file.length)
    const checksum = `upload-checksum: sha256 ${sha(file)}\r\n`
    const { socket } = beginPart(url, 0, file.length, intake, checksum)
    await new Promise((resolve) => socket.write(file.subarray(0, 9_000), resolve))
    socket.end()
    await waitFor('the connection to end', () => socket.closed)
    expect(await offsetOf(url)).toBe(0)
    await waitFor('the whole part', async () => (await patch(url, 0, file)).status === 204)
    await expectStored(url, file)
  })

  test("somebody else's upload is not there, whatever is asked of it", async () => {
    const url = await create(1_000)
    const mine = token
    token = await tokenFor([anotherEmployer(), employer])
    try {
      const answers = [
        await ask(url, { method: 'HEAD' }),
        await patch(url, 0, fileOf(1_000)),
        await ask(url, { method: 'DELETE' }),
        await ask(`/v1/batches/${idOf(url)}`, { method: 'GET' }),
        await ask(`/v1/batches/${idOf(url)}`, { method: 'DELETE' }),
        await ask('/v1/batches/00000000-0000-0000-0000-000000000000', { method: 'GET' }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404])
      expect((await ask('/v1/batches', { method: 'GET' })).json).toMatchObject({ batches: [] })
    } finally {
      token = mine
    }
    expect(await offsetOf(url)).toBe(0)
  })

  test('what is cancelled takes nothing more', async () => {
    const url = await create(1_000)
    await patch(url, 0, fileOf(500))
    expect((await ask(url, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(url, { method: 'HEAD' })).status).toBe(410)
    expect(await patch(url, 500, fileOf(500))).toMatchObject({ status: 410, code: 'UPLOAD_ENDED' })
    expect((await batch(url)).stage).toBe('cancelled')
  })

  test('another version, media type or coding is refused', async () => {
    const url = await create(1_000)
    const body = fileOf(10)
    expect(await patch(url, 0, body, { 'tus-resumable': '0.2.2' })).toMatchObject({ status: 412 })
    expect(await patch(url, 0, body, { 'content-type': 'text/csv' })).toMatchObject({
      status: 415,
      code: 'UPLOAD_MEDIA_TYPE',
    })
    expect(await patch(url, 0, body, { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 })
    expect(await offsetOf(url)).toBe(0)
  })

  test('the same file again is offered the first batch', async () => {
    const file = fileOf(20_000)
    const first = await create(file.length)
    await patch(first, 0, file)
    const again = await create(file.length)
    const answer = await patch(again, 0, file)
    expect(answer.status).toBe(204)
    expect(answer.headers.get('link')).toBe(`</v1/batches/${idOf(first)}>; rel="duplicate"`)
    expect(await batch(again)).toMatchObject({
      stage: 'duplicate',
      links: { sameAs: `/v1/batches/${idOf(first)}` },
    })
    expect(await offsetOf(again)).toBe(file.length)
  })

  test('two at once: one is told so, and the file is one of theirs', async () => {
    const [one, two] = [fileOf(2_500_000), fileOf(2_500_000)]
    const url = await create(one.length)
    const answers = await Promise.all([
      patch(url, 0, one, {}, intake),
      patch(url, 0, two, {}, other),
    ])
    const won = answers.findIndex(({ status }) => status === 204)
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
    const stored = await readStored(database.url, idOf(url))
    const [winner, loser] = won === 0 ? [one, two] : [two, one]
    // The later request continues; the bytes that the other sent before are the same file's.
    expect(stored.length).toBe(winner.length)
    expect(stored.equals(winner) || stored.equals(loser)).toBe(true)
  })
})

describe('a bad line', () => {
  test('it breaks at and around the end of every chunk: all that was whole is kept', async () => {
    const file = fileOf(4 * chunkBytesMax)
    const url = await create(file.length)
    const ends = [1, 2, 3].map((chunks) => chunks * chunkBytesMax)
    const breakAt = async (cut: number) => {
      const offset = await offsetOf(url, other)
      const { socket, text } = beginPart(url, offset, file.length - offset)
      socket.write(file.subarray(offset, cut))
      const whole = offset + chunkBytesMax * Math.floor((cut - offset) / chunkBytesMax)
      const here = async () => text() !== '' || (await offsetOf(url, other)) >= whole
      await waitFor(`${whole} bytes`, here)
      socket.destroy()
      // The part before may end while this one begins, and is then answered so.
      return text() === ''
    }
    for (const cut of ends.flatMap((end) => [end - 1, end, end + 1])) {
      await waitFor(`a part to ${cut}`, () => breakAt(cut))
      expect(await offsetOf(url, other)).toBeLessThanOrEqual(cut)
    }
    expect(await offsetOf(url)).toBeGreaterThanOrEqual(2 * chunkBytesMax)
    await waitFor('the rest', async () => {
      const offset = await offsetOf(url)
      return (await patch(url, offset, file.subarray(offset))).status === 204
    })
    await expectStored(url, file)
  })

  test('a slow part goes on for longer than a request may take; one that stands still is cut', async () => {
    const slow = await startProcess('intake', {
      DATABASE_URL: database.url,
      HEADERS_MS_MAX: '500',
      RECEIVE_MS_MAX: '500',
      UPLOAD_STALL_MS_MAX: '5000', // a busy machine may pause for some of it
    })
    try {
      const file = fileOf(60_000)
      const url = await create(file.length)
      const { socket, text } = beginPart(url, 0, file.length, slow)
      const began = performance.now()
      let sent = 0
      for (; performance.now() - began < 2_500; sent += 100) {
        socket.write(file.subarray(sent, sent + 100))
        await pause(50)
      }
      expect(text()).toBe('')
      await waitFor('an answer', () => text().includes('\r\n\r\n'))
      expect(text()).toMatch(/^HTTP\/1\.1 408 .*UPLOAD_STALLED/s)
      expect(text()).toMatch(new RegExp(`upload-offset: ${sent}\\r`, 'i'))
      expect(await offsetOf(url)).toBe(sent)
      await waitFor('the end of the connection', () => socket.closed)
    } finally {
      await slow.end('SIGKILL')
    }
  })

  test('parts that break off leave their place, and no connection of the database behind', async () => {
    const small = await startProcess('intake', { DATABASE_URL: database.url, UPLOADS_MAX: '1' })
    try {
      const file = fileOf(400_000)
      for (let broken = 0; broken < 5; broken += 1) {
        const url = await create(file.length)
        const { socket, text } = await waitFor('the place', async () => {
          const begun = beginPart(url, 0, file.length, small)
          begun.socket.write(file.subarray(0, 300_000))
          await waitFor('a chunk, or a refusal', async () => {
            return begun.text() !== '' || (await offsetOf(url)) > 0
          })
          return begun.text() === '' ? begun : undefined
        })
        socket.destroy()
        await waitFor('the end of the connection', () => socket.closed)
        expect(text()).toBe('')
      }
      const url = await create(file.length)
      await waitFor('a file to be taken', async () => {
        return (await patch(url, 0, file, {}, small)).status === 204
      })
      await expectStored(url, file)
      const { rows } = await database.owner.query(
        `select from pg_stat_activity
         where datname = current_database() and state like 'idle in transaction%'`,
      )
      expect(rows).toEqual([])
    } finally {
      await small.end('SIGKILL')
    }
  })

  test('a process that is told to end keeps what came, says so, and ends at once', async () => {
    const leaving = await startProcess('intake', { DATABASE_URL: database.url })
    const file = fileOf(chunkBytesMax + 50_000)
    const url = await create(file.length)
    const { socket, text } = beginPart(url, 0, file.length, leaving)
    socket.write(file.subarray(0, chunkBytesMax + 40_000))
    await waitFor('a chunk', async () => (await offsetOf(url)) === chunkBytesMax)
    const began = performance.now()
    expect(await leaving.end('SIGTERM')).toBe(0)
    expect(performance.now() - began).toBeLessThan(stopMsMax)
    expect(text()).toMatch(/^HTTP\/1\.1 503 .*"code":"UNAVAILABLE"/s)
    expect(await offsetOf(url)).toBe(chunkBytesMax + 40_000)
  })

  test('the process dies in the middle of a part: another goes on, and nothing told is lost', async () => {
    const victim = await startProcess('intake', { DATABASE_URL: database.url, ...env })
    const file = fileOf(2_900_000)
    const url = await create(file.length)
    const { socket } = beginPart(url, 0, file.length, victim)
    socket.write(file.subarray(0, 2_000_000))
    const told = await waitFor('some chunks', async () => {
      const offset = await offsetOf(url)
      return offset >= 3 * chunkBytesMax && offset
    })
    await victim.end('SIGKILL')
    const offset = await offsetOf(url, other)
    expect(offset).toBeGreaterThanOrEqual(told)
    expect((await patch(url, offset, file.subarray(offset), {}, other)).status).toBe(204)
    await expectStored(url, file)
  })

  test("the protocol's own client sends a file in parts through a process that dies", async () => {
    const victim = await startProcess('intake', { DATABASE_URL: database.url, ...env })
    const file = fileOf(2_000_000)
    const sent: number[] = []
    let url = ''
    const first = new Upload(file, {
      endpoint: `${victim.address}/v1/batches`,
      headers: { authorization: `Bearer ${token}` },
      metadata: { ...members, filename: '工资.csv' },
      chunkSize: 100_000,
      retryDelays: null,
      onChunkComplete: (_size, accepted) => {
        sent.push(accepted)
        if (accepted >= 700_000) void victim.end('SIGKILL')
      },
    })
    await new Promise((resolve, reject) => {
      first.options.onError = resolve
      first.options.onSuccess = () => reject(new Error('it must not end'))
      first.start()
    })
    url = new URL(first.url as string).pathname
    const second = new Upload(file, {
      uploadUrl: `${other.address}${url}`,
      headers: { authorization: `Bearer ${token}` },
      retryDelays: [100, 200],
    })
    await new Promise<void>((resolve, reject) => {
      second.options.onError = reject
      second.options.onSuccess = () => resolve()
      second.start()
    })
    expect(sent.at(-1)).toBeGreaterThanOrEqual(700_000)
    await expectStored(url, file)
    expect(await batch(url)).toMatchObject({ filename: '工资.csv' })
  })

  test("the protocol's own client sends the first part with the creation", async () => {
    const file = fileOf(400_000)
    const upload = new Upload(file, {
      endpoint: `${intake.address}/v1/batches`,
      headers: { authorization: `Bearer ${token}` },
      metadata: members,
      chunkSize: 150_000,
      uploadDataDuringCreation: true,
    })
    await new Promise<void>((resolve, reject) => {
      upload.options.onError = reject
      upload.options.onSuccess = () => resolve()
      upload.start()
    })
    await expectStored(new URL(upload.url as string).pathname, file)
    await upload.abort(true)
    expect((await batch(new URL(upload.url as string).pathname)).stage).toBe('cancelled')
  })
})

test('nothing of a file is in a log', () => {
  expect(inject('keyringFile')).toBeDefined()
  expect(intake.output() + other.output()).not.toContain('工资')
})
