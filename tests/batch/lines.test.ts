import { expect, test } from 'vitest'
import { linesOf, rowOfPointer } from '../../src/batch/lines.ts'
import { defaults, idOf, persons, readCsv } from './support.ts'

const header = '姓名,证件号码,参保类别,日期,服务类型,接单数,申报工资\n'
const day = (i: number, date: string) => `${persons[i]?.name},${idOf(i)},骑手,${date},delivery,5,\n`
const employee = (i: number) => `${persons[i]?.name},${idOf(i)},职工,,,,6500\n`

test('the days of a platform worker are one line, in the order of first rows', async () => {
  const file =
    header + day(0, '2025-08-01') + employee(2) + day(1, '2025-08-01') + day(0, '2025-08-02')
  const lines = linesOf((await readCsv(file, { defaults })).rows)
  expect(lines.map(({ line }) => line)).toEqual([
    {
      person: persons[0],
      category: 'platform',
      days: [
        { date: '2025-08-01', service: 'delivery', orders: 5 },
        { date: '2025-08-02', service: 'delivery', orders: 5 },
      ],
    },
    { person: persons[2], category: 'employee', wage: '6500', change: 'none' },
    {
      person: persons[1],
      category: 'platform',
      days: [{ date: '2025-08-01', service: 'delivery', orders: 5 }],
    },
  ])
  const rowAt = (pointer: string) => rowOfPointer(lines, pointer)?.row
  expect(rowAt('/lines/0/days/1/date')).toBe(5)
  expect(rowAt('/lines/0/person/name')).toBe(2)
  expect(rowAt('/lines/1/wage')).toBe(3)
  expect(rowAt('/lines/9/wage')).toBeUndefined()
  expect(rowAt('/period')).toBeUndefined()
})

test('the same employee twice stays two lines, for the check to tell', async () => {
  const { rows } = await readCsv(header + employee(0) + employee(0))
  expect(linesOf(rows)).toHaveLength(2)
})

test('a row with an error of its own is no line; platform rows without a number are not joined', async () => {
  const nobody = `甲,,骑手,2025-08-01,delivery,5,\n`
  const { rows } = await readCsv(`${header}甲,1.1E+17,职工,,,,1\n${nobody}${nobody}`)
  expect(linesOf(rows).map((line) => line.rows.map(({ row }) => row))).toEqual([[3], [4]])
})
