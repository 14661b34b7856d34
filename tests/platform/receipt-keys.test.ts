/** Whoever verifies needs public keys alone; without any, the command says where they come from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { readReceiptKeys } from '../../src/platform/config/receipt-keys.ts'
import { runCommand } from '../support/command.ts'

let folder: string
let receipt: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'receipt-keys-'))
  receipt = path.join(folder, 'receipt.json')
  writeFileSync(receipt, '{}\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

const commands = [
  ['src/commands/verify-receipt.ts', []],
  ['src/commands/reconcile.ts', ['--verify']],
] as const

test.each(commands)('without a keyring %s tells of --jwks', async (file, options) => {
  const missing = path.join(folder, 'missing', 'keyring.json')
  const run = async (...more: string[]) => {
    const command = runCommand(file, { KEYRING_FILE: missing }, [...options, receipt, ...more])
    return { code: await command.done, output: command.output() }
  }
  const { code, output } = await run()
  expect(code).toBe(2)
  expect(output).toBe(
    `No keyring can be read at ${missing}. Public keys are enough to verify: save /.well-known/jwks.json of the intake, and name that file with --jwks FILE.\n`,
  )
  expect(await run('--jwks', receipt)).toEqual({
    code: 2,
    output: `${receipt} is not a JWKS: it needs "keys".\n`,
  })
  const jwks = path.join(folder, 'jwks.json')
  writeFileSync(jwks, 'HTTP/1.1 200 OK\r\nage: 1\r\n\r\n{"keys":[]}')
  expect(await run('--jwks', jwks)).toEqual({
    code: 1,
    output: expect.stringMatching(/^NOT VALID/),
  })
})

test('keys are those of the keyring; that it is damaged is told as such', () => {
  const file = path.join(folder, 'keyring.json')
  createKeyring(file, new Date(0))
  const [key] = readKeyring(file).receiptKeys
  expect(readReceiptKeys(file, undefined)).toEqual([key?.publicJwk])
  writeFileSync(file, '{')
  expect(() => readReceiptKeys(file, undefined)).toThrow(/is damaged: restore it/)
})
