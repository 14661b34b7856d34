/**
 * The signed receipt of a file: one for ever, whatever changes later, and verified without a server.
 */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createReceiptOf } from '../../../src/batch/uploads/batch-receipts.ts'
import { batchReceiptText } from '../../../src/journal/receipts/batch-receipt.ts'
import { verifyReceipt } from '../../../src/journal/receipts/receipt.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import { runCommand } from '../../support/command.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from '../../support/engine.ts'
import { everythingIn, unsalted } from '../../support/everything.ts'
import { declare, policies, rulesOf } from '../../support/journal.ts'
import { asked, fileOf, openUploads } from '../../support/uploads.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const keys = readKeyring(inject('keyringFile')).receiptKeys.map(({ publicJwk }) => publicJwk)
const { deadlineMicros } = rulesOf('340100', '2024-11')

type Store = Awaited<ReturnType<typeof openUploads>>['store']

async function send(store: Store, file: Buffer, more: Parameters<typeof asked>[0] = {}) {
  const created = await store.create(asked({ size: file.length, ...more }))
  if (!('upload' in created)) throw new Error(created.kind)
  const { id } = created.upload
  const outcome = await store.begin(id, { offset: 0, mandate: { employers: [] } })
  if (outcome.kind !== 'receiving') throw new Error(outcome.kind)
  const before = await store.find(id)
  const appended = await outcome.receiving.append(file)
  return { id, before, appended, upload: await store.find(id) }
}

describe('a file’s receipt', () => {
  let uploads: Awaited<ReturnType<typeof openUploads>>
  beforeAll(async () => {
    uploads = await openUploads()
  })
  afterAll(() => uploads.close())

  test('is there with its last byte, and states what came and when, and the deadline of its period', async () => {
    for (const micros of [deadlineMicros - 1_000, deadlineMicros]) {
      uploads.clock.nowMicros = micros
      const file = fileOf(1_000)
      const { id, before, upload } = await send(uploads.store, file)
      expect(before?.receipt).toBeUndefined()
      expect(upload?.receivedAtMicros).toBe(micros)
      const receipt = JSON.parse(batchReceiptText(upload?.receipt as string))
      const verdict = verifyReceipt(receipt, keys)
      expect(verdict).toMatchObject({ valid: true, kid: keys[0]?.kid })
      expect(receipt.statement).toEqual({
        ...{ id, employer: asked().employer, kind: 'regular', period: '2024-11', region: '340100' },
        ...{ environment: 'test', sha256: sha256(file), size: 1_000 },
        deadline: expect.stringMatching(/\+08:00$/),
        receivedAt: expect.stringMatching(/\+08:00$/),
      })
      expect(Date.parse(receipt.statement.receivedAt) * 1_000).toBe(micros)
      expect(Date.parse(receipt.statement.deadline) * 1_000).toBe(deadlineMicros)
    }
  })

  test('verifies no more when a byte of it is changed, or with another’s key', async () => {
    const { upload } = await send(uploads.store, fileOf(2_000))
    const { statement, signed } = JSON.parse(batchReceiptText(upload?.receipt as string))
    for (const name of Object.keys(statement)) {
      const told = typeof statement[name] === 'boolean' ? !statement[name] : `${statement[name]}0`
      const changed = { ...statement, [name]: told }
      expect(verifyReceipt({ statement: changed, signed }, keys).valid, name).toBe(false)
      const { [name]: _, ...less } = statement
      expect(verifyReceipt({ statement: less, signed }, keys).valid, name).toBe(false)
    }
    expect(verifyReceipt({ statement: { ...statement, more: 1 }, signed }, keys).valid).toBe(false)
    const [header, payload, signature] = signed.split('.')
    const late = Buffer.from(JSON.stringify({ ...statement, size: 1 })).toString('base64url')
    expect(verifyReceipt({ signed: `${header}.${late}.${signature}` }, keys).valid).toBe(false)
    const reversed = [...signature].reverse().join('')
    expect(verifyReceipt({ signed: `${header}.${payload}.${reversed}` }, keys).valid).toBe(false)
    expect(verifyReceipt({ signed }, []).valid).toBe(false)
    expect(verifyReceipt({ signed }, keys).valid).toBe(true)
  })

  test('is signed once: another process, with another key and environment, tells the same', async () => {
    const file = fileOf(3_000)
    const { id, upload } = await send(uploads.store, file, { idempotencyKey: 'once' })
    const { privateKey } = generateKeyPairSync('ed25519')
    const signer = { kid: 'another', privateKey }
    const other = await uploads.openStore(
      undefined,
      createReceiptOf({ signer, policies, environment: () => 'another' }),
    )
    uploads.clock.nowMicros += 60_000_000
    const again = await other.create(asked({ size: file.length, idempotencyKey: 'once' }))
    expect('upload' in again && again.upload.receipt).toBe(upload?.receipt)
    expect((await other.findDurable(id))?.receipt).toBe(upload?.receipt)
    const copy = await send(other, file)
    expect(copy.upload).toMatchObject({ stage: 'duplicate', sameAs: id, receipt: undefined })
  })

  test('who has the database finds no trace of a file’s content, and a key that follows from it', async () => {
    const file = fileOf(500)
    const digest = sha256(file)
    const idempotencyKey = sha256(Buffer.from(digest))
    const said = { expectedDigest: Buffer.from(digest, 'hex'), idempotencyKey }
    const { id, upload } = await send(uploads.store, file, said)
    expect(upload).toMatchObject({ stage: 'received', digest: said.expectedDigest })
    const all = await everythingIn(uploads.database)
    const signed = upload?.receipt as string
    for (const trace of [digest, idempotencyKey, signed, Buffer.from(signed).toString('hex')])
      expect(all).not.toContain(trace)
    expect(all).not.toContain(said.expectedDigest.toString('base64url'))
    const again = await uploads.store.create(asked({ size: file.length, ...said }))
    expect(again).toMatchObject({ kind: 'replayed', upload: { id } })
    const other = { ...said, expectedDigest: Buffer.alloc(32) }
    expect(await uploads.store.create(asked({ size: file.length, ...other }))).toMatchObject({
      kind: 'conflicting',
    })
  })

  test('what was sent before digests were sealed is known again, and what is known of it stays', async () => {
    const file = fileOf(700)
    const said = { expectedDigest: Buffer.from(sha256(file), 'hex'), idempotencyKey: 'of before' }
    const before = await unsalted(uploads.database, () => send(uploads.store, file, said))
    expect(await everythingIn(uploads.database)).toContain(sha256(file))
    const { id, upload } = before
    const again = await uploads.store.create(asked({ size: file.length, ...said }))
    expect(again).toMatchObject({ kind: 'replayed', upload: { id, digest: said.expectedDigest } })
    expect('upload' in again && again.upload.receipt).toBe(upload?.receipt)
    const copy = await send(uploads.store, file, { idempotencyKey: 'of now' })
    expect(copy.upload).toMatchObject({ stage: 'duplicate', sameAs: id })
    // And the other way round, while an older intake still runs.
    const later = fileOf(900)
    const first = await send(uploads.store, later)
    const second = await unsalted(uploads.database, () => send(uploads.store, later))
    expect(second.upload).toMatchObject({ stage: 'duplicate', sameAs: first.id })
  })

  test('is not given to a file that is not what was announced', async () => {
    const { upload } = await send(uploads.store, fileOf(100), { expectedDigest: Buffer.alloc(32) })
    expect(upload).toMatchObject({ stage: 'damaged', receipt: undefined })
  })
})

