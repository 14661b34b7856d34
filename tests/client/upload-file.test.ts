/** The client library sends a file through whatever happens on the way, once, and goes on where it stopped. */
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type AttemptEvent,
  createClient,
  type Fetch,
  type FileDescription,
  type KeptUpload,
} from '../../src/client/client.ts'
import { partBytesMin } from '../../src/client/limits.ts'
import { openApp } from '../support/app.ts'
import { tokenFor } from '../support/engine.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from '../support/journal.ts'

const clock = { nowMicros: rulesOf('340100', '2024-11').deadlineMicros - 3_600 * 1_000_000 }
const outage = { on: false }

let journal: Journal
let intake: Awaited<ReturnType<typeof openApp>>
let address: string
beforeAll(async () => {
  journal = await openJournal()
  intake = await openApp(journal, { policies, clock, refuses: () => outage.on })
  address = await intake.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await intake.close()
  await journal.close()
})

/** What is on the way of one attempt. */
type Way = Fetch

const toIntake: Way = async (url, init) => {
  const { pathname, search } = new URL(url)
  const answer = await fetch(`${address}${pathname}${search}`, init)
  const headers = new Headers(answer.headers)
  if (headers.has('retry-after')) headers.set('retry-after', '1')
  const hasBody = answer.status !== 204
  return new Response(hasBody ? await answer.text() : null, { status: answer.status, headers })
}
const replyLost: Way = async (url, init) => {
  await toIntake(url, init)
  throw new TypeError('socket hang up')
}
/** Half of a part arrives, then the line breaks. */
const cutInHalf: Way = async (url, init) => {
  const part = init.body as Blob
  await toIntake(url, { ...init, body: part.slice(0, part.size / 2) })
  throw new TypeError('socket hang up')
}
const broken: Way = () => Promise.reject(new TypeError('fetch failed'))
const signInPage: Way = async () => new Response('<html>Welcome to the hotel</html>')
const toOutage: Way = async (url, init) => {
  outage.on = true
  const answer = await toIntake(url, init)
  outage.on = false
  return answer
}

/** A client whose parts go these ways in turn, and then straight on; what else it asks goes straight on. */
async function clientOf(employer: string, ways: readonly Way[] = []) {
  const token = await tokenFor([employer])
  const left = [...ways]
  const sent: string[] = []
  const client = createClient({
    baseUrl: 'https://intake.invalid',
    token: () => token,
    fetch: (url, init) => {
      sent.push(init.method ?? '')
      return ((init.method === 'PATCH' && left.shift()) || toIntake)(url, init)
    },
    random: () => 0,
  })
  return { client, sent }
}

