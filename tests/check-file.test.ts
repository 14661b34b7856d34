/**
 * The command that checks a file reports what intake would.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createGenerator } from '../bench/support/generator.ts'
import { writeXlsx } from '../src/formats/xlsx-writer.ts'
import { checkFiling } from '../src/policy/check.ts'
import { presentCheck } from '../src/policy/present.ts'
import { collect, csvOf, employersOf, type Row, rowsOf } from './batch/support.ts'
import { runCommand } from './support/command.ts'
import { hefei, policiesOf } from './support/packs.ts'
import { variedDeclaration } from './support/varied.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'check-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const generator = createGenerator(61)

function write(name: string, text: string | Buffer): string {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}

async function run(...args: string[]) {
  const command = runCommand('src/commands/check-file.ts', { LANG: 'C' }, args)
  return { code: await command.done, output: command.output() }
}

test('declarations on lines are checked one by one, as everywhere', async () => {
  const declarations = Array.from({ length: 300 }, () => variedDeclaration(generator))
  const text = declarations.map((one) => JSON.stringify(one)).join('\n')
  const { code, output } = await run(write('many.jsonl', text), '--json')
  expect(code).toBe(1)
  const policies = policiesOf(hefei)
  const page = { findingsMax: 200, lines: { from: 0, count: 50 } }
  const expected = declarations.map((one) =>
    presentCheck(checkFiling(one, { policies, nowMicros: Date.now() * 1_000, keptMax: 200 }), page),
  )
  const told = output.trim().split('\n')
  expect(told.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(expected)))
})

test('a valid one exits with 0 and explains itself; the period before shows joins', async () => {
  const before = generator.declaration({ period: '2024-10', lines: 1 })
  const lines = before.lines?.map((line) => ({ ...line, wage: '6500.00', change: 'join' }))
  const now = { ...before, period: '2024-11', lines }
  const [file, previous] = [
    write('now.json', JSON.stringify(now)),
    write(
      'before.json',
      JSON.stringify({
        ...before,
        lines: before.lines?.map((line) => ({ ...line, change: 'none' })),
      }),
    ),
  ]
  const english = await run(file, '--previous', previous)
  expect(english.code).toBe(0)
  expect(english.output).toMatch(/1: valid, 2 findings/)
  expect(english.output).toMatch(/warning \/lines\/0\/change JOIN_ALREADY_INSURED/)
  expect(english.output).toMatch(
    /1 pension employer: The declared 6500\.00 yuan .* 1040\.00 yuan\./,
  )
  const corrected = { ...before, kind: 'correction', replaces: `202410-${'0'.repeat(26)}` }
  const both = write(
    'corrected.jsonl',
    [before, { ...corrected, lines: before.lines?.map((line) => ({ ...line, change: 'leave' })) }]
      .map((one) => JSON.stringify(one))
      .join('\n'),
  )
  const chinese = await run(file, '--lang', 'zh-CN', '--previous', both)
  expect(chinese.output).toMatch(/1: 通过，1 条校验提示/)
  expect(chinese.output).not.toMatch(/JOIN_ALREADY_INSURED/)
  expect(chinese.output).toMatch(/ {2}提醒 \/period PERIOD_LATE/)
  expect(chinese.output).toMatch(/1 养老保险 单位: 申报工资 6500\.00 元/)
  expect(chinese.output).not.toMatch(/pension|lines|valid/)
})

test('a file that is not JSON, or not there, is told with its line', async () => {
  const broken = await run(write('broken', '{"employer": 1}\n{oops\n'))
  expect(broken).toMatchObject({ code: 2 })
  expect(broken.output).toMatch(/is not JSON: line 2 can't be read/)
  for (const name of ['nowhere', 'nowhere.csv'])
    expect(await run(path.join(folder, name))).toMatchObject({
      code: 2,
      output: expect.stringMatching(/Can't read .*ENOENT/),
    })
  expect(await run()).toMatchObject({
    code: 2,
    output: expect.stringMatching(/^It takes one file\.\nUsage/),
  })
  expect((await run('--lang', 'zh-CN')).output).toMatch(/^请指定一个文件。\n用法：.*\n {2}表格/)
  const table = await run(write('empty.json', '{}'), '--csv')
  expect(table.output).toMatch(/FIELD_MISSING,error/)
})

const titles = ['统一社会信用代码', '证件号码', '姓名', '缴费工资', '备注']
const given = ['--period', '2024-11', '--region', '340100']
/** Two employers; the second row of the first has no amount. */
const sheet = rowsOf(3, 2).map(([employer, number, name, wage], i): Row => {
  return [employer, number, name, i === 1 ? 'abc' : wage]
})

