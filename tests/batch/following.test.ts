/**
 * A file from its sender to the ledger and back, through real intake, batch and posting processes.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Upload } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Stage } from '../../src/batch/state/stages.ts'
import { BatchWatch } from '../../src/intake/batches/batch-watch.ts'
import { Places } from '../../src/intake/overload/keyed-semaphore.ts'
import { batchLeaseMs, batchWatchersOfOneMax } from '../../src/limits.ts'
import { runCommand } from '../support/command.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from '../support/engine.ts'
import { type EventReader, openEvents, readEvents } from '../support/events.ts'
import { declare } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'
import { csvOf, employersOf, type Row, readAll, rowsOf, sourceOf } from './support.ts'

let database: TestDatabase
let intake: EngineProcess
let batches: EngineProcess
let posting: EngineProcess
beforeAll(async () => {
  database = await createDatabase()
  const env = { DATABASE_URL: database.url }
  ;[intake, batches, posting] = await Promise.all([
    startProcess('intake', env),
    startProcess('batches', env),
    startProcess('worker', env),
  ])
})
afterAll(async () => {
  for (const one of [intake, batches, posting]) expect(one.output()).not.toContain('"level":50')
  await Promise.all([intake.end(), batches.end(), posting.end()])
  await database.drop()
})

const wrongWage = ([employer, idNumber, name]: Row): Row => [employer, idNumber, name, 'abc']

type Batch = {
  id: string
  stage: Stage
  received: number
  progress: {
    percent?: number
    rows?: { read: number; good: number; setAside: number; filed: number; posted: number }
    declarations?: number
    deadLetters?: number
    rate?: { of: string; perSecond: number }
    estimatedEnd?: string
  }
  reached?: Record<string, string>
  findings?: { code: string; message: { 'zh-CN': string; en: string } }[]
  links: Record<string, string>
}

const members = { period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' }

async function ask(token: string, path: string, headers: Record<string, string> = {}) {
  const answer = await fetch(new URL(path, intake.address), {
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '')
  const json = (isJson ? JSON.parse(bytes.toString()) : {}) as Record<string, unknown>
  return { status: answer.status, headers: answer.headers, bytes, json }
}

/** By tus; returns the batch's id. */
async function send(token: string, file: Buffer, more: Record<string, string> = {}) {
  const upload = new Upload(file, {
    endpoint: `${intake.address}/v1/batches`,
    headers: { authorization: `Bearer ${token}` },
    metadata: { ...members, ...more },
    chunkSize: 300_000,
  })
  await new Promise<void>((resolve, reject) => {
    upload.options.onError = reject
    upload.options.onSuccess = () => resolve()
    upload.start()
  })
  return /batches\/([^/]+)/.exec(upload.url as string)?.[1] as string
}

const look = async (token: string, id: string) =>
  (await ask(token, `/v1/batches/${id}`)).json as unknown as Batch

function becomes(token: string, id: string, stage: Stage, deadlineMs = 30_000): Promise<Batch> {
  return waitFor(
    `${id} to be ${stage}`,
    async () => {
      const batch = await look(token, id)
      return batch.stage === stage ? batch : undefined
    },
    deadlineMs,
  )
}

/** As an errors file with many rows; the rows stay as they are. */
async function isTooLongForSheet(token: string, { id, links }: Batch): Promise<void> {
  const ofRows = async (rows: number, format: string) => {
    await database.owner.query('update batch.work set rows_set_aside = $2 where batch = $1', [
      ...[id, rows],
    ])
    const { status, json } = await ask(token, `${links.errors}?format=${format}`)
    return { status, code: json.code }
  }
  expect(await ofRows(1_048_575, 'xlsx')).toMatchObject({ status: 200 })
  expect(await ofRows(1_048_576, 'xlsx')).toEqual({ status: 406, code: 'ERRORS_SHEET_FULL' })
  expect(await ofRows(1_048_576, 'csv')).toMatchObject({ status: 200 })
}

