import { describe, expect, test } from 'vitest'
import { endsReading } from '../../../src/batch/findings/file-findings.ts'
import { ambiguousField } from '../../../src/batch/table/ambiguous-titles.ts'
import { columnNames, fieldOfTitle, fields } from '../../../src/batch/table/columns.ts'
import { columnOfPointer } from '../../../src/batch/table/row-line.ts'
import { checkDeclaration } from '../../../src/declaration/check.ts'
import { socialCreditCodeCheckCharacter } from '../../../src/declaration/social-credit-code.ts'
import {
  defaults,
  employer,
  idOf,
  persons,
  readAll,
  readCsv,
  sourceOf,
  written,
} from '../support.ts'

const header = '姓名,证件号码,申报工资\n'
const line = (i: number, wage = '6500.00') => `${persons[i]?.name},${idOf(i)},${wage}\n`
const filed = (i: number, wage = '6500.00') => ({
  person: persons[i],
  category: 'employee',
  wage,
  change: 'none',
})

describe('the header', () => {
  test('every published name of a column is known, and belongs to one field only', () => {
    const seen = new Map<string, string>()
    for (const [field, names] of Object.entries(columnNames)) {
      for (const name of [field, ...names]) {
        expect(fieldOfTitle(name), name).toBe(field)
        expect(seen.get(name) ?? field, name).toBe(field)
        seen.set(name, field)
      }
    }
  })

  test.each([
    ['*姓名', 'name'],
    ['姓名（必填）', 'name'],
    ['必填 姓名', 'name'],
    ['姓 名', 'name'],
    ['证件号码*', 'idNumber'],
    ['ＩＤ Number', 'idNumber'],
    ['ID_NUMBER (required)', 'idNumber'],
    ['缴费工资（元）', 'wage'],
    ['申报工资/wage', 'wage'],
    ['费款所属期 (YYYY-MM)', 'period'],
    ['申报工资\n(元)', 'wage'],
    ['手机号码', undefined],
    ['', undefined],
    ['姓名'.repeat(100), undefined],
  ])('%j is the column %s', (title, field) => {
    expect(fieldOfTitle(title)).toBe(field)
  })

  test('columns come in any order, below titles and notes', async () => {
    const reading = await readCsv(
      `某某公司 2025 年 8 月申报表\n\n注意：请勿修改表头,,\n工资,身份证号,姓名\n7000,${idOf(1)},${persons[1]?.name}\n`,
    )
    expect(reading.codes).toEqual([])
    expect(reading.lines).toEqual([filed(1, '7000')])
    expect(reading.rows[0]?.row).toBe(5)
  })

  test('an English header serves as a Chinese one', async () => {
    const reading = await readCsv(
      `Name,ID type,ID number,Category,Wage,Change,USCC,Period,Region\n${persons[2]?.name},resident-id,${idOf(2)},employee,6500,join,${employer},2025-08,340100\n`,
      { defaults: {} },
    )
    expect(reading.codes).toEqual([])
    expect(reading.lines).toEqual([{ ...filed(2, '6500'), change: 'join' }])
    expect(reading.rows[0]?.header).toEqual({ employer, period: '2025-08', region: '340100' })
  })

  test('columns that are not known are told and ignored', async () => {
    const reading = await readCsv(
      `姓名,部门,证件号码,申报工资\n${persons[0]?.name},研发,${idOf(0)},1\n`,
    )
    expect(reading.lines).toEqual([filed(0, '1')])
    expect(written(reading, 'COLUMN_UNKNOWN')).toMatchObject({
      severity: 'hint',
      message: { 'zh-CN': 'B（部门） 列未读取。' },
    })
  })

  test('a title that is very long is cut, so that a position stays small', async () => {
    const { header: read } = await readCsv(`${header.trim()},${'长'.repeat(3_000)}\n${line(0)}`)
    expect(read?.titles[3]).toHaveLength(200)
  })

  test('two columns of the same meaning end the reading: it is not known which one counts', async () => {
    const reading = await readCsv(`姓名,证件号码,申报工资,月工资\n${line(0)}`)
    expect(written(reading, 'COLUMN_DUPLICATE').message.en).toBe(
      'Column D（月工资） means the same as column C（申报工资）.',
    )
    expect(reading.lines).toEqual([])
  })

  test('missing columns are named all at once', async () => {
    const reading = await readCsv('姓名,证件类型\n王伟,居民身份证\n', { defaults: {} })
    expect(written(reading, 'COLUMN_MISSING').message).toEqual({
      'zh-CN': '表头（第 1 行）缺少：证件号码、申报工资、统一社会信用代码、统筹区、费款所属期。',
      en: 'The header (row 1) lacks: idNumber, wage, employer, region, period.',
    })
    expect(reading.lines).toEqual([])
  })

  // easyexcel#1692 and #2789, myexcel#323: titles merged over several columns.
  test.each([
    ['groups with gaps', `序号,姓名,证件信息,,申报工资\n,,证件类型,证件号码,\n`],
    ['groups repeated', `序号,姓名,证件信息,证件信息,申报工资\n,,证件类型,证件号码,（元）\n`],
    ['below a title', `8 月申报表,,,,\n序号,姓名,证件信息,,工资\n,,证件类型,证件号码,\n`],
    ['groups that name one column', `编制,姓名,人员信息,,缴费\n,,证件类型,证件号码,申报工资\n`],
  ])('a header in two rows is read: %s', async (_, titles) => {
    const reading = await readCsv(`${titles}1,${persons[0]?.name},居民身份证,${idOf(0)},6500.00\n`)
    expect(reading.codes.filter((code) => code !== 'COLUMN_UNKNOWN')).toEqual([])
    expect(reading.lines).toEqual([filed(0)])
  })

  test('a first line is never taken for the second row of a header', async () => {
    const reading = await readCsv(`姓名,证件号码,缴费,缴费\n${line(0)}`)
    expect(reading.codes).toContain('COLUMN_MISSING')
    const whole = await readCsv(`姓名,证件号码,申报工资,部门\n${line(0).trim()},工资\n${line(1)}`)
    expect(whole.lines).toEqual([filed(0), filed(1)])
  })

  test('a header in two rows that goes on in another batch is the same', async () => {
    const long = `姓名,证件信息,,申报工资\n,证件类型,证件号码,\n`
    const rows = Array.from(
      { length: 3_000 },
      (_, i) => `${persons[i % 40]?.name},居民身份证,${idOf(i % 40)},6500\n`,
    )
    const source = sourceOf(long + rows.join(''), 20_000)
    const all = await readAll(source)
    expect(all.lines).toHaveLength(3_000)
    for (const position of all.positions) {
      const rest = await readAll(source, { from: JSON.parse(JSON.stringify(position)) })
      expect(rest.rows).toEqual(all.rows.slice(position.lines))
    }
  })

  test.each(['姓　名', '姓\u00a0名', '姓\u200b名', ' 姓 名 '])(
    'a title with spaces or invisible characters in it is known: %j',
    (title) => {
      expect(fieldOfTitle(title)).toBe('name')
    },
  )

  test('titles of the tax client and of payroll programs are known', () => {
    const meant = { 身份证: 'idNumber', 证照号码: 'idNumber', 证照类型: 'idType', 本月工资: 'wage' }
    for (const [title, field] of Object.entries({ ...meant, 新缴费工资: 'wage' }))
      expect(fieldOfTitle(title), title).toBe(field)
  })

  test.each([
    ['应发合计', '申报工资', 'wage'],
    ['实发', '申报工资', 'wage'],
    ['本期收入（元）', '申报工资', 'wage'],
    ['基 本 工 资', '申报工资', 'wage'],
    ['*纳税人识别号', '证件号码', 'idNumber'],
    ['薪资月份', '费款所属期', 'period'],
    ['Net Pay', '申报工资', 'wage'],
  ])('%s may mean something else: told, and never read', async (title, chinese, english) => {
    expect(fieldOfTitle(title)).toBeUndefined()
    const reading = await readCsv(`姓名,证件号码,申报工资,${title}\n${line(0).trim()},1\n`)
    expect(reading.lines).toEqual([filed(0)])
    const { severity, message, fix, place } = written(reading, 'COLUMN_AMBIGUOUS')
    expect([severity, place.row]).toEqual(['warning', 1])
    expect(message['zh-CN']).toContain(`“${chinese}”`)
    expect(fix.en).toContain(`the title ${english} `)
  })

  test('no title is both known and ambiguous, or ambiguous in two ways', () => {
    for (const field of fields)
      for (const name of columnNames[field]) expect(ambiguousField(name), name).toBeUndefined()
  })

  test('where only an ambiguous column could be the wage, the file is refused with what is accepted', async () => {
    const reading = await readCsv(`姓名,身份证,应发合计,实发合计\n${line(0).trim()},1\n`)
    expect(reading.codes).toEqual(['COLUMN_AMBIGUOUS', 'COLUMN_AMBIGUOUS', 'COLUMN_MISSING'])
    const { fix } = written(reading, 'COLUMN_MISSING')
    expect(fix['zh-CN']).toContain('申报工资（缴费工资、')
    expect(fix.en).toContain('wage (salary, declared wage)')
    expect(reading.lines).toEqual([])
  })

  test('with a column of categories, what else a row needs depends on its category', async () => {
    const reading = await readCsv(
      `姓名,证件号码,参保类别,缴费基数,医疗保险,申报工资\n${persons[0]?.name},${idOf(0)},灵活就业,"4,227.00",无个人账户,\n${persons[1]?.name},${idOf(1)},在职,,,6500\n`,
    )
    expect(reading.lines).toEqual([
      {
        person: persons[0],
        category: 'flexible',
        base: '4227.00',
        medical: 'without-account',
        change: 'none',
      },
      filed(1, '6500'),
    ])
  })

  test('a table of flexible workers needs no wages where a column says what they are', async () => {
    const reading = await readCsv(
      `姓名,证件号码,参保类别,缴费档次,医疗保险\n${persons[0]?.name},${idOf(0)},灵活就业,60%,无\n`,
    )
    expect(reading.codes).toEqual([])
    expect(reading.lines).toEqual([
      { person: persons[0], category: 'flexible', tier: '60', medical: 'none', change: 'none' },
    ])
  })

  test.each(['nombre,documento,salario\nA,1,2\n', 'имя;номер;зарплата\nА;1;2\n', 'a\n'.repeat(30)])(
    'a header in another language, or none, is told: %j',
    async (file) => {
      const reading = await readCsv(file)
      expect(reading.codes).toEqual(['HEADER_NOT_FOUND'])
      expect(written(reading, 'HEADER_NOT_FOUND').message['zh-CN']).toContain('姓名、证件号码')
    },
  )

  test.each(['', '\ufeff', '\n\n', header])('a file without rows is told: %j', async (file) => {
    expect((await readCsv(file)).codes).toEqual(['FILE_EMPTY'])
  })

  test('the same header again is skipped with a warning; another one ends the reading', async () => {
    const again = await readCsv(header + line(0) + header + line(1))
    expect(again.lines).toEqual([filed(0), filed(1)])
    expect(written(again, 'HEADER_REPEATED').place.row).toBe(3)
    const other = await readCsv(`${header}${line(0)}证件号码,姓名,申报工资\n${line(1)}`)
    expect(other.lines).toEqual([filed(0)])
    expect(written(other, 'HEADER_CHANGES').place.row).toBe(3)
  })
})

