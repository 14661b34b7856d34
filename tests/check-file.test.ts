/** The command that checks a file says what intake would. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createGenerator } from '../bench/support/generator.ts'
import { checkFiling } from '../src/policy/check.ts'
import { presentCheck } from '../src/policy/present.ts'
import { runCommand } from './support/command.ts'
import { hefei, policiesOf } from './support/packs.ts'
import { variedDeclaration } from './support/varied.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'check-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const generator = createGenerator(61)

function write(name: string, text: string): string {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}

async function run(...args: string[]) {
  const command = runCommand('src/check-file.ts', { LANG: 'C' }, args)
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
  const broken = await run(write('broken.jsonl', '{"employer": 1}\n{oops\n'))
  expect(broken).toMatchObject({ code: 1 })
  expect(broken.output).toMatch(/is not JSON: line 2 can't be read/)
  expect((await run(path.join(folder, 'nowhere'))).output).toMatch(/Can't read .*ENOENT/)
  expect((await run()).output).toMatch(/^Usage/)
  const table = await run(write('empty.json', '{}'), '--csv')
  expect(table.output).toMatch(/FIELD_MISSING,error/)
})