const about = (employer: string, more: Partial<FileDescription> = {}): FileDescription => ({
  ...{ employer, period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' },
  ...{ format: 'csv', filename: 'wages.csv', ...more },
})
const fileOf = (bytes: number) => new Blob([randomBytes(bytes)])
const digestOf = async (file: Blob) =>
  createHash('sha256')
    .update(Buffer.from(await file.arrayBuffer()))
    .digest('hex')
const batchesOf = async (employer: string) =>
  (await journal.database.owner.query('select id from batch.batch where employer = $1', [employer]))
    .rows.length

test('a file goes through a storm of faults in parts, and arrives once and whole', async () => {
  const { employer } = declare()
  const ways = [broken, cutInHalf, signInPage, replyLost, toOutage]
  const { client, sent } = await clientOf(employer, ways)
  const file = fileOf(4 * partBytesMin)
  const [waits, offsets]: [string[], number[]] = [[], []]
  const outcome = await client.uploadFile(file, about(employer), {
    follows: false,
    onAttempt: (event: AttemptEvent) => event.kind === 'waiting' && void waits.push(event.why),
    onProgress: ({ sent: bytes }) => void offsets.push(bytes),
  })
  expect(outcome).toMatchObject({
    kind: 'underWay',
    batch: { stage: 'received', sha256: await digestOf(file), received: file.size },
  })
  expect(waits).toEqual(['broken', 'broken', 'foreign', 'broken', 'failed'])
  expect(offsets).toEqual([...offsets].sort((one, other) => one - other))
  // What came of a part before its line broke is not sent again.
  expect(offsets).toContain(partBytesMin / 2)
  expect(sent.filter((method) => method === 'POST')).toHaveLength(1)
  expect(await batchesOf(employer)).toBe(1)
})

test('a file that was stopped goes on where it stopped, by its kept address or by itself', async () => {
  const { employer } = declare()
  const file = fileOf(3 * partBytesMin)
  const stop = new AbortController()
  const kept: KeptUpload[] = []
  const first = await clientOf(employer)
  const stopped = await first.client.uploadFile(file, about(employer), {
    signal: stop.signal,
    keep: (upload) => void kept.push(structuredClone(upload)),
    onProgress: ({ sent }) => sent > 0 && stop.abort(),
  })
  expect(stopped).toMatchObject({ kind: 'interrupted', why: 'stopped', received: partBytesMin })
  const [upload] = kept
  if (upload === undefined) throw new Error('nothing was kept')
  const second = await clientOf(employer)
  const other = fileOf(3 * partBytesMin)
  expect(await second.client.uploadFile(other, about(employer), { kept: upload })).toMatchObject({
    kind: 'otherFile',
    kept: upload,
  })
  const offsets: number[] = []
  const again = await second.client.uploadFile(file, about(employer), {
    ...{ kept: upload, follows: false },
    onProgress: ({ sent }) => void offsets.push(sent),
  })
  expect(again).toMatchObject({ kind: 'underWay', batch: { id: upload.id, stage: 'received' } })
  expect(offsets[0]).toBe(partBytesMin)
  // Without what was kept, and under another name: the same bytes find their batch, and none is sent again.
  const third = await clientOf(employer)
  const found = await third.client.uploadFile(file, about(employer, { filename: 'copy.csv' }), {
    follows: false,
  })
  expect(found).toMatchObject({ kind: 'underWay', batch: { id: upload.id } })
  expect(third.sent).not.toContain('PATCH')
  expect(await batchesOf(employer)).toBe(1)
})

test('the same file sent as something else is followed in the batch that brought it first', async () => {
  const { employer } = declare()
  const { client } = await clientOf(employer)
  const file = fileOf(1_000)
  const first = await client.uploadFile(file, about(employer), { follows: false })
  if (first.kind !== 'underWay') throw new Error(first.kind)
  const again = await client.uploadFile(file, about(employer, { mode: 'all-or-nothing' }), {
    giveUpAfterMs: 0,
  })
  expect(again).toMatchObject({ kind: 'underWay', batch: { id: first.batch.id } })
})

test('a cancelled file is sent anew, in a batch of its own', async () => {
  const { employer } = declare()
  const { client } = await clientOf(employer)
  const file = fileOf(1_000)
  const first = await client.uploadFile(file, about(employer), { follows: false })
  if (first.kind !== 'underWay') throw new Error(first.kind)
  expect(await client.cancelBatch(first.batch.id)).toEqual({ kind: 'cancelled' })
  expect(await client.followBatch(first.batch.id)).toMatchObject({
    kind: 'discarded',
    batch: { stage: 'cancelled' },
  })
  const again = await client.uploadFile(file, about(employer), { follows: false })
  expect(again).toMatchObject({ kind: 'underWay', batch: { stage: 'received' } })
  if (again.kind !== 'underWay') throw new Error(again.kind)
  expect(again.batch.id).not.toBe(first.batch.id)
  const { owner } = journal.database
  await owner.query(`update batch.batch set stage = 'filing' where id = $1`, [again.batch.id])
  expect(await client.cancelBatch(again.batch.id)).toMatchObject({ kind: 'tooLate' })
  const gone = '00000000-0000-4000-8000-000000000000'
  expect(await client.followBatch(gone)).toEqual({ kind: 'notFound' })
  expect(await client.cancelBatch(gone)).toEqual({ kind: 'notFound' })
})

test('what is said of a file is refused with its findings; an employer of others is forbidden', async () => {
  const { employer } = declare()
  const { client, sent } = await clientOf(employer)
  const refused = await client.uploadFile(fileOf(10), about(employer, { region: '999999' }))
  expect(refused).toMatchObject({ kind: 'refused', findings: [{ code: 'REGION_UNKNOWN' }] })
  const other = await client.uploadFile(fileOf(10), about(declare().employer))
  expect(other).toMatchObject({ kind: 'forbidden' })
  expect(sent).not.toContain('PATCH')
})