describe('rows that are no lines', () => {
  test.each([
    '合计,,6500',
    '合 计,,6500',
    ',合计：2人,13000',
    '总计,2人,13000',
    'Total,,13000',
    'TOTAL：,,13000',
    ',,13000.00',
    ',2,"13,000.00"'.replace('2', ''),
  ])('%j at the end is a total: skipped with a notice', async (totals) => {
    const reading = await readCsv(header + line(0) + line(1) + totals)
    expect(reading.lines).toHaveLength(2)
    expect(written(reading, 'TOTALS_SKIPPED')).toMatchObject({
      severity: 'hint',
      place: { row: 4 },
    })
  })

  test('signatures below the table are skipped with a notice', async () => {
    const reading = await readCsv(`${header}${line(0)}填表人：张三,,\n`)
    expect(reading.lines).toHaveLength(1)
    expect(reading.codes).toEqual(['NOTE_SKIPPED'])
  })

  test.each([
    '制表,审核,日期',
    '制表：张三,审核：李四,日期：2025年8月1日',
    '制表,张三,审核',
    '单位负责人,财务,经办',
    '审　核：,制表：,',
    'Prepared by,Checked by,Date',
  ])('a row to sign, %j, is no person', async (row) => {
    const reading = await readCsv(`${header}${line(0)}${row}\n`)
    expect(reading.codes).toEqual(['NOTE_SKIPPED'])
    expect(reading.lines).toEqual([filed(0)])
  })

  test('a person is never taken for a row to sign, whatever is wrong with the number', async () => {
    const rows = [`审核,${idOf(0)},1`, '制表,1101051949,1', `日期,${idOf(1)}X,1`, '王伟,待办,1']
    const reading = await readCsv(header + rows.join('\n'))
    expect(reading.rows.map(({ row }) => row)).toEqual([2, 3, 4, 5])
  })

  test('a row with nothing but a wage is no total when lines follow: it lacks a person', async () => {
    const reading = await readCsv(`${header}${line(0)},,6500\n${line(1)}`)
    expect(reading.lines).toHaveLength(3)
    expect(reading.rows.map(({ row }) => row)).toEqual([2, 3, 4])
    const { findings } = checkDeclaration(
      { lines: reading.lines },
      { today: '2025-08-20', keptMax: 9 },
    )
    expect([...findings.written()].map(({ pointer, code }) => `${pointer} ${code}`)).toContain(
      '/lines/1/person/name FIELD_MISSING',
    )
  })

  test('somebody who is called Total, or has a note, is not left out', async () => {
    const reading = await readCsv(`${header}Total Wang,${idOf(0)},1\n说明,${idOf(1)},1\n`)
    expect(reading.lines).toHaveLength(2)
  })
})

