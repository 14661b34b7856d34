/**
 * The bytes of files in Postgres: durable once acknowledged, stored completely or not at all, readable
 * from anywhere.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stages, transitions } from '../../../src/batch/state/stages.ts'
import type { NewUpload } from '../../../src/batch/state/upload.ts'
import type { Receiving } from '../../../src/batch/uploads/receive-bytes.ts'
import { openRunningDigest } from '../../../src/batch/uploads/running-digest.ts'
import type { UploadStore } from '../../../src/batch/uploads/upload-store.ts'
import { chunkBytesMax, uploadIdleMsMax, uploadsOpenMax } from '../../../src/limits.ts'
import { asked, fileOf, openUploads } from '../../support/uploads.ts'

let uploads: Awaited<ReturnType<typeof openUploads>>
let store: UploadStore
beforeAll(async () => {
  uploads = await openUploads()
  store = uploads.store
})
afterAll(() => uploads.close())

let subjects = 0
/** A filer of the test's own. */
const another = (more: Partial<NewUpload> = {}) => {
  subjects += 1
  return asked({ subject: `filer ${subjects}`, ...more })
}
/** The mandates of the uploading tokens. */
const mandate = { employers: asked().mayFileFor }
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

async function create(more: NewUpload): Promise<string> {
  const { kind, ...rest } = await store.create(more)
  if (!('upload' in rest)) throw new Error(kind)
  return rest.upload.id
}

async function begin(id: string, offset = 0, through = store): Promise<Receiving> {
  const outcome = await through.begin(id, { offset, mandate })
  if (outcome.kind !== 'receiving') throw new Error(outcome.kind)
  return outcome.receiving
}

async function send(id: string, file: Buffer, offset = 0, through = store) {
  const receiving = await begin(id, offset, through)
  for (let at = offset; at < file.length; at += chunkBytesMax) {
    const outcome = await receiving.append(file.subarray(at, at + chunkBytesMax))
    if (outcome.kind !== 'appended') return outcome
  }
  return { kind: 'appended' }
}

async function read(id: string, offset = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(id, offset)) pieces.push(piece)
  return Buffer.concat(pieces)
}

test('a file comes back as it was sent, from any offset', async () => {
  const file = fileOf(3 * chunkBytesMax + 12_345)
  const id = await create(another({ size: file.length }))
  expect(await send(id, file)).toEqual({ kind: 'completed', stage: 'received' })
  for (const offset of [0, 1, chunkBytesMax - 1, chunkBytesMax, 2 * chunkBytesMax + 7]) {
    expect((await read(id, offset)).equals(file.subarray(offset)), `from ${offset}`).toBe(true)
  }
  expect(await read(id, file.length)).toHaveLength(0)
  const found = await store.find(id)
  expect(found).toMatchObject({ stage: 'received', received: file.length, digest: sha256(file) })
  expect(found?.receivedAtMicros).toBe(uploads.clock.nowMicros)
})

test('another process goes on where one stopped, and the digest is the whole file’s', async () => {
  const file = fileOf(2 * chunkBytesMax + 99)
  const id = await create(another({ size: file.length }))
  await (await begin(id)).append(file.subarray(0, 1_001))
  const other = await uploads.openStore()
  expect((await store.findDurable(id))?.received).toBe(1_001)
  expect(await send(id, file, 1_001, other)).toMatchObject({ stage: 'received' })
  expect((await store.find(id))?.digest).toEqual(sha256(file))
})

test('a state of the digest that can’t be read is made again from the bytes', async () => {
  const file = fileOf(5_000)
  const id = await create(another({ size: file.length }))
  await (await begin(id)).append(file.subarray(0, 3_000))
  const broken = await openRunningDigest()
  const { digest } = broken
  let calls = 0
  broken.digest = (state) => {
    calls += 1
    if (calls === 1) throw new Error('of another version')
    return digest(state)
  }
  const other = await uploads.openStore(broken)
  await send(id, file, 3_000, other)
  expect((await store.find(id))?.digest).toEqual(sha256(file))
})

test('the digest is Node’s, however the bytes are cut', async () => {
  const running = await openRunningDigest()
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (parts) => {
      const state = parts.reduce<Uint8Array | undefined>(
        (all, part) => running.extend(all, part),
        undefined,
      )
      return running.digest(state).equals(sha256(Buffer.concat(parts)))
    }),
  )
})

