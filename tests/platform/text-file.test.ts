/** Files that somebody saved: with whatever mark their program writes, and never with replaced bytes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { readSavedJson } from '../../src/platform/command/saved-json.ts'
import { readTextFile } from '../../src/platform/command/text-file.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { readPackFolder } from '../../src/platform/config/packs.ts'
import { runCommand } from '../support/command.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'text-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, bytes: Buffer | string): string {
  const file = path.join(folder, name)
  writeFileSync(file, bytes, { mode: 0o600 }) // as a keyring must be
  return file
}

const wang = Buffer.from('cdf5', 'hex') // 王 in GB18030
const gbk = Buffer.concat([Buffer.from('{"name": "'), wang, wang, Buffer.from('"}')])
const place =
  /is not UTF-8 from byte 10 on \(line 1, character 11\): it looks like GB18030[\s\S]*像是 GB18030/

test.each([
  ['a mark', Buffer.from('\ufeff{"名":1}')],
  ['no mark', Buffer.from('{"名":1}')],
  ['UTF-16', Buffer.from('\ufeff{"名":1}', 'utf16le')],
  ['UTF-16 in the other order', Buffer.from('\ufeff{"名":1}', 'utf16le').swap16()],
])('a file with %s is its text, and its JSON', (name, bytes) => {
  const file = write(`${name}.json`, bytes)
  expect(readTextFile(file)).toBe('{"名":1}')
  expect(readSavedJson(file)).toEqual({ 名: 1 })
})

describe('bytes that are not UTF-8 are told by every reader of files', () => {
  const file = write('gbk.json', gbk)

  test('as saved JSON, receipts and JWKS', () => {
    expect(() => readSavedJson(file)).toThrow(place)
  })

  test('as a keyring', () => {
    expect(() => readKeyring(file)).toThrow(place)
  })

  test('as a policy pack', () => {
    const { faults } = readPackFolder(folder)
    expect(faults.find((one) => one.file === 'gbk.json')?.message).toMatch(place)
  })

  test.each([
    ['src/commands/check-file.ts', [file]],
    ['src/commands/verify-receipt.ts', [file]],
    [
      'src/commands/upload.ts',
      [file, '--period', '2025-08', '--region', '340100', '--token-file', file],
    ],
  ])('by %s', async (command, args) => {
    const { done, output } = runCommand(command, { LANG: 'C' }, args)
    expect(await done).toBe(2) // it could not be read
    expect(output()).toMatch(place)
  })
})

test('a member that is there twice is told by every reader of JSON', async () => {
  const file = write('twice.json', '{"a": {"wage": 1, "wage": 2}}')
  const twice = /names a member of an object twice \(\/a\/wage\)/
  expect(() => readSavedJson(file)).toThrow(twice)
  expect(() => readKeyring(file)).toThrow(twice)
  const { faults } = readPackFolder(folder)
  expect(faults.find((one) => one.file === 'twice.json')?.message).toMatch(twice)
  const declaration = createGenerator(3).declaration({ period: '2024-11', lines: 1 })
  const text = JSON.stringify(declaration).replace('"wage"', '"wage":"1.00","wage"')
  const lines = write('twice.jsonl', `${JSON.stringify(declaration)}\n${text}\n`)
  const { done, output } = runCommand('src/commands/check-file.ts', { LANG: 'C' }, [lines])
  expect(await done).toBe(1)
  expect(output()).toMatch(/^error row 2 \/lines\/0\/wage RECORD_KEY_REPEATED: In line 2/m)
})

test('a keyring with a mark is a keyring', () => {
  const file = path.join(folder, 'keyring.json')
  createKeyring(file, new Date(0))
  const [key] = readKeyring(file).receiptKeys
  write('keyring.json', `\ufeff${readTextFile(file)}`)
  expect(readKeyring(file).receiptKeys[0]?.kid).toBe(key?.kid)
})