describe('asked for over HTTP', () => {
  let database: TestDatabase
  let intake: EngineProcess
  const folder = mkdtempSync(path.join(tmpdir(), 'receipt-'))
  beforeAll(async () => {
    database = await createDatabase()
    intake = await startProcess('intake', { DATABASE_URL: database.url })
  })
  afterAll(async () => {
    await intake.end()
    await database.drop()
    rmSync(folder, { recursive: true })
  })

  async function ask(token: string, place: string, init: RequestInit = {}) {
    const headers = { authorization: `Bearer ${token}`, ...init.headers }
    const answer = await fetch(new URL(place, intake.address), { ...init, headers })
    return { status: answer.status, text: await answer.text() }
  }

  const verify = async (name: string, text: string) => {
    const [file, jwks] = [path.join(folder, name), path.join(folder, 'jwks.json')]
    writeFileSync(file, text)
    writeFileSync(jwks, (await ask('', '/.well-known/jwks.json')).text)
    const command = runCommand('src/commands/verify-receipt.ts', {}, [file, '--jwks', jwks])
    return { code: await command.done, output: command.output() }
  }

  test('it is the same each time, in the status too, and verify-receipt decides offline', async () => {
    const { employer } = declare()
    const token = await tokenFor([employer])
    const members = { period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' }
    const file = fileOf(5_000)
    const begun = await ask(token, '/v1/batches', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'receipt' },
      body: JSON.stringify({ ...members, employer, size: file.length }),
    })
    const { id } = JSON.parse(begun.text)
    const url = `/v1/batches/${id}/receipt`
    const early = await ask(token, url)
    expect([early.status, JSON.parse(early.text).code]).toEqual([404, 'BATCH_RECEIPT_ABSENT'])
    const sent = await ask(token, `/v1/batches/${id}/file`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
      body: new Uint8Array(file),
    })
    expect(sent.status).toBe(204)
    const [first, second, status] = [
      await ask(token, url),
      await ask(token, url),
      await ask(token, `/v1/batches/${id}`),
    ]
    expect(first.status).toBe(200)
    expect(second.text).toBe(first.text)
    const batch = JSON.parse(status.text)
    expect(batch.receipt).toEqual(JSON.parse(first.text))
    expect(batch.receipt.statement).toMatchObject({
      ...{ receivedAt: batch.receivedAt, sha256: batch.sha256, size: batch.size },
    })
    const stranger = await tokenFor([declare().employer])
    expect((await ask(stranger, url)).status).toBe(404)

    for (const text of [first.text, status.text]) {
      const { code, output } = await verify('genuine.json', text)
      expect(code, output).toBe(0)
      expect(output).toMatch(new RegExp(`VALID.*\\n[^]*sha256 +${sha256(file)}`))
    }
    const beside = status.text.replace(`"size":${file.length},`, `"size":${file.length + 1},`)
    expect(await verify('beside.json', beside)).toMatchObject({
      code: 1,
      output: expect.stringContaining("the answer's size is not what it was"),
    })
    const forged = first.text.replace('"kind":"regular"', '"kind":"correction"')
    expect(forged).not.toBe(first.text)
    expect(await verify('forged.json', forged)).toMatchObject({
      code: 1,
      output: expect.stringContaining('The statement is not what was signed.'),
    })
  })
})