describe('a file that is sent', () => {
  test('by tus, is posted, with the wrong rows set aside to be mended and sent again', async () => {
    const rows = rowsOf(4, 1, 3)
    rows[1] = wrongWage(rows[1] as Row)
    rows[6] = wrongWage(rows[6] as Row)
    const token = await tokenFor(employersOf(rows))
    const id = await send(token, csvOf(rows), { filename: '工资.csv' })
    const batch = await becomes(token, id, 'posted')
    expect(batch.progress).toEqual({
      percent: 100,
      rows: { read: 8, good: 6, setAside: 2, filed: 6, posted: 6 },
      declarations: 3,
      deadLetters: 0,
    })
    expect(Object.keys(batch.reached ?? {})).toEqual([
      'began',
      'read',
      'checked',
      'filed',
      'posted',
    ])
    const instants = Object.values(batch.reached ?? {})
    expect(instants).toEqual([...instants].sort())
    expect(batch.findings?.map(({ code }) => code)).toEqual(['COLUMNS_READ'])
    expect(batch.findings?.[0]?.message.en).toContain('D（缴费工资） → wage')
    expect(batch.links.events).toBeUndefined()

    const page = await ask(token, `${batch.links.declarations}?limit=2`)
    const next = await ask(token, (page.json.links as { next: string }).next)
    const filed = [page, next].flatMap(({ json }) => json.declarations) as {
      employer: string
      lines: number
      rows: object
      links: { declaration: string }
    }[]
    expect(filed.map(({ employer }) => employer)).toEqual(employersOf(rows).sort())
    expect((next.json.links as { next?: string }).next).toBeUndefined()
    for (const { employer, lines, rows: counted, links } of filed) {
      const mine = rows.filter((row) => row[0] === employer)
      const wrong = mine.filter((row) => row[3] === 'abc').length
      expect(lines).toBe(mine.length - wrong)
      expect(counted).toEqual({ good: mine.length - wrong, setAside: wrong })
      const standing = await ask(token, links.declaration)
      expect(standing.json).toMatchObject({ status: 'posted', assessment: { lines } })
    }

    for (const format of ['csv', 'xlsx'] as const) {
      const { status, headers, bytes } = await ask(token, `${batch.links.errors}?format=${format}`)
      expect(status).toBe(200)
      expect(headers.get('content-disposition')).toMatch(`.${format}"`)
      const defaults = { region: '340100', period: '2024-11' }
      const reading = await readAll(sourceOf(bytes), { format, defaults })
      expect(reading.codes).toEqual([])
      expect(reading.rows.map(({ position }) => position)).toEqual([3, 8])
      expect(reading.rows[0]?.cells.slice(2, 4)).toEqual([rows[1]?.[2], 'abc'])
      expect(reading.rows[0]?.cells[5]).toMatch(/^D（缴费工资）：/)
      expect(reading.rows[0]?.cells[7]).toMatch(/^D（缴费工资）: .*yuan/)
    }
    const table = (await ask(token, `${batch.links.errors}?format=json`)).json
    expect(table).toMatchObject({
      ...{ batch: id, position: `原行号（批次 ${id}）` },
      rows: [
        {
          row: 3,
          position: '3',
          open: true,
          cells: [rows[1]?.[0], rows[1]?.[1], rows[1]?.[2], 'abc'],
        },
        { row: 8, open: true, findings: [{ code: 'FIELD_FORMAT', severity: 'error', column: 3 }] },
      ],
    })
    expect((table.titles as string[])[3]).toBe('缴费工资')
    const { bytes } = await ask(token, `${batch.links.errors}?format=csv`)
    const mended = Buffer.from(bytes.toString().replaceAll(',abc,', ',6500.00,'))
    const amending = await send(token, mended)
    const again = await becomes(token, amending, 'posted')
    expect(again.links.amends).toBe(batch.links.self)
    expect(again.progress.rows).toMatchObject({ read: 2, good: 2, setAside: 0, posted: 2 })
    expect((await ask(token, `${batch.links.errors}?format=json`)).json).toMatchObject({
      rows: [{ open: false }, { open: false }],
    })
    const whole = await ask(token, `${again.links.declarations}`)
    const lines = (whole.json.declarations as { lines: number }[]).map((one) => one.lines)
    expect(lines.sort()).toEqual([3, 4])
    const copy = await becomes(token, await send(token, mended), 'duplicate')
    expect(copy.links.sameAs).toBe(again.links.self)
    expect((await ask(token, `/v1/batches/${again.id}/errors`)).json).toMatchObject({
      status: 404,
      code: 'ERRORS_FILE_ABSENT',
    })
  })

  test('of NDJSON, by several employers and periods, is posted, and what is wrong comes back with why', async () => {
    const [one, other, wrong, strange] = [
      declare({ lines: 3 }),
      declare({ period: '2024-10' }),
      declare(),
      declare(),
    ]
    const bad = { ...wrong, lines: [{ ...wrong.lines?.[0], wage: 'abc' }] }
    const text = [one, other, bad, strange].map((line) => JSON.stringify(line)).join('\n')
    const token = await tokenFor([one, other, wrong].map(({ employer }) => employer))
    const id = await send(token, Buffer.from(`${text}\n{"employer"\n`), { filename: 'a.jsonl' })
    const batch = await becomes(token, id, 'posted')
    expect(batch.progress).toMatchObject({
      rows: { read: 5, good: 2, setAside: 3, filed: 2, posted: 2 },
      declarations: 2,
    })
    const { json } = await ask(token, batch.links.declarations as string)
    const units = json.declarations as {
      row: number
      filed: boolean
      links: { declaration: string }
    }[]
    const filed = units.filter((unit) => unit.filed).sort((a, b) => a.row - b.row)
    expect(filed.map(({ row }) => row)).toEqual([1, 2])
    for (const [i, { links }] of filed.entries()) {
      const { json } = await ask(token, links.declaration)
      expect(json).toMatchObject({ status: 'posted', period: [one, other][i]?.period })
    }
    for (const query of ['', '?format=ndjson']) {
      const { headers, bytes } = await ask(token, `${batch.links.errors}${query}`)
      expect(headers.get('content-type')).toBe('application/x-ndjson')
      expect(headers.get('content-disposition')).toMatch('.ndjson"')
      const lines = bytes
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(lines).toMatchObject([
        { row: 3, declaration: bad, errors: [{ pointer: '/lines/0/wage', code: 'FIELD_FORMAT' }] },
        { row: 4, declaration: strange, errors: [{ code: 'ROW_EMPLOYER_NOT_YOURS' }] },
        { row: 5, text: '{"employer"', errors: [{ code: 'RECORD_NOT_JSON' }] },
      ])
    }
    expect((await ask(token, `${batch.links.errors}?format=xlsx`)).json).toMatchObject({
      status: 406,
      code: 'ERRORS_FORMAT_OTHER',
    })
    // Fixed, the declaration is a file of its own.
    const mended = await becomes(
      token,
      await send(token, Buffer.from(JSON.stringify(wrong))),
      'posted',
    )
    expect(mended.progress.rows).toMatchObject({ read: 1, posted: 1 })
  })

  test('as a form, all or nothing, is refused for one row, and that row is told', async () => {
    const rows = rowsOf(3)
    rows[2] = wrongWage(rows[2] as Row)
    const token = await tokenFor(employersOf(rows))
    const form = new FormData()
    for (const [name, value] of Object.entries({ ...members, mode: 'all-or-nothing' }))
      form.set(name, value)
    form.set('file', new Blob([csvOf(rows)]), 'wages.csv')
    const answer = await fetch(`${intake.address}/v1/batches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'form' },
      body: form,
    })
    const { id } = (await answer.json()) as Batch
    const batch = await becomes(token, id, 'refused')
    expect(batch.progress.rows).toEqual({ read: 3, good: 2, setAside: 1, filed: 0, posted: 0 })
    expect(batch.links.declarations).toBeUndefined()
    const { bytes } = await ask(token, `${batch.links.errors}`)
    expect(bytes.toString()).toContain(rows[2]?.[2])
    await isTooLongForSheet(token, batch)
    await waitFor('its rows to be deleted, months later', async () => {
      await database.owner.query(
        `update batch.work set forgotten_at = forgotten_at - interval '91 days' where batch = $1`,
        [id],
      )
      return (await ask(token, `${batch.links.errors}`)).json.code === 'ERRORS_FILE_FORGOTTEN'
    })
    expect(bytes.toString()).not.toContain(rows[0]?.[2])
  })

  test('for a second department is told by checks what stands, and is filed as an addition', async () => {
    const first = rowsOf(3)
    const [employer] = employersOf(first) as [string]
    const second = rowsOf(3).map(([, ...person]): Row => [employer, ...person])
    second[1] = wrongWage(second[1] as Row)
    const token = await tokenFor([employer])
    await becomes(token, await send(token, csvOf(first)), 'posted')
    const form = new FormData()
    for (const [name, value] of Object.entries({ ...members, mode: 'check' })) form.set(name, value)
    form.set('file', new Blob([csvOf(second)]), 'wages.csv')
    const answer = await fetch(`${intake.address}/v1/batches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'check' },
      body: form,
    })
    const { id } = (await answer.json()) as Batch
    const regular = await becomes(token, id, 'checked')
    expect(regular).toMatchObject({
      progress: { percent: 100, rows: { read: 3, good: 0, setAside: 3, filed: 0, posted: 0 } },
      wouldFile: { declarations: 0, lines: 0, total: { employer: '0.00', employee: '0.00' } },
    })
    const { bytes } = await ask(token, `${regular.links.errors}`)
    expect(bytes.toString().match(/kind addition/g)).toHaveLength(3)
    expect((await ask(token, `/v1/batches/${id}/receipt`)).status).toBe(404)
    const told: string[] = []
    for await (const { event } of await readEvents(
      `${intake.address}/v1/batches/${id}/events`,
      token,
    ))
      told.push(event)
    expect(told).toEqual(['progress', 'end'])

    const asked = { kind: 'addition', mode: 'check' }
    const checked = await becomes(token, await send(token, csvOf(second), asked), 'checked')
    expect(checked).toMatchObject({ wouldFile: { declarations: 1, lines: 5 } })
    const would = await ask(token, checked.links.declarations as string)
    const { total } = (would.json.declarations as { total: object }[])[0] ?? {}
    expect(checked).toMatchObject({ wouldFile: { total } })

    const filed = await send(token, csvOf(second), { kind: 'addition' })
    const posted = await becomes(token, filed, 'posted')
    expect(posted.progress.rows).toMatchObject({ good: 2, setAside: 1, posted: 2 })
    const units = (await ask(token, posted.links.declarations as string)).json.declarations
    const [unit] = units as { links: { declaration: string } }[]
    const { json } = await ask(token, unit?.links.declaration as string)
    expect(json).toMatchObject({
      status: 'posted',
      kind: 'correction',
      assessment: { lines: 5, total },
    })
  })

  test('and is no table tells why, in both languages', async () => {
    const token = await tokenFor([declare().employer])
    const id = await send(token, Buffer.from('nothing,of,this\n1,2,3\n'))
    const batch = await becomes(token, id, 'unreadable')
    expect(batch.findings?.[0]?.code).toBe('HEADER_NOT_FOUND')
    expect(batch.findings?.[0]?.message['zh-CN']).toMatch(/[\u4e00-\u9fff]/)
    expect(batch.findings?.[0]?.message.en).toMatch(/[a-z]/)
    expect((await ask(token, `/v1/batches/${id}/errors`)).status).toBe(404)
    expect((await ask(token, `/v1/batches/${id}/declarations`)).json.declarations).toEqual([])
  })

  test('is nobody else’s to see', async () => {
    const rows = rowsOf(2)
    const token = await tokenFor(employersOf(rows))
    const id = await send(token, csvOf([wrongWage(rows[0] as Row), rows[1] as Row]))
    await becomes(token, id, 'posted')
    const other = await tokenFor([declare().employer])
    for (const path of ['', '/events', '/declarations', '/errors', '/errors?format=xlsx']) {
      const { status, json } = await ask(other, `/v1/batches/${id}${path}`)
      expect([path, status, json.code]).toEqual([path, 404, 'NOT_FOUND'])
    }
    expect((await ask(other, '/v1/batches')).json.batches).toEqual([])
    expect((await ask(token, '/v1/batches')).json.batches).toMatchObject([{ id, stage: 'posted' }])
  })
})

