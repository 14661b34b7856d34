/**
 * The engine's keys, in one private file: signing keys of receipts, signing keys of its own tokens
 * (embedded default), sealing keys of envelopes, and the key of the blind index. Keys are added and
 * retired, never removed: old envelopes must open and old receipts verify for years.
 */
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { createSalts, type Salts } from '../journal/salting.ts'
import { UsageError } from './failure.ts'
import { parseJson, textOf } from './text-file.ts'

export type SigningKey = {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicJwk: PublicJwk
}
export type PublicJwk = {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly alg: 'Ed25519'
  readonly use: 'sig'
}
export type SealingKey = { readonly kid: string; readonly secret: KeyObject }

export type Keyring = {
  /** Newest first; the first signs, the others are retired and only verify. */
  readonly receiptKeys: readonly SigningKey[]
  readonly tokenKeys: readonly SigningKey[]
  /** Newest first; the first seals, all open. */
  readonly sealingKeys: readonly SealingKey[]
  readonly blindIndexSecret: KeyObject
  /** Of digests; they follow from the key of the blind index, which is never another. */
  readonly salts: Salts
}

export class KeyringError extends Error {
  override name = 'KeyringError'
}

type StoredKey = { kid: string; createdAt: string; secret: string }
type StoredKeyring = {
  version: 1
  kidPrefix?: string
  receipt: StoredKey[]
  token: StoredKey[]
  sealing: StoredKey[]
  blindIndex: string
  /** Password of the embedded Postgres's owner; unused with a database of your own. */
  embeddedPostgresPassword: string
}

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
    blindIndex: randomBytes(32).toString('base64url'),
    embeddedPostgresPassword: randomBytes(24).toString('base64url'),
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 })
  writePrivately(file, stored, 'create')
}

/** Adds a new receipt, token and sealing key before the present ones, which stay valid. */
export function rotateKeyring(file: string, now: Date): void {
  const stored = readStored(file)
  stored.receipt.unshift(signingKey(now, stored.kidPrefix))
  stored.token.unshift(signingKey(now, stored.kidPrefix))
  stored.sealing.unshift(sealingKey(now))
  writePrivately(file, stored, 'replace')
}

/** Reads the keys. Throws KeyringError that says what to do when the file is missing or damaged. */
export function readKeyring(file: string): Keyring {
  const stored = readStored(file)
  const blindIndexSecret = openSecret(stored.blindIndex, 'blindIndex')
  return {
    receiptKeys: stored.receipt.map(openSigningKey),
    tokenKeys: stored.token.map(openSigningKey),
    sealingKeys: stored.sealing.map(({ kid, secret }) => ({
      kid,
      secret: openSecret(secret, kid),
    })),
    blindIndexSecret,
    salts: createSalts(blindIndexSecret),
  }
}

/** What accepts: the newest keys, which sign and seal, and the salts. Throws KeyringError when there are none. */
export function activeKeys({ receiptKeys, sealingKeys, salts }: Keyring): {
  readonly signer: SigningKey
  readonly sealingKey: SealingKey
  readonly salts: Salts
} {
  const [signer] = receiptKeys
  const [sealingKey] = sealingKeys
  if (signer === undefined || sealingKey === undefined) {
    throw new KeyringError('The keyring has no keys: restore it from your backup.')
  }
  return { signer, sealingKey, salts }
}

/** The password of the embedded Postgres's owner. */
export function readEmbeddedPostgresPassword(file: string): string {
  return readStored(file).embeddedPostgresPassword
}

function readStored(file: string): StoredKeyring {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new KeyringError(`The keyring at ${file} can't be read (${code}).`)
    throw new KeyringError(
      `No keyring at ${file}. Where the engine runs with another DATA_DIR or KEYRING_FILE, set the same here; else restore it from your backup, or for a new engine make one with "npm run keyring -- create".`,
    )
  }
  try {
    const stored = parseJson(textOf(bytes, file), file) as StoredKeyring
    if (stored.version === 1 && stored.receipt.length > 0 && stored.sealing.length > 0)
      return stored
  } catch (error) {
    if (error instanceof UsageError) throw new KeyringError(error.message)
    // fall through: the parser's message would quote the file
  }
  throw new KeyringError(`The keyring at ${file} is damaged: restore it from your backup.`)
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

function openSigningKey({ kid, secret }: StoredKey): SigningKey {
  const [d, x] = secret.split('.') as [string, string]
  const publicJwk: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'Ed25519', use: 'sig' }
  const privateKey = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' })
  return { kid, privateKey, publicJwk }
}

function openSecret(secret: string, name: string): KeyObject {
  const bytes = Buffer.from(secret, 'base64url')
  if (bytes.length !== 32) throw new KeyringError(`The keyring's key ${name} is damaged.`)
  return createSecretKey(bytes)
}

/**
 * Writes a whole file or nothing: temporary file, fsync, then link (fails if it exists) or rename,
 * then fsync of the folder. A death after any line leaves the old file, or none, or the new one.
 */
function writePrivately(file: string, stored: StoredKeyring, mode: 'create' | 'replace'): void {
  const temporary = `${file}.${process.pid}.tmp`
  const descriptor = openSync(temporary, 'w', 0o600)
  writeSync(descriptor, `${JSON.stringify(stored, null, 2)}\n`)
  fsyncSync(descriptor)
  closeSync(descriptor)
  try {
    if (mode === 'replace') renameSync(temporary, file)
    else linkSync(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new KeyringError(`There is a keyring at ${file} already; it was left as it is.`)
  } finally {
    if (mode === 'create') unlinkSync(temporary)
  }
  const folder = openSync(path.dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
