/**
 * Bad files through real processes: each is reported in its sender's terms, in bounded memory, and
 * others don't notice.
 */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Stage } from '../../../src/batch/state/stages.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import {
  type EngineProcess,
  file as fileAlone,
  startProcess,
  tokenFor,
} from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { waitFor } from '../../support/wait.ts'
import { inline, rowOf, sheetOf, workbookOf } from '../support.ts'

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
  await Promise.all([intake.end(), batches.end(), posting.end()])
  await database.drop()
})

const saved = (name: string) => readFileSync(new URL(`../files/${name}`, import.meta.url))

type Batch = {
  id: string
  stage: Stage
  progress: { rows?: { read: number; good: number; setAside: number } }
  findings?: { code: string; place: { row?: number }; message: Record<string, string> }[]
}

let sent = 0

async function send(token: string, content: Uint8Array, filename: string): Promise<string> {
  const form = new FormData()
  const members = { period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' }
  for (const [name, value] of Object.entries(members)) form.set(name, value)
  form.set('file', new Blob([new Uint8Array(content)]), filename)
  sent += 1
  const answer = await fetch(`${intake.address}/v1/batches`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': `bad-${sent}` },
    body: form,
  })
  expect(answer.status, filename).toBe(201)
  return ((await answer.json()) as Batch).id
}

const ended: readonly Stage[] = ['posted', 'unreadable', 'refused']