test.for([
  [
    'csv',
    () =>
      csvOf(
        sheet.map((row) => [...row, '']),
        titles.join(','),
      ),
  ],
  ['tsv', () => Buffer.from([titles, ...sheet].map((row) => row.join('\t')).join('\n'))],
  [
    'xlsx',
    () =>
      collect(writeXlsx([{ name: '工资', widths: [], headerRows: 1, rows: [titles, ...sheet] }])),
  ],
] as const)(
  'a sheet as %s is checked as an upload of it would be, in both languages',
  async ([format, made]) => {
    const file = write(`wages.${format}`, await made())
    const english = await run(file, ...given)
    expect(english.code).toBe(1)
    expect(english.output).toMatch(/COLUMNS_READ: .*D（缴费工资） → wage\. Not read: E（备注）\./)
    expect(english.output).toMatch(/\nerror D3 FIELD_FORMAT: .*yuan/)
    expect(english.output).toContain(`${file}: 5 rows; 4 would be filed, 1 set aside.`)
    const [one, other] = employersOf(sheet)
    const amounts = 'employer [0-9.]+, employee [0-9.]+ yuan'
    expect(english.output).toMatch(
      new RegExp(`${one} 2024-11 340100: 2 lines, ${amounts}; 1 row set aside`),
    )
    expect(english.output).toMatch(new RegExp(`${other} 2024-11 340100: 2 lines, ${amounts}\n`))
    expect(english.output).toMatch(new RegExp(`In all 2 declarations, 4 lines, ${amounts}.`))
    expect(english.output).toMatch(/Not known here: whether a declaration .* stands/)
    const chinese = await run(file, ...given, '--lang', 'zh-CN', '--kind', 'addition')
    expect(chinese.output).toMatch(/\n错误 D3 FIELD_FORMAT: /)
    expect(chinese.output).toContain('共 5 行，可申报 4 行，退回 1 行。')
    expect(chinese.output).toMatch(/此处无法得知：要补充到哪份申报/)
    expect(chinese.output).not.toMatch(/\b(?:rows|lines|error|yuan|declaration)\b/)
  },
)

test('declarations of NDJSON are rows; what is wrong in each is told by its pointer', async () => {
  const [good, bad] = [generator.declaration({ period: '2024-11', lines: 2 }), { kind: 'regular' }]
  const text = [good, bad, good].map((one) => JSON.stringify(one)).join('\n')
  const file = write('filed.ndjson', `${text}\n{"oops\n`)
  const { code, output } = await run(file)
  const json = await run(file, '--json')
  expect(json.code).toBe(1)
  expect(
    json.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { valid: true, assessment: { lines: 2 } },
    { valid: false },
    { valid: true },
    { valid: false, findings: [{ row: 4, code: 'RECORD_NOT_JSON' }] },
  ])
  expect(code).toBe(1)
  expect(output).toMatch(/error row 2 \/employer FIELD_MISSING: /)
  expect(output).toMatch(/error row 3 DECLARATION_REPEATED: .* as line 1;/)
  expect(output).toMatch(/error row 4 RECORD_NOT_JSON: /)
  expect(output).toContain(': 4 rows; 1 would be filed, 3 set aside.')
  expect(output).toMatch(/Not known here: .* what corrections and cancellations replace is there/)
  const added = await run(write('added.ndjson', JSON.stringify(good)), '--kind', 'addition')
  expect(added).toMatchObject({ code: 1, output: expect.stringMatching(/ADDITION_OF_TABLES/) })
})

test('a sheet without a fault exits with 0; one that can not be read says why, and nothing is filed', async () => {
  const good = await run(write('good.csv', csvOf(rowsOf(2))), ...given, '--kind', 'correction')
  expect(good.code, good.output).toBe(0)
  expect(good.output).toMatch(/Not known here: which declarations a correction would replace/)
  const bare = await run(write('bare.csv', csvOf(rowsOf(2))), '--lang', 'zh-CN')
  expect(bare.code).toBe(1)
  expect(bare.output).toMatch(/COLUMN_MISSING: .*统筹区、费款所属期/)
  expect(bare.output).toMatch(/不会申报任何内容/)
  const picture = await run(write('picture.csv', '%PDF-1.4'), ...given)
  expect(picture).toMatchObject({ code: 1, output: expect.stringMatching(/FILE_KIND_UNKNOWN/) })
  expect(await run(write('a.csv', 'a'), '--kind', 'regula')).toMatchObject({ code: 2 })
})

test('of many findings a page is shown and the rest counted; as CSV or JSON there are all of them', async () => {
  const rows = rowsOf(1_000).map(([employer, number, name]): Row => [employer, number, name, 'abc'])
  const file = write('many.csv', csvOf(rows))
  const { output } = await run(file, ...given)
  expect(output.match(/\nerror D\d+ FIELD_FORMAT/g)).toHaveLength(200)
  expect(output).toMatch(/\nerror D2 FIELD_FORMAT/)
  expect(output).toContain('… 800 more: --csv has all')
  expect(output).toContain('  error FIELD_FORMAT: 1,000')
  expect(output.split('\n').length).toBeLessThan(220)
  const csv = (await run(file, ...given, '--csv')).output.split('\r\n')
  expect(csv.filter((line) => /^\d+,D\d+,FIELD_FORMAT,error,/.test(line))).toHaveLength(1_000)
  const json = (await run(file, ...given, '--json')).output.trim().split('\n')
  expect(JSON.parse(json.at(-1) as string)).toMatchObject({
    summary: { unreadable: false, rows: { read: 1_000, good: 0, setAside: 1_000 } },
  })
  expect(json).toHaveLength(1_000 + 4) // the columns, that it is late, the employer, the sums
  expect(output + csv + json).not.toContain(rows[0]?.[1])
})