describe('rows', () => {
  test.each([
    '2025-08-01 00:00:00',
    '2025-08-01T00:00:00',
    '2025-08-01T00:00:00+08:00',
    '2025/8/1 0:00',
    '2025-08-01 00:00:00.000',
    '2025年8月1日 00:00',
    '20250801',
    '20250831',
  ])('the period %s is that month', async (period) => {
    const reading = await readCsv(`姓名,证件号码,申报工资,所属期\n${line(0).trim()},${period}\n`)
    expect(reading.codes).toEqual([])
    expect(reading.rows[0]?.header.period).toBe('2025-08')
  })

  test.each([
    '2025-08-01 10:00:00',
    '20250832',
    '20251301',
    'Aug-25',
    '8/1/2025',
    '45870',
    '2025-08-01 1:00',
  ])('the period %s is not guessed', async (period) => {
    const reading = await readCsv(`姓名,证件号码,申报工资,所属期\n${line(0).trim()},${period}\n`)
    expect(reading.codes).toEqual(['FIELD_FORMAT'])
  })

  test.each([
    '2025-08-03 00:00:00',
    '2025/8/3 0:00',
    '2025-08-03T00:00:00',
    '20250803',
    '2025年8月3日',
  ])('the day %s is that day', async (day) => {
    const titles = '姓名,证件号码,参保类别,接单日期,服务类型,接单数\n'
    const reading = await readCsv(`${titles}王伟,${idOf(0)},骑手,${day},ride-hailing,12\n`)
    expect(reading.lines).toMatchObject([{ days: [{ date: '2025-08-03' }] }])
  })

  test('a thousands separator without quotes is told, and not read as another wage', async () => {
    const reading = await readCsv(header + line(0, '6,500.00'))
    expect(reading.lines).toEqual([undefined])
    expect(written(reading, 'ROW_CELLS_TOO_MANY')).toMatchObject({
      place: { row: 2 },
      message: { en: 'Row 2 has 4 cells, the header 3; its values may have moved.' },
    })
  })

  test.each(['1.10105E+17', '1.1010519491231e+17'])(
    'the identity number %s has lost its last digits in a spreadsheet',
    async (number) => {
      const reading = await readCsv(`${header}王伟,${number},1\n`)
      const { message, fix } = written(reading, 'NUMBER_LOST_DIGITS')
      expect(message.en).toContain('row 2, column B（证件号码）')
      expect(fix['zh-CN']).toContain('文本')
      expect(JSON.stringify(reading.findings)).not.toContain(number)
    },
  )

  test.each(["'", '\t', '‘', '="'])(
    'the mark %j before an identity number is taken off',
    async (mark) => {
      const cell = mark === '="' ? `="${idOf(0)}"` : mark + idOf(0)
      const reading = await readCsv(`${header}${persons[0]?.name},${cell},6500.00\n`)
      expect(reading.lines).toEqual([filed(0)])
    },
  )

  test('what is filed about a person stays as filed, for the check to tell', async () => {
    const wide = idOf(0).replace(/[0-9]/g, (digit) =>
      String.fromCharCode(digit.charCodeAt(0) + 0xfee0),
    )
    const reading = await readCsv(`${header} 王 伟,${wide},6500\n`)
    expect(reading.lines).toMatchObject([{ person: { idNumber: wide, name: ' 王 伟' } }])
  })

  test('blank cells are missing fields', async () => {
    expect((await readCsv(`${header}王伟,,\n`)).lines).toEqual([
      { person: { idType: 'resident-id', name: '王伟' }, category: 'employee', change: 'none' },
    ])
  })

  test('employer, region and period of a row stand before those of the file; faults name the column', async () => {
    const code = `91340102${'A'.repeat(9)}`
    const other = code + socialCreditCodeCheckCharacter(code)
    const reading = await readCsv(
      `姓名,证件号码,申报工资,单位,所属期,统筹区\n甲,${idOf(0)},1,${other.toLowerCase()},2025年7月,340200\n乙,${idOf(1)},1,,,\n丙,${idOf(2)},1,${code}?,2025-13,合肥\n`,
    )
    expect(reading.rows.slice(0, 2).map((row) => row.header)).toEqual([
      { employer: other, period: '2025-07', region: '340200' },
      { employer, period: '2025-08', region: '340100' },
    ])
    expect(reading.rows[2]?.line).toBeUndefined()
    expect(reading.findings.map(({ code: one, place }) => [one, place.column])).toEqual([
      ['USCC_CHARACTERS', 'D（单位）'],
      ['FIELD_FORMAT', 'F（统筹区）'],
      ['FIELD_FORMAT', 'E（所属期）'],
    ])
  })

  test('industry class, float and unit base come with the row', async () => {
    const reading = await readCsv(
      `姓名,证件号码,申报工资,行业类别,浮动比例,单位缴费基数\n甲,${idOf(0)},1,二类,120%,"52,000.00"\n`,
    )
    expect(reading.rows[0]?.header).toMatchObject({
      industryClass: 2,
      workInjuryFloat: 120,
      unitBase: '52000.00',
    })
  })

  test('a day of a platform worker is a line with one day', async () => {
    const reading = await readCsv(
      `姓名,证件号码,日期,服务类型,接单数\n${persons[0]?.name},${idOf(0)},2025/8/3,ride-hailing,12\n`,
      { defaults: { ...defaults, category: 'platform' } },
    )
    expect(reading.lines).toEqual([
      {
        person: persons[0],
        category: 'platform',
        days: [{ date: '2025-08-03', service: 'ride-hailing', orders: 12 }],
      },
    ])
  })

  test('a finding of the check leads back to its column', async () => {
    const { header: read } = await readCsv(header + line(0))
    expect(read && columnOfPointer(read, '/lines/12/person/idNumber')).toBe(1)
    expect(read && columnOfPointer(read, '/lines/0/wage')).toBe(2)
    expect(read && columnOfPointer(read, '/lines/0/change')).toBeUndefined()
  })
})