test('of two that send at once the later one is taken, and never a mixture', async () => {
  const [one, other] = [fileOf(4_000), fileOf(4_000)]
  const id = await create(another({ size: 4_000 }))
  const first = await begin(id)
  expect(await first.append(one.subarray(0, 1_000))).toEqual({ kind: 'appended' })
  const second = await begin(id, 1_000)
  expect(await first.append(one.subarray(1_000))).toEqual({ kind: 'overtaken' })
  expect(await second.append(other.subarray(1_000))).toMatchObject({ stage: 'received' })
  expect(await first.append(one.subarray(1_000))).toEqual({ kind: 'overtaken' })
  expect(await read(id)).toEqual(Buffer.concat([one.subarray(0, 1_000), other.subarray(1_000)]))
})

test('many that begin at once: one takes all bytes', async () => {
  const files = Array.from({ length: 6 }, () => fileOf(chunkBytesMax + 10))
  const id = await create(another({ size: chunkBytesMax + 10 }))
  const outcomes = await Promise.all(
    files.map((file) => send(id, file).catch((error: Error) => error)),
  )
  const won = outcomes.flatMap((outcome, i) =>
    'kind' in outcome && outcome.kind === 'completed' ? [i] : [],
  )
  expect(won).toHaveLength(1)
  const stored = await read(id)
  const head = files.findIndex((file) =>
    stored.subarray(0, chunkBytesMax).equals(file.subarray(0, chunkBytesMax)),
  )
  expect(head).toBeGreaterThanOrEqual(0)
  expect((await store.find(id))?.digest).toEqual(sha256(stored))
})

test('what begins at another offset, or after the end, is told where to go on', async () => {
  const file = fileOf(2_000)
  const id = await create(another({ size: file.length }))
  await (await begin(id)).append(file.subarray(0, 500))
  expect(await store.begin(id, { offset: 499, mandate })).toMatchObject({
    kind: 'elsewhere',
    upload: { received: 500 },
  })
  expect(await store.begin(id, { offset: 500, size: 9_999, mandate })).toMatchObject({
    kind: 'otherSize',
  })
  await send(id, file, 500)
  expect(await store.begin(id, { offset: 2_000, mandate })).toMatchObject({ kind: 'closed' })
  expect(await store.begin('nothing', { offset: 0, mandate })).toEqual({ kind: 'absent' })
})

test('bytes beyond the size are not taken, and the file stays open', async () => {
  const id = await create(another({ size: 1_000 }))
  const receiving = await begin(id)
  await receiving.append(Buffer.alloc(900))
  expect(await receiving.append(Buffer.alloc(101))).toEqual({ kind: 'beyondSize' })
  expect(await store.find(id)).toMatchObject({ received: 900, stage: 'receiving' })
})

test('a file of unknown size is whole when its sender says so', async () => {
  const file = fileOf(1_234)
  const id = await create(another())
  const receiving = await begin(id)
  await receiving.append(file)
  expect((await store.find(id))?.stage).toBe('receiving')
  expect(await receiving.finish()).toEqual({ kind: 'completed', stage: 'received' })
  expect(await store.find(id)).toMatchObject({ size: 1_234, digest: sha256(file) })
})

test('a file that is not the announced one is damaged, and its bytes are gone', async () => {
  const file = fileOf(2_000)
  const id = await create(
    another({ size: file.length, expectedDigest: sha256(Buffer.from('other')) }),
  )
  expect(await send(id, file)).toEqual({ kind: 'completed', stage: 'damaged' })
  expect(await read(id)).toHaveLength(0)
})

