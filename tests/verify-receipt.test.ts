/** A saved answer verifies offline; one that was edited, in its receipt or beside it, does not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openApp } from './support/app.ts'
import { runCommand } from './support/command.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from './support/journal.ts'

let journal: Journal
let folder: string
let answer: string
const declaration = declare()
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'receipt-'))
  journal = await openJournal()
  const { deadlineMicros } = rulesOf('340100', '2024-11')
  const opened = await openApp(journal, {
    policies,
    clock: { nowMicros: deadlineMicros - 1_000_000 },
  })
  answer = (await opened.file(declaration, 'saved')).body
  await opened.close()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await journal.close()
})

async function verify(text: string, more: readonly string[] = []) {
  const file = path.join(folder, 'answer')
  writeFileSync(file, text)
  const env = { KEYRING_FILE: inject('keyringFile') }
  const command = runCommand('src/commands/verify-receipt.ts', env, [file, ...more])
  return { code: await command.done, output: command.output() }
}

test('the answer as it was, with headers or without, and the receipt alone', async () => {
  for (const text of [
    answer,
    `HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n\r\n${answer}`,
    JSON.stringify(JSON.parse(answer).receipt),
  ]) {
    expect(await verify(text)).toMatchObject({ code: 0, output: expect.stringMatching(/^VALID/) })
  }
})

test.each([
  ['onTime', '"onTime":true,"receipt"', '"onTime":false,"receipt"'],
  ['status', '"status":"accepted"', '"status":"rejected"'],
])('an edited %s beside the receipt is told', async (name, from, to) => {
  expect(answer).toContain(from)
  const { code, output } = await verify(answer.replace(from, to))
  expect(code).toBe(1)
  expect(output).toContain(
    `NOT VALID. The receipt is genuine, but the answer's ${name} is not what it was.`,
  )
})

test('the content that was filed is told from another, whatever its JSON looks like', async () => {
  const content = path.join(folder, 'content.json')
  writeFileSync(content, JSON.stringify(declaration, null, 2))
  const { code, output } = await verify(answer, ['--content', content])
  expect([code, output]).toEqual([0, expect.stringMatching(/^VALID.*, and of the content of/)])
  writeFileSync(content, JSON.stringify({ ...declaration, industryClass: 7 }))
  const other = await verify(answer, ['--content', content])
  expect([other.code, other.output]).toEqual([1, expect.stringContaining('not of the content of')])
})

test('an edited receipt is told', async () => {
  const { code, output } = await verify(answer.replace('"kind":"regular"', '"kind":"correction"'))
  expect([code, output]).toEqual([1, expect.stringMatching(/NOT VALID. The statement is not/)])
})