test('a table goes on at any position as if it had read everything, with a held total', async () => {
  const rows = Array.from({ length: 9_000 }, (_, i) => line(i % 40)).join('')
  const source = sourceOf(`标题\n${header}${rows}${line(0)},,5\n,,99\n`, 50_000)
  const all = await readAll(source)
  expect(all.codes).toEqual(['TOTALS_SKIPPED', 'TOTALS_SKIPPED'])
  expect(all.positions.length).toBeGreaterThan(2)
  for (const position of all.positions) {
    const from = JSON.parse(JSON.stringify(position))
    const rest = await readAll(source, { from })
    expect(rest.rows).toEqual(all.rows.slice(position.lines))
    expect(rest.findings.some(endsReading)).toBe(false)
  }
})

test('a row that is held back at the end of a batch is not lost to who goes on there', async () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => `${line(i % 40)},,${i}\n`).join('')
  const source = sourceOf(header + rows, 30_001)
  const all = await readAll(source)
  expect(all.rows).toHaveLength(9_999)
  expect(all.positions.some(({ held }) => held.length > 0)).toBe(true)
  for (const position of all.positions) {
    const rest = await readAll(source, { from: JSON.parse(JSON.stringify(position)) })
    expect(rest.rows).toEqual(all.rows.slice(position.lines))
  }
})