function end(token: string, id: string, deadlineMs = 60_000): Promise<Batch> {
  return waitFor(
    `${id} to end`,
    async () => {
      const answer = await fetch(`${intake.address}/v1/batches/${id}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      const batch = (await answer.json()) as Batch
      return ended.includes(batch.stage) ? batch : undefined
    },
    deadlineMs,
  )
}

/** The highest memory of a process, MiB. */
function peakMemory({ pid }: EngineProcess): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}

const titles = 'зарплата,姓名,证件号码,缴费工资'
const header = '姓名,证件号码,缴费工资,统一社会信用代码\n'
const { employer, lines = [] } = declare({ lines: 2 })
const [line] = lines as { person: { name: string; idNumber: string } }[]
const row = `${line?.person.name},${line?.person.idNumber},6500,${employer}\n`
const xlsxTitles = rowOf(...['姓名', '证件号码', '缴费工资', '统一社会信用代码'].map(inline))

function* inflated(): Generator<string> {
  yield '<worksheet><sheetData>'
  for (let i = 0; i < 120_000; i += 1) yield `<row>${' '.repeat(1_000)}</row>`
  yield '</sheetData></worksheet>'
}

const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`)
const entities = `<!DOCTYPE l [<!ENTITY l0 "ha">${laughs.join('')}]>`

type Bad = readonly [filename: string, content: Uint8Array, code: string, row?: number]

async function badFiles(): Promise<Bad[]> {
  const text = Buffer.from(header + row)
  const gz = gzipSync(Buffer.from(header + row.repeat(10_000)))
  return [
    ['half of a workbook.xlsx', saved('plain.xlsx').subarray(0, 5_000), 'FILE_BROKEN'],
    ['compressed.csv', gz, 'FILE_KIND_UNKNOWN'],
    ['half of it compressed.csv.gz', gz.subarray(0, 60), 'FILE_KIND_UNKNOWN'],
    ['a page.xlsx', Buffer.from('<html><table><tr><td>姓名'), 'FILE_KIND_UNKNOWN'],
    ['a document.csv', Buffer.from('%PDF-1.7\n%\u00e2\u00e3'), 'FILE_KIND_UNKNOWN'],
    ['password.xlsx', saved('password.xlsx'), 'FILE_PASSWORD'],
    ['password.csv', Buffer.concat([saved('password.xlsx'), Buffer.alloc(512)]), 'FILE_PASSWORD'],
    ['old.xls', saved('plain.xls'), 'FILE_LEGACY_SPREADSHEET'],
    ['open.ods', saved('empty.ods'), 'FILE_NOT_WORKBOOK'],
    ['empty.xlsx', saved('empty.xlsx'), 'FILE_EMPTY'],
    ['titles alone.xlsx', await workbookOf(sheetOf(xlsxTitles)), 'FILE_EMPTY'],
    ['bomb.xlsx', await workbookOf(inflated()), 'FILE_INFLATES_TOO_FAR'],
    ['laughs.xlsx', await workbookOf(entities + sheetOf(xlsxTitles)), 'FILE_XML_FORBIDDEN'],
    ['wide.csv', Buffer.from(`${header}${'a,'.repeat(1_000_000)}\n`), 'RECORD_TOO_LONG', 2],
    [
      'wide.xlsx',
      await workbookOf(sheetOf(xlsxTitles, rowOf('<c><v>1</v></c>'.repeat(20_000)))),
      'COLUMNS_TOO_MANY',
      2,
    ],
    [
      'two encodings.csv',
      Buffer.concat([text, Buffer.from([0xcd, 0xf5, 0xce, 0xb0]), Buffer.from(',1,1,1\n')]),
      'ENCODING_CHANGES',
      3,
    ],
    ['utf-16.csv', Buffer.from(`\ufeff${header}${row}`, 'utf16le'), 'ENCODING_WIDE'],
    ['foreign.csv', Buffer.from('имя,номер,зарплата\nА,1,2\n'), 'HEADER_NOT_FOUND'],
    ['twice.csv', Buffer.from(`缴费工资,${header}1,${row}`), 'COLUMN_DUPLICATE', 1],
    ['two tables.csv', Buffer.from(`${header}${row}${titles}\n${row}`), 'HEADER_CHANGES', 3],
    ['open quote.csv', Buffer.from(`${header}"${row}`), 'QUOTE_UNCLOSED', 2],
    ['long line.ndjson', Buffer.alloc(5 * 1024 * 1024, 'a'), 'LINE_TOO_LONG', 1],
  ]
}

test('each is told with what to do and where, while others file, in bounded memory', async () => {
  const token = await tokenFor([employer])
  const bad = await badFiles()
  const ids: string[] = []
  for (const [name, content] of bad) ids.push(await send(token, content, name))
  const good = await send(
    token,
    Buffer.from(`${header}${row}合计,,6500,\n制表人：,,,\n`),
    'good.csv',
  )
  const named = await send(token, saved('plain.xlsx'), 'named otherwise.csv')
  const alone = await fileAlone(
    intake.address,
    token,
    'alone',
    declare({ employer, period: '2024-10' }),
  )
  expect(alone.status).toBe(202)
  for (const [i, [name, , code, at]] of bad.entries()) {
    const { stage, findings = [] } = await end(token, ids[i] as string)
    const found = findings.find((one) => one.code === code)
    expect([name, stage, found?.code ?? findings]).toEqual([name, 'unreadable', code])
    expect([name, found?.place.row]).toEqual([name, at])
    expect(found?.message['zh-CN']).toMatch(/[\u4e00-\u9fff]/)
    for (const text of Object.values(found?.message ?? {})) expect(text).not.toMatch(/\{\w+\}/)
  }
  expect(await end(token, good)).toMatchObject({
    stage: 'posted',
    progress: { rows: { read: 1, good: 1, setAside: 0 } },
  })
  // It is a workbook whatever its name; that its rows name no employer is reported.
  expect((await end(token, named)).findings?.map(({ code }) => code)).toContain('COLUMN_MISSING')
  const told = [intake, batches, posting].flatMap((one) => one.output().split('\n'))
  const alarms = told.filter((line) => /"level":[45]0/.test(line))
  // A machine that is busy with other tests may be too late for a look of a process at its surroundings.
  const ofTheMachine = /"code":"57014"|timeout|the queue has trouble|nothing can be accepted/i
  expect(alarms.filter((line) => !ofTheMachine.test(line))).toEqual([])
  expect(peakMemory(batches)).toBeLessThan(400)
})

test('a file of nothing but wrong rows takes no more memory than another, and all come back', async () => {
  const count = 25_000
  const token = await tokenFor([employer])
  const wrong = Array.from({ length: count }, (_, i) => row.replace('6500', `wage ${i}`)).join('')
  const id = await send(token, Buffer.from(header + wrong), 'wrong.csv')
  const batch = await end(token, id, 300_000)
  expect(batch).toMatchObject({
    stage: 'refused',
    progress: { rows: { setAside: count, good: 0 } },
  })
  const answer = await fetch(`${intake.address}/v1/batches/${id}/errors?format=csv`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const told = (await answer.text()).trim().split('\r\n')
  expect(told).toHaveLength(count + 1)
  expect(told[count]).toContain(`wage ${count - 1}`)
  expect(peakMemory(batches)).toBeLessThan(500)
  expect(peakMemory(intake)).toBeLessThan(500)
}, 360_000)