test('the same file again is recognised; also when both end at once', async () => {
  const file = fileOf(9_000)
  const filer = another({ size: file.length })
  const ids = await Promise.all([1, 2, 3, 4].map(() => create(filer)))
  const outcomes = await Promise.all(ids.map((id) => send(id, file)))
  const first = ids[outcomes.findIndex((one) => 'stage' in one && one.stage === 'received')]
  const duplicates = outcomes.filter((one) => 'stage' in one && one.stage === 'duplicate')
  expect(duplicates).toEqual(
    Array.from({ length: 3 }, () => ({ kind: 'completed', stage: 'duplicate', sameAs: first })),
  )
  // Another period, or another filer: another batch.
  const more = [
    { ...filer, period: '2024-12' },
    { ...filer, period: '2024-10', format: 'ndjson' as const },
    another({ size: file.length }),
  ]
  for (const one of more)
    expect(await send(await create(one), file)).toMatchObject({ stage: 'received' })
  // Once the first is cancelled, the same file is new again.
  expect(await store.cancel(first as string)).toBe('cancelled')
  expect(await send(await create(filer), file)).toMatchObject({ stage: 'received' })
})

test('a key begins one batch; with other members it conflicts', async () => {
  const filer = another({ idempotencyKey: 'key', size: 10 })
  const all = await Promise.all([1, 2, 3].map(() => store.create(filer)))
  expect(all.map(({ kind }) => kind).sort()).toEqual(['created', 'replayed', 'replayed'])
  expect(new Set(all.map((one) => ('upload' in one ? one.upload.id : ''))).size).toBe(1)
  expect(await store.create({ ...filer, period: '2024-10' })).toMatchObject({ kind: 'conflicting' })
  expect(await store.create({ ...filer, subject: 'another' })).toMatchObject({ kind: 'created' })
})

test('a filer has so many open files and no more; ended ones make room', async () => {
  const filer = another()
  const ids: string[] = []
  for (let i = 0; i < uploadsOpenMax; i += 1) ids.push(await create(filer))
  expect(await store.create(filer)).toEqual({ kind: 'tooMany' })
  await store.cancel(ids[0] as string)
  expect(await store.create(filer)).toMatchObject({ kind: 'created' })
})

test('what is cancelled takes nothing more, and can be cancelled again', async () => {
  const id = await create(another({ size: 2_000 }))
  const receiving = await begin(id)
  await receiving.append(Buffer.alloc(1_000))
  expect(await store.cancel(id)).toBe('cancelled')
  expect(await receiving.append(Buffer.alloc(1_000))).toEqual({ kind: 'overtaken' })
  expect(await store.cancel(id)).toBe('cancelled')
  expect(await store.cancel('nothing')).toBe('absent')
  expect(await read(id)).toHaveLength(0)
  expect((await store.find(id))?.stage).toBe('cancelled')
})

test('what nobody sends to for days is given up, with its bytes', async () => {
  const old = await create(another({ size: 2_000 }))
  await (await begin(old)).append(Buffer.alloc(1_000))
  const young = await create(another())
  const { owner } = uploads.database
  await owner.query(
    `update batch.batch set touched_at = now() - $2 * interval '1 millisecond' where id = $1`,
    [old, uploadIdleMsMax + 1_000],
  )
  expect(await store.expire()).toBe(1)
  expect((await store.find(old))?.stage).toBe('expired')
  expect((await store.find(young))?.stage).toBe('receiving')
  expect(await read(old)).toHaveLength(0)
})

test('names and bytes are nowhere in clear; a chunk moved elsewhere does not open', async () => {
  const fileName = '欧阳密不可见的工资.csv'
  const file = Buffer.alloc(2_000, '欧阳密不可见,')
  const id = await create(another({ fileName, size: 4_000 }))
  const receiving = await begin(id)
  await receiving.append(file)
  expect((await store.find(id))?.fileName).toBe(fileName)
  const { owner } = uploads.database
  const { rows } = await owner.query(
    'select b::text || c::text as text from batch.batch b join batch.chunk c on c.batch = b.id where b.id = $1',
    [id],
  )
  const [{ text }] = rows as [{ text: string }]
  expect(text).not.toContain('密不可见')
  expect(text).not.toContain(Buffer.from('密不可见').toString('hex'))
  await receiving.append(file)
  await owner.query(
    'update batch.chunk set sealed = (select sealed from batch.chunk where batch = $1 and number = 2) where batch = $1 and number = 1',
    [id],
  )
  await expect(read(id)).rejects.toThrow(/damaged/)
})

test('only a received file is ever worked on: every way through the stages', () => {
  for (const stage of stages) {
    for (const next of Object.values(transitions[stage])) {
      if (next !== undefined) expect(stages).toContain(next)
      if (next === 'received') expect(stage).toBe('receiving')
    }
  }
})
