/** Amounts of each person, for payslips; and the explanation of one person's, found by row or line. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runSteps } from '../../src/batch/worker/batch-worker.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import { readLineRows, writeLineRows } from '../../src/journal/reading/line-rows.ts'
import { partLinesMax } from '../../src/limits.ts'
import { csvOf, employersOf, type Row, rowsOf } from '../batch/support.ts'
import {
  claim,
  dependencies,
  journal,
  postAll,
  receiveFile,
  useJournal,
  wrongNumber,
} from '../batch/work-support.ts'
import { openApp } from '../support/app.ts'
import { declare, policies } from '../support/journal.ts'

useJournal()

let opened: Awaited<ReturnType<typeof openApp>>
beforeAll(async () => {
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  opened = await openApp(journal, { policies, clock })
})
afterAll(() => opened.close())

/** What is in force of the only employer of a file, once it is filed and posted. */
async function file(file: Buffer, rows: readonly Row[], kind = 'regular'): Promise<string> {
  await receiveFile(file, { format: 'csv', mayFileFor: employersOf(rows), kind })
  await runSteps(dependencies(), await claim())
  await postAll()
  const { rows: found } = await journal.pool.query<{ id: string }>(
    `select id from journal.acceptance where employer = $1 and part_of is null
     order by envelope desc limit 1`,
    [rows[0]?.[0]],
  )
  return found[0]?.id as string
}

type Amounts = { lines: { line: number; row?: number; person: { name: string } }[] }
type Explained = { explanation: { lines: { line: number }[] } }

const amountsOf = async (id: string, employer: string) =>
  (await opened.get(`/v1/declarations/${id}/amounts`, employer)).json<Amounts>().lines

/** Fen of a column. */
const sumOf = (rows: readonly string[][], column: number) =>
  rows.reduce((sum, row) => sum + Math.round(100 * Number(row[column])), 0)

describe('amounts of each person', () => {
  test('of a file in parts are in its order, with its rows, and add up to the status', async () => {
    const rows = rowsOf(partLinesMax + 3)
    const [first, second, ...others] = rows as [Row, Row, ...Row[]]
    const employer = first[0]
    // A line that is blank, and a row that is set aside.
    const lines = csvOf([first, wrongNumber(second), ...others])
      .toString()
      .split('\r\n')
    const id = await file(Buffer.from([lines[0], '', ...lines.slice(1)].join('\r\n')), rows)
    const answer = await opened.get(`/v1/declarations/${id}/amounts?format=csv`, employer)
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('no-store')
    const [titles = '', ...told] = answer.body.trimEnd().split('\r\n')
    expect(titles).toMatch(/^\ufeffline,row,name,id_type,id_number,category,pension_base,/)
    const cells = told.map((row) => row.split(','))
    const filed = [first, ...others]
    expect(cells.map(([line, row, name]) => [line, row, name])).toEqual(
      filed.map(([, , name], i) => [`${i + 1}`, `${i === 0 ? 3 : i + 4}`, name]),
    )
    // Spreadsheets take the last digits off a long number.
    expect(cells.map((row) => row[4]?.replace(/^'/, ''))).toEqual(filed.map(([, number]) => number))
    expect(cells.find((row) => /^[0-9']+$/.test(row[4] as string))?.[4]).toMatch(/^'/)
    const { assessment } = (await opened.get(`/v1/declarations/${id}`, employer)).json<{
      assessment: { total: { employer: string; employee: string } }
    }>()
    expect([sumOf(cells, 18), sumOf(cells, 19)]).toEqual([
      Math.round(100 * Number(assessment.total.employer)),
      Math.round(100 * Number(assessment.total.employee)),
    ])
    for (const [query, line] of [
      [`row=${partLinesMax + 5}`, partLinesMax + 2],
      ['row=3', 1],
      ['row=4', undefined], // set aside
      [`line=${partLinesMax}&count=1`, partLinesMax],
    ]) {
      const url = `/v1/declarations/${id}/explanation?${query}`
      const { explanation } = (await opened.get(url, employer)).json<Explained>()
      expect(explanation.lines.map((one) => one.line)).toEqual(line === undefined ? [] : [line])
    }
  })

  test('that an addition keeps have no row of its file', async () => {
    const rows = rowsOf(2, 1)
    const [one, two, other] = rows as [Row, Row, Row]
    const added: Row = [one[0], other[1], other[2], other[3]]
    await file(csvOf([one, two]), [one])
    const id = await file(csvOf([added]), [added], 'addition')
    const lines = await amountsOf(id, one[0])
    expect(lines.map(({ line, row, person }) => [line, row, person.name])).toEqual([
      [1, undefined, one[2]],
      [2, undefined, two[2]],
      [3, 2, added[2]],
    ])
  })

  test('of one filed alone have lines, before posting too, and are its filer’s alone', async () => {
    const declaration = declare({ lines: 2 })
    const { employer, lines = [] } = declaration
    const checked = (await opened.check(declaration)).json()
    const { id } = (await opened.file(declaration, 'alone')).json<{ id: string }>()
    const url = `/v1/declarations/${id}/amounts`
    const told = (await opened.get(url, employer)).json()
    expect(told.lines).toMatchObject(lines.map(({ person }, i) => ({ line: i + 1, person })))
    expect(told.lines[0].row).toBeUndefined()
    const amount = (one: number) => checked.explanation.lines[0].amounts[one].amount
    expect(told.lines[0].amounts[0]).toMatchObject({ employer: amount(0), employee: amount(1) })
    const chinese = { 'accept-language': 'zh-CN' }
    expect((await opened.get(`${url}?format=csv`, employer, chinese)).body).toMatch(
      /^\ufeff序号,文件行号,姓名,证件类型,证件号码,参保类别,养老保险缴费基数,养老保险单位,/,
    )
    expect((await opened.get(url, declare().employer)).statusCode).toBe(404)
    expect((await opened.get(url)).statusCode).toBe(401)
    expect((await opened.get(`${url}?format=pdf`, employer)).statusCode).toBe(400)
  })

  test('of a declaration in NDJSON have the row of the declaration', async () => {
    const [one, two] = [declare({ lines: 1 }), declare({ lines: 3 })]
    const content = Buffer.from(`${JSON.stringify(one)}\n${JSON.stringify(two)}\n`)
    const mayFileFor = [one.employer, two.employer]
    await receiveFile(content, { format: 'ndjson', mayFileFor })
    await runSteps(dependencies(), await claim())
    const { rows } = await journal.pool.query<{ id: string }>(
      'select id from journal.acceptance where employer = $1',
      [two.employer],
    )
    const lines = await amountsOf(rows[0]?.id as string, two.employer)
    expect(lines.map(({ row }) => row)).toEqual([2, 2, 2])
  })
})

test('rows of lines are read as they were written', () => {
  const run = fc.tuple(fc.integer({ min: 0, max: 5_000_000 }), fc.integer({ min: 1, max: 20 }))
  const of = fc.oneof(
    run.map(([row, count]) => Array.from({ length: count }, (_, i) => row + i)),
    run.map(([row, count]) => new Array<number>(count).fill(row)),
    fc.array(fc.integer({ min: 0, max: 9 })),
  )
  fc.assert(
    fc.property(fc.array(of), (runs) => {
      const rows = runs.flat()
      expect(readLineRows(writeLineRows(rows))).toEqual(rows.map((row) => row || undefined))
    }),
  )
  expect(writeLineRows([2, 3, 4, 7, 0, 0, 9])).toBe('2-4,7,0*2,9')
})
