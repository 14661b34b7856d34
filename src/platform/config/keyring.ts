/**
 * Makes, changes and lists the engine's keys, which are in one private file: signing keys of receipts, signing keys of its own tokens
 * (embedded default), sealing keys of envelopes and of sessions of the portal, and the key of the blind index. Keys are added and
 * retired, never removed: old envelopes must open and old receipts verify for years.
 */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { type KeyHolder, partOf } from './key-store.ts'
import {
  changeStored,
  KeyringError,
  readStored,
  type StoredKey,
  type StoredKeyring,
  writePrivately,
} from './keyring-file.ts'

/**
 * Makes a new keyring file, readable by its owner only. Throws KeyringError if it exists.
 * @param kidPrefix what the ids of its keys that sign begin with
 */
export function createKeyring(file: string, now: Date, kidPrefix = ''): void {
  const stored: StoredKeyring = {
    version: 1,
    kidPrefix,
    receipt: [signingKey(now, kidPrefix)],
    token: [signingKey(now, kidPrefix)],
    sealing: [sealingKey(now)],
    session: [sealingKey(now)],
    blindIndex: randomBytes(32).toString('base64url'),
    embeddedPostgresPassword: randomBytes(24).toString('base64url'),
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 })
  writePrivately(file, stored, 'create')
}

/** Adds what a keyring of before there were sessions lacks. */
export function completeKeyring(file: string, now: Date): void {
  if (readStored(file).session !== undefined) return
  changeStored(file, (stored) => {
    stored.session ??= [sealingKey(now)]
  })
}

/** Adds a new receipt, token, sealing and session key before the present ones, which stay valid. */
export function rotateKeyring(file: string, now: Date): void {
  changeStored(file, (stored) => {
    stored.receipt.unshift(signingKey(now, stored.kidPrefix))
    stored.token.unshift(signingKey(now, stored.kidPrefix))
    stored.sealing.unshift(sealingKey(now))
    stored.session = [sealingKey(now), ...(stored.session ?? [])]
  })
}

/** Makes the file of one kind of process, with the keys that it uses. Throws KeyringError if it exists. */
export function makePart(file: string, kind: KeyHolder, part: string): void {
  const stored = readStored(file)
  if (stored.part !== undefined)
    throw new KeyringError(`${file} is a part itself (${stored.part}).`)
  writePrivately(part, partOf(stored, kind), 'create')
}

export const keyKinds = ['receipt', 'token', 'sealing', 'session'] as const
export type KeyKind = (typeof keyKinds)[number]

/**
 * Takes a key out of use. One of tokens verifies none any more, and one of sessions opens none; one that signs receipts or seals does so no
 * more, and goes on verifying and opening what it signed and sealed. Where no other is left to sign or to
 * seal, a new one is made.
 * @returns what kind of key it is, and the id of the one that takes its place, if one had to be made
 * @throws KeyringError where there is none by this id
 */
export function retireKey(
  file: string,
  kid: string,
  now: Date,
): { readonly kind: KeyKind; readonly successor: string | undefined } {
  return changeStored(file, (stored) => retireStored(stored, kid, now))
}

function retireStored(stored: StoredKeyring, kid: string, now: Date) {
  const keysOf = (one: KeyKind) => stored[one] ?? []
  const kind = keyKinds.find((one) => keysOf(one).some((key) => key.kid === kid))
  if (kind === undefined) {
    const known = keyKinds.flatMap((one) => keysOf(one).map((key) => `${key.kid} (${one})`))
    throw new KeyringError(`The keyring has no key ${kid} in use. It has ${known.join(', ')}.`)
  }
  const keys = keysOf(kind)
  const retired = retiredAs[kind]
  if (retired !== undefined) {
    const [key] = keys.splice(
      keys.findIndex((one) => one.kid === kid),
      1,
    ) as [StoredKey]
    stored[retired] = [{ ...key, retiredAt: now.toISOString() }, ...(stored[retired] ?? [])]
  }
  const needsOther = retired === undefined ? keys[0]?.kid === kid : keys.length === 0
  const signs = kind === 'receipt' || kind === 'token'
  const successor = signs ? signingKey(now, stored.kidPrefix) : sealingKey(now)
  if (needsOther) keys.unshift(successor)
  return { kind, successor: needsOther ? successor.kid : undefined }
}

/** Where those are kept that are good for nothing any more, once they are retired. */
const retiredAs = {
  receipt: undefined,
  sealing: undefined,
  token: 'retiredToken',
  session: 'retiredSession',
} as const satisfies Record<KeyKind, keyof StoredKeyring | undefined>

export type ListedKey = {
  readonly kid: string
  readonly kind: KeyKind
  readonly createdAt: string
  readonly does: string
}

/** All keys, without their secrets. */
export function listKeys(file: string): ListedKey[] {
  const stored = readStored(file)
  const does = {
    receipt: ['signs receipts', 'verifies receipts'],
    token: ['signs tokens', 'verifies tokens'],
    sealing: ['seals', 'opens what it sealed'],
    session: ['seals sessions', 'opens sessions'],
  } as const
  const inUse = keyKinds.flatMap((kind) =>
    (stored[kind] ?? []).map(({ kid, createdAt }, index) => {
      const [first, then] = does[kind]
      return { kid, kind, createdAt, does: index === 0 ? first : then }
    }),
  )
  const retired = (['token', 'session'] as const).flatMap((kind) =>
    (stored[retiredAs[kind]] ?? []).map(({ kid, createdAt, retiredAt }) => ({
      ...{ kid, kind, createdAt, does: `nothing: retired ${retiredAt}` },
    })),
  )
  return [...inUse, ...retired]
}

function signingKey(now: Date, kidPrefix = ''): StoredKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const secret = privateKey.export({ format: 'jwk' }).d as string
  const publicPart = createPublicKey(privateKey).export({ format: 'jwk' }).x as string
  return {
    kid: `${kidPrefix}${randomBytes(6).toString('hex')}`,
    createdAt: now.toISOString(),
    secret: `${secret}.${publicPart}`,
  }
}

function sealingKey(now: Date): StoredKey {
  return {
    kid: randomBytes(6).toString('hex'),
    createdAt: now.toISOString(),
    secret: randomBytes(32).toString('base64url'),
  }
}
