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
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'receipt-'))
  journal = await openJournal()
  const { deadlineMicros } = rulesOf('340100', '2024-11')
  const opened = await openApp(journal, {
    policies,
    clock: { nowMicros: deadlineMicros - 1_000_000 },
  })
  answer = (await opened.file(declare(), 'saved')).body
  await opened.close()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await journal.close()
})

async function verify(text: string) {
  const file = path.join(folder, 'answer')
  writeFileSync(file, text)
  const command = runCommand('src/verify-receipt.ts', { KEYRING_FILE: inject('keyringFile') }, [
    file,
  ])
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

test('an edited receipt is told', async () => {
  const { code, output } = await verify(answer.replace('"kind":"regular"', '"kind":"correction"'))
  expect([code, output]).toEqual([1, expect.stringMatching(/NOT VALID. The statement is not/)])
})
