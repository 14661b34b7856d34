/** Which keys a process opens, and that it opens no others: from the whole keyring, and from the part of its kind. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type KeyHolder,
  type Keyring,
  type KeyUse,
  keyUses,
  openKeys,
  readKeyring,
  readTokenPublicKeys,
  usesOf,
} from '../../src/platform/config/key-store.ts'
import {
  createKeyring,
  listKeys,
  makePart,
  retireKey,
  rotateKeyring,
} from '../../src/platform/config/keyring.ts'
import { runCommand } from '../support/command.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'keys-'))
const file = path.join(folder, 'keyring.json')
const partFile = (kind: KeyHolder) => path.join(folder, `${kind}.json`)
const kinds = Object.keys(usesOf) as KeyHolder[]

beforeAll(() => {
  createKeyring(file, new Date())
  rotateKeyring(file, new Date())
  for (const kind of kinds) makePart(file, kind, partFile(kind))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What each use opens. */
const members = {
  receipts: 'receiptKeys',
  tokens: 'tokenKeys',
  sealing: 'sealingKeys',
  sessions: 'sessionKeys',
  salts: 'salts',
  persons: 'blindIndexSecret',
} as const satisfies Record<KeyUse, keyof Keyring>

/** Every secret of the keyring, as the file has it. */
function secretsOf(use: KeyUse): string[] {
  const stored = JSON.parse(readFileSync(file, 'utf8'))
  const first = (keys: { secret: string }[]) =>
    keys.map(({ secret }) => secret.split('.')[0] as string)
  if (use === 'receipts') return first(stored.receipt)
  if (use === 'tokens') return first(stored.token)
  if (use === 'sealing') return first(stored.sealing)
  if (use === 'sessions') return first(stored.session)
  return use === 'persons' ? [stored.blindIndex] : []
}

test('the table of what processes use: none signs tokens, and who parses files finds no person', () => {
  expect(usesOf).toEqual({
    intake: ['receipts', 'sealing', 'sessions', 'salts', 'persons'],
    worker: ['receipts', 'sealing', 'persons'],
    'batch-worker': ['receipts', 'sealing', 'salts'],
  })
})

describe.each(kinds)('a process of kind %s', (kind) => {
  const uses: readonly KeyUse[] = usesOf[kind]

  test.each(keyUses)('opens keys of %s where it uses them, and refuses them else', (use) => {
    const whole = readKeyring(file)
    for (const from of [file, partFile(kind)]) {
      const keys = openKeys(from, uses, 'The process')
      if (uses.includes(use)) expect(keys[members[use]]).toBeDefined()
      else expect(() => keys[members[use]]).toThrow(`The process opens no keys of ${use}.`)
    }
    const part = openKeys(partFile(kind), uses, 'The process')
    if (uses.includes('salts')) expect(part.salts.saltOf('id')).toBe(whole.salts.saltOf('id'))
    if (uses.includes('persons'))
      expect(part.blindIndexSecret.equals(whole.blindIndexSecret)).toBe(true)
    if (uses.includes('sealing')) expect(part.sealingKeys).toHaveLength(2)
  })

  test('has no secret in its part that it does not use, though it is asked for', () => {
    const text = readFileSync(partFile(kind), 'utf8')
    for (const use of keyUses)
      for (const secret of secretsOf(use))
        expect(text.includes(secret), use).toBe(uses.includes(use))
    expect(text).not.toContain(JSON.parse(readFileSync(file, 'utf8')).embeddedPostgresPassword)
    const all = openKeys(partFile(kind), keyUses, 'The process')
    // What salts are made of follows from the key of persons.
    const none = keyUses.filter((one) => !uses.includes(one) && one !== 'salts')
    for (const use of none) expect(() => all[members[use]], use).toThrow(`no keys of ${use}`)
    expect(statSync(partFile(kind)).mode & 0o777).toBe(0o600)
  })

  test('verifies receipts and tokens with its part', () => {
    const whole = readKeyring(file)
    const part = openKeys(partFile(kind), uses, 'The process')
    expect(part.receiptPublicKeys).toEqual(whole.receiptKeys.map(({ publicJwk }) => publicJwk))
    expect(readTokenPublicKeys(partFile(kind))).toEqual(readTokenPublicKeys(file))
    expect(part.kids).toEqual(whole.kids)
  })

  test('is given no part that could be taken for the whole', () => {
    const part = partFile(kind)
    const before = readFileSync(part)
    expect(() => rotateKeyring(part, new Date())).toThrow(/one kind of process alone/)
    const [{ kid } = { kid: '' }] = listKeys(file)
    expect(() => retireKey(part, kid, new Date())).toThrow(/change the whole keyring/)
    expect(() => makePart(part, kind, path.join(folder, 'again.json'))).toThrow(/is a part itself/)
    expect(() => makePart(file, kind, part)).toThrow(/already/)
    expect(readFileSync(part)).toEqual(before)
  })
})

test('the command makes a part, and says what is wrong with what it is asked', async () => {
  const made = path.join(folder, 'made.json')
  const run = (...args: string[]) =>
    runCommand('src/commands/keyring.ts', { KEYRING_FILE: file }, ['part', ...args])
  const [good, wrong] = [run('worker', made), run('posting', made)]
  expect([await good.done, await wrong.done]).toEqual([0, 2])
  expect(good.output()).toMatch(/keys that a worker uses/)
  expect(wrong.output()).toMatch(/part takes a kind \(intake, worker, batch-worker\) and a file/)
  expect(openKeys(made, ['persons'], 'It').blindIndexSecret).toBeDefined()
})

describe('commands that change keys at once', () => {
  test('all have done what they say', async () => {
    const changed = path.join(folder, 'changed.json')
    createKeyring(changed, new Date())
    const rotations = Array.from({ length: 3 }, () =>
      runCommand('src/commands/keyring.ts', { KEYRING_FILE: changed }, ['rotate']),
    )
    expect(await Promise.all(rotations.map(({ done }) => done))).toEqual([0, 0, 0])
    expect(listKeys(changed)).toHaveLength(4 * 4)
    expect(readdirSync(folder).filter((name) => /lock|tmp/.test(name))).toEqual([])
  })

  test('change nothing while another holds the lock, and say what to do where that one died', async () => {
    const held = path.join(folder, 'held.json')
    createKeyring(held, new Date())
    writeFileSync(`${held}.lock`, '')
    const before = readFileSync(held)
    const rotation = runCommand('src/commands/keyring.ts', { KEYRING_FILE: held }, ['rotate'])
    expect(await rotation.done).toBe(1)
    expect(rotation.output()).toBe(
      `Another command changes ${held}; nothing was changed. Run it again; where no other runs, one died: remove ${held}.lock first.\n`,
    )
    expect(readFileSync(held)).toEqual(before)
  })
})
