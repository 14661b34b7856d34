/** What is printed can't steer a terminal, whatever a file says; and JSON stays the same JSON. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { printable, printableLine } from '../../src/platform/command/output.ts'
import { runCommand } from '../support/command.ts'

test.each([
  ['clear the screen', '\u001b[2J', '\\u001b[2J'],
  ['by one character', '\u009b2J', '\\u009b2J'],
  ['go back', 'good\rbad', 'good\\u000dbad'],
  ['rub out', 'a\u0008\u007fb', 'a\\u0008\\u007fb'],
  ['ring', '\u0007', '\\u0007'],
  ['turn around', '\u202e001\u202c \u2066x\u2069', '\\u202e001\\u202c \\u2066x\\u2069'],
  ['mark a direction', '\u200e\u200f\u061c', '\\u200e\\u200f\\u061c'],
  ['end a line', '\u2028\u2029\u0085', '\\u2028\\u2029\\u0085'],
  ['hide in tags', '\u{e0041}', '\\udb40\\udc41'],
  ['be half a character', '\ud800x', '\\ud800x'],
])('a text that would %s is shown as its code', (_, text, shown) => {
  expect(printable(text)).toBe(shown)
  expect(printableLine(text)).toBe(shown)
})

test('what people write is printed as it is', () => {
  const text = '张三，𠀀，Ĺ́, 6500.00 元\t→ “x”\r\n第二行\n'
  expect(printable(text)).toBe(text)
  expect(printableLine('one\ntwo\r\n')).toBe('one\\u000atwo\\u000d\\u000a')
})

test('JSON stays the same JSON', () => {
  const every = String.fromCharCode(...Array.from({ length: 0xd800 }, (_, code) => code))
  const value = { [every]: ['\u{e0041}', every] }
  const line = printableLine(JSON.stringify(value))
  expect(JSON.parse(line)).toEqual(value)
  expect(line).not.toMatch(/\p{Cc}/u)
})

const hostile = '\u001b]0;x\u0007\u202eeno\u009b2J'
const steering = /[^\P{Cc}\n\r]|\r(?!\n)|[\u202a-\u202e\u2066-\u2069]/u
let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-output-'))
  const person = { idType: 'resident-id', idNumber: hostile, name: hostile }
  const declaration = { employer: hostile, region: '340100', period: hostile, kind: hostile }
  writeFileSync(
    path.join(folder, 'wages.csv'),
    `单位,所属期,姓名,证件号码,申报工资,${hostile}\n${hostile},${hostile},${hostile},${hostile},${hostile},${hostile}\n`,
  )
  writeFileSync(
    path.join(folder, 'declaration.json'),
    JSON.stringify({ ...declaration, [hostile]: hostile, lines: [{ person, [hostile]: hostile }] }),
  )
  writeFileSync(
    path.join(folder, 'lines.ndjson'),
    `${JSON.stringify({ ...declaration, lines: [{ person }] })}\n{"${hostile}"\n`,
  )
  const statement = { id: hostile, [hostile]: hostile }
  const receipt = { statement, proof: { index: hostile }, signedRoot: `${hostile}.x.y` }
  writeFileSync(path.join(folder, 'receipt.json'), JSON.stringify({ receipt }))
  writeFileSync(path.join(folder, 'books.jsonl'), `${hostile}\n`)
})
afterAll(() => rmSync(folder, { recursive: true }))

// Of the commands that print what a file says; those that print what the database says go the same way.
test.each([
  ['src/commands/check-file.ts', ['wages.csv']],
  ['src/commands/check-file.ts', ['wages.csv', '--json']],
  ['src/commands/check-file.ts', ['wages.csv', '--csv']],
  ['src/commands/check-file.ts', ['declaration.json', '--lang', 'en']],
  ['src/commands/check-file.ts', ['declaration.json', '--json']],
  ['src/commands/check-file.ts', ['declaration.json', '--csv']],
  ['src/commands/check-file.ts', ['lines.ndjson', '--json']],
  ['src/commands/verify-receipt.ts', ['receipt.json']],
  ['src/commands/reconcile.ts', ['--verify', 'books.jsonl']],
])('%s %j prints nothing that steers a terminal', { concurrent: true }, async (file, args) => {
  const named = args.map((arg) => (arg.includes('.') ? path.join(folder, arg) : arg))
  const command = runCommand(file, { KEYRING_FILE: inject('keyringFile') }, named)
  await command.done
  expect(command.output()).not.toBe('')
  expect(command.output()).not.toMatch(steering)
})