describe('who asks again', () => {
  test('gets 304 for what has not changed, and may wait for what changes', async () => {
    const token = await tokenFor([declare().employer])
    const begun = await fetch(`${intake.address}/v1/batches`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': 'waiting',
      },
      body: JSON.stringify({ ...members, size: 10 }),
    })
    const { id } = (await begun.json()) as Batch
    const path = `/v1/batches/${id}`
    const first = await ask(token, path)
    expect(first.json).toMatchObject({ stage: 'receiving', progress: { percent: 0 } })
    expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0)
    const known = { 'if-none-match': first.headers.get('etag') as string }
    expect((await ask(token, path, known)).status).toBe(304)
    expect((await ask(token, `${path}/errors`)).json).toMatchObject({
      status: 409,
      code: 'ERRORS_FILE_NOT_YET',
    })
    const waiting = ask(token, path, { ...known, prefer: 'wait=20' })
    await fetch(new URL(`${path}/file`, intake.address), {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/offset+octet-stream',
        'upload-offset': '0',
      },
      body: '12345',
    })
    const changed = await waiting
    expect(changed.status).toBe(200)
    expect(changed.headers.get('preference-applied')).toBe('wait=20')
    expect(changed.json).toMatchObject({ received: 5, progress: { percent: 10 } })
  })

  test('a stream tells each state once, also over a break, until nothing more can change', async () => {
    const rows = rowsOf(9_000, 9_000, 3)
    rows[5] = wrongWage(rows[5] as Row)
    const token = await tokenFor(employersOf(rows))
    const id = await send(token, csvOf(rows))
    const path = `${intake.address}/v1/batches/${id}/events`
    const seen: { id: string; data: Batch }[] = []
    let ended = false
    let streams = 0
    while (!ended) {
      streams += 1
      const events = await openEvents(path, token, seen.at(-1)?.id)
      if (events === 'over') break // the break hid its end
      expect(events.retryMs).toBe(2_000)
      for await (const { id: mark, event, data } of events) {
        if (event === 'end') ended = true
        else seen.push({ id: mark, data: JSON.parse(data) as Batch })
        if (ended || seen.length % 2 === 0) break // the line breaks
      }
    }
    expect(streams).toBeGreaterThan(1)
    const marks = seen.map((one) => one.id)
    expect(new Set(marks).size).toBe(marks.length)
    const order = ['received', 'reading', 'checking', 'filing', 'posting', 'posted']
    const places = seen.map(({ data }) => order.indexOf(data.stage))
    expect(places).toEqual([...places].sort())
    const percents = seen.map(({ data }) => data.progress.percent ?? 0)
    expect(percents).toEqual([...percents].sort((one, other) => one - other))
    for (const { data } of seen) {
      const { read, good, setAside, filed, posted } = data.progress.rows ?? noRows
      expect(good + setAside).toBeLessThanOrEqual(read)
      expect(filed).toBeLessThanOrEqual(good)
      expect(posted).toBeLessThanOrEqual(filed)
    }
    expect(seen.at(-1)?.data).toMatchObject({
      stage: 'posted',
      progress: { percent: 100, rows: { read: rows.length, setAside: 1, posted: rows.length - 1 } },
    })
    const after = await ask(token, `/v1/batches/${id}/events`, {
      'last-event-id': marks.at(-1) as string,
    })
    expect(after.status).toBe(204)
  })

  const noRows = { read: 0, good: 0, setAside: 0, filed: 0, posted: 0 }

  test('too many streams of one are refused, others’ go on, and all end when intake stops', async () => {
    const own = await startProcess('intake', { DATABASE_URL: database.url })
    const token = await tokenFor([declare().employer])
    const other = await tokenFor([declare().employer])
    const begin = async (by: string) => {
      const begun = await fetch(`${own.address}/v1/batches`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${by}`,
          'content-type': 'application/json',
          'idempotency-key': 'streams',
        },
        body: JSON.stringify(members),
      })
      return `${own.address}/v1/batches/${((await begun.json()) as Batch).id}/events`
    }
    const [mine, others] = [await begin(token), await begin(other)]
    const streams: EventReader[] = []
    for (let i = 0; i < batchWatchersOfOneMax; i += 1) streams.push(await readEvents(mine, token))
    const refused = await fetch(mine, { headers: { authorization: `Bearer ${token}` } })
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'STREAMS_TOO_MANY' })
    streams.push(await readEvents(others, other))
    await streams[0]?.close()
    await waitFor('a place', async () => {
      const answer = await readEvents(mine, token).catch(() => undefined)
      if (answer !== undefined) streams.push(answer)
      return answer !== undefined
    })
    // Downloads hold no database connection: a stop that waited for one would take 25 s.
    const stopped = own.end('SIGTERM')
    const kinds: string[] = []
    for (const events of streams.slice(1)) {
      for await (const { event } of events) kinds.push(event)
    }
    expect(new Set(kinds)).toEqual(new Set(['progress']))
    expect(await stopped, own.output()).toBe(0)
  })

  test('all who watch look together, as often as was said, and not at all when nobody does', async () => {
    let looks = 0
    const watch = new BatchWatch({
      findMarks: async (ids) => {
        looks += 1
        return new Map(ids.map((id) => [id, 'b']))
      },
      findProgress: async (ids) =>
        ids.map((id) => ({ upload: { id }, work: undefined, mark: 'b' }) as never),
      places: new Places(3, 2),
    })
    const watchers = [watch.watch('1', 'a'), watch.watch('2', 'a'), watch.watch('1', 'b')]
    expect(watch.watch('1', 'a')).toBe('share')
    expect(watch.watch('1', 'c')).toBe('full')
    const changes = watchers.map((one) =>
      typeof one === 'string' ? one : one.changed('a', 30_000),
    )
    expect(await Promise.all(changes)).toMatchObject([{ mark: 'b' }, { mark: 'b' }, { mark: 'b' }])
    expect(looks).toBe(1)
    const [first, second, third] = watchers
    if (typeof first !== 'object' || typeof second !== 'object' || typeof third !== 'object') return
    expect(await first.changed('b', 700)).toBe('elapsed')
    const waits = second.changed('b', 30_000)
    for (const one of [first, third]) one.end()
    watch.stop()
    expect(await waits).toBe('stopped')
    expect(watch.count).toBe(0)
    expect(watch.watch('1', 'a')).toBe('stopped')
  })
})

test('the command follows the file, saves what is wrong beside it, and succeeds once all is posted', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'follow-'))
  const rows = rowsOf(3, 2)
  rows[1] = wrongWage(rows[1] as Row)
  const [file, token] = [path.join(folder, '工资.csv'), path.join(folder, 'token')]
  writeFileSync(file, csvOf(rows))
  writeFileSync(token, await tokenFor(employersOf(rows)))
  const checkFirst = async () => {
    const english = run(file, 'check')
    expect(await english.done, english.output()).toBe(1)
    expect(english.output()).toMatch(
      /checked: nothing was filed; 4 of 5 rows would be, 1 set aside/,
    )
    const amounts = 'employer [0-9.]+, employee [0-9.]+ yuan'
    const [first] = employersOf(rows)
    expect(english.output()).toMatch(new RegExp(`  ${first} 2024-11: 2 lines, ${amounts}\n`))
    expect(english.output()).toMatch(new RegExp(`In all 2 declarations, 4 lines, ${amounts}.\n`))
    expect(english.output()).toContain(`Do that and check ${file} again`)
    const told = path.join(folder, '工资.checked.csv')
    expect(english.output()).toContain(`The rows that are set aside are in ${told}, each`)
    expect(readFileSync(told, 'utf8')).toContain(rows[1]?.[2])
    const chinese = run(file, 'check', '--lang', 'zh-CN')
    expect(await chinese.done, chinese.output()).toBe(1)
    expect(chinese.output()).toMatch(/已发送 100\.0%，共 /)
    expect(chinese.output()).toMatch(/已检查，未申报：可申报 4\/5 行，退回 1 行。/)
    expect(chinese.output()).toMatch(/合计 2 份申报，4 人，单位 [0-9.]+ 元/)
    expect(chinese.output()).not.toMatch(/\b(?:rows?|sheet|lines?|yuan|is|of)\b/)
  }
  const run = (name: string, mode: string, ...more: string[]) =>
    runCommand('src/commands/upload.ts', { LANG: 'C' }, [
      ...more,
      ...[name, '--url', intake.address, '--token-file', token, '--mode', mode],
      ...['--period', '2024-11', '--region', '340100'],
    ])
  try {
    await checkFirst()
    const refused = run(file, 'all-or-nothing')
    expect(await refused.done, refused.output()).toBe(1)
    expect(refused.output()).toMatch(/refused: nothing was filed of 5 rows, 1 set aside/)
    const errors = path.join(folder, '工资.errors.csv')
    rmSync(errors)
    const sent = run(file, 'accept-good')
    expect(await sent.done, sent.output()).toBe(1)
    expect(sent.output()).toMatch(/posted: 4 rows in 2 declarations, 1 set aside/)
    expect(sent.output()).toContain(`with the same command: npm run upload -- ${errors}`)
    expect(existsSync(`${errors}.part`)).toBe(false)
    expect(statSync(errors).mode & 0o077).toBe(0)
    const text = readFileSync(errors, 'utf8')
    expect(text).toContain(rows[1]?.[2])
    // A file with fixes is not overwritten, and an unchanged one is not written twice.
    const next = path.join(folder, '工资.errors-2.csv')
    for (const [standing, told] of [
      [text, errors],
      [text.replace(',abc,', ',6500.00,'), next],
    ] as const) {
      writeFileSync(errors, standing)
      const again = run(file, 'accept-good')
      expect(await again.done, again.output()).toBe(1)
      expect(again.output()).toContain(`are in ${told}, each with what to do`)
      expect(readFileSync(errors, 'utf8')).toBe(standing)
      expect([existsSync(next), existsSync(`${errors}.part`)]).toEqual([told === next, false])
    }
    expect(readFileSync(next, 'utf8')).toBe(text)
    rmSync(next)
    writeFileSync(errors, text)
    const wrongAgain = run(errors, 'accept-good')
    expect(await wrongAgain.done, wrongAgain.output()).toBe(1)
    expect(wrongAgain.output()).toContain(`are in ${next}, each with what to do`)
    writeFileSync(next, readFileSync(next, 'utf8').replace(',abc,', ',6500.00,'))
    for (const _ of ['sent', 'sent again']) {
      const mended = run(next, 'accept-good')
      expect(await mended.done, mended.output()).toBe(0)
      expect(mended.output()).toMatch(/posted: 1 row in 1 declaration\./)
    }
    const added = path.join(folder, 'added.csv')
    writeFileSync(
      added,
      csvOf(rowsOf(1).map(([, ...person]) => [rows[0]?.[0] as string, ...person])),
    )
    const stands = run(added, 'check')
    expect(await stands.done, stands.output()).toBe(1)
    expect(stands.output()).toMatch(/checked: nothing was filed; 0 of 1 rows would be/)
    for (const mode of ['check', 'all-or-nothing']) {
      const addition = run(added, mode, '--kind', 'addition')
      expect(await addition.done, addition.output()).toBe(0)
      expect(addition.output()).toMatch(/ 2024-11: (?:late, )?4 lines, employer/)
    }
    const lines = path.join(folder, 'wages.ndjson')
    const other = { ...declare({ employer: rows[4]?.[0] as string }), period: '2024-10' }
    writeFileSync(lines, `{}\n${JSON.stringify(other)}`)
    const declared = run(lines, 'accept-good')
    expect(await declared.done, declared.output()).toBe(1)
    expect(declared.output()).toMatch(/posted: 1 row in 1 declaration, 1 set aside/)
    expect(declared.output()).toContain(`${path.join(folder, 'wages.errors.ndjson')}, each with`)
    writeFileSync(file, 'nothing,of,this\n1,2,3\n')
    const unreadable = run(file, 'accept-good')
    expect(await unreadable.done).toBe(1)
    expect(unreadable.output()).toMatch(/HEADER_NOT_FOUND.*: .*[a-z]/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the template is everybody’s, and is never filed as it is', async () => {
  for (const format of ['csv', 'xlsx'] as const) {
    for (const category of ['employee', 'flexible', 'platform']) {
      const url = `${intake.address}/v1/batches/template?format=${format}&category=${category}`
      const answer = await fetch(url)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-disposition')).toContain(`template-${category}.${format}`)
      const bytes = Buffer.from(await answer.arrayBuffer())
      const { codes, lines } = await readAll(sourceOf(bytes), { format, defaults: {} })
      const ofRows = codes.filter((code) => code !== 'SHEET_IGNORED')
      expect(ofRows).toEqual(['ROW_IS_EXAMPLE', 'ROW_IS_EXAMPLE'])
      expect(lines).toHaveLength(2)
    }
  }
  const book = await fetch(`${intake.address}/v1/batches/template?format=xlsx`)
  const token = await tokenFor(['91350100M000100Y43'])
  const id = await send(token, Buffer.from(await book.arrayBuffer()), { period: '2025-08' })
  const batch = await becomes(token, id, 'refused')
  expect(batch.progress.rows).toMatchObject({ read: 2, setAside: 2, filed: 0 })
  const wrong = await fetch(`${intake.address}/v1/batches/template?format=pdf`)
  expect(wrong.headers.get('content-type')).toContain('application/problem+json')
  expect(wrong.status).toBe(400)
})

test('a batch worker that is killed in any stage is followed by another within the lease', async () => {
  await batches.end('SIGTERM')
  const killed: { id: string; token: string; rows: number; worker: string }[] = []
  for (const stage of ['reading', 'checking', 'filing'] as const) {
    const victim = await startProcess('batches', { DATABASE_URL: database.url })
    const rows = rowsOf(25_000, 15_000)
    for (const at of [3, 30_000]) rows[at] = wrongWage(rows[at] as Row)
    const token = await tokenFor(employersOf(rows))
    const id = await send(token, csvOf(rows))
    const worker = await waitFor(`${id} to be ${stage}, with some of it done`, async () => {
      const { rows: found } = await database.owner.query(
        `select worker from batch.batch b join batch.work w on w.batch = b.id
         where id = $1 and stage = $2 and w.changed_at > coalesce(checked_at, read_at, began_at)`,
        [id, stage],
      )
      return found[0]?.worker as string | undefined
    })
    await victim.end('SIGKILL')
    killed.push({ id, token, rows: rows.length, worker })
    expect((await look(token, id)).stage).toBe(stage)
  }
  batches = await startProcess('batches', { DATABASE_URL: database.url })
  for (const { id, worker } of killed) {
    // The test ends the lease at once instead of waiting for it; no lease is longer than allowed.
    const { rows } = await database.owner.query(
      `update batch.work as w set leased_until = now() - interval '1 millisecond'
       from batch.work as held
       where w.batch = $1 and w.worker = $2 and held.batch = w.batch
       returning extract(epoch from held.leased_until - now())::float8 * 1000 as "leftMs"`,
      [id, worker],
    )
    expect(rows.filter(({ leftMs }) => leftMs > batchLeaseMs)).toEqual([])
    await waitFor('another worker', async () => {
      const { rows } = await database.owner.query(
        'select worker from batch.work where batch = $1',
        [id],
      )
      return rows[0]?.worker !== worker
    })
  }
  for (const { id, token, rows } of killed) {
    const batch = await becomes(token, id, 'posted', 60_000)
    const good = rows - 2
    expect(batch.progress.rows).toEqual({
      read: rows,
      good,
      setAside: 2,
      filed: good,
      posted: good,
    })
    expect(batch.progress.declarations).toBe(2)
    const { rows: posted } = await database.owner.query(
      `select sum(d.lines)::int as lines, count(*)::int as parts, count(distinct d.id)::int as ids
       from batch.envelope e join ledger.declaration d on d.envelope = e.envelope where e.batch = $1`,
      [id],
    )
    expect(posted).toEqual([{ lines: good, parts: 8, ids: 8 }])
    const { bytes } = await ask(token, `${batch.links.errors}?format=csv`)
    expect(bytes.toString().trim().split('\r\n')).toHaveLength(3)
  }
}, 180_000)

test('nothing of a file is in a log', () => {
  const text = [intake, batches, posting].map((one) => one.output()).join('\n')
  for (const word of ['工资', 'abc', createHash('sha256').update('').digest('hex')])
    expect(text).not.toContain(word)
})
