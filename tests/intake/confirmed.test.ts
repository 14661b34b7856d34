/** No receipt leaves before what it is of is confirmed, whichever way it is asked for. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UnconfirmedCommitError } from '../../src/journal/durable.ts'
import { openApp } from '../support/app.ts'
import { declare, type Journal, openJournal, policies } from '../support/journal.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let confirms = true
const clock = { nowMicros: Date.parse('2024-12-05T10:00:00+08:00') * 1_000 }
beforeAll(async () => {
  journal = await openJournal()
  const confirm = async () => {
    if (!confirms) throw new UnconfirmedCommitError('a standby is away')
  }
  opened = await openApp(journal, {
    policies,
    clock,
    confirm: Object.assign(confirm, { once: confirm }),
  })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

test('receipts of declarations and files, offsets and new batches wait for their standbys', async () => {
  const declaration = declare({ lines: 1 })
  const { employer } = declaration
  const headers = await opened.headersFor([employer])
  const filed = (await opened.file(declaration, 'filed')).json<{ id: string }>()
  const bytes = Buffer.from('a file of some bytes')
  const begin = (key: string) =>
    opened.app.inject({
      method: 'POST',
      url: '/v1/batches',
      headers: { ...headers, 'idempotency-key': key, 'content-type': 'application/json' },
      payload: {
        ...{ employer, period: '2024-11', region: '340100', kind: 'regular' },
        ...{ format: 'csv', mode: 'all-or-nothing', size: bytes.length },
      },
    })
  const begun = await begin('begun')
  expect(begun.statusCode).toBe(201)
  const { id } = begun.json<{ id: string }>()
  const part = () =>
    opened.app.inject({
      method: 'PATCH',
      url: `/v1/batches/${id}/file`,
      headers: {
        ...headers,
        ...{ 'tus-resumable': '1.0.0', 'upload-offset': '0' },
        'content-type': 'application/offset+octet-stream',
      },
      payload: bytes,
    })
  confirms = false
  expect((await part()).statusCode).toBe(503)
  const head = { method: 'HEAD', url: `/v1/batches/${id}/file`, headers } as const
  const asked = async () => [
    (await opened.get(`/v1/declarations/${filed.id}/receipt`, employer)).statusCode,
    (await opened.get(`/v1/batches/${id}`, employer)).statusCode,
    (await opened.get(`/v1/batches/${id}/receipt`, employer)).statusCode,
    (await opened.app.inject(head)).statusCode,
    (await begin('begun')).statusCode,
    (await begin(randomUUID())).statusCode,
    (await opened.get('/v1/batches', employer)).statusCode,
  ]
  expect(await asked()).toEqual([503, 503, 503, 503, 503, 503, 200])
  confirms = true
  expect(await asked()).toEqual([200, 200, 200, 200, 201, 201, 200])
})
