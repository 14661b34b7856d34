/**
 * The engine's keys, in one private file: signing keys of receipts, signing keys of its own tokens
 * (embedded default), sealing keys of envelopes and of sessions of the portal, and the key of the blind index. Keys are added and
 * retired, never removed: old envelopes must open and old receipts verify for years. It opens everything
 * that was ever filed, so it is refused where others than its owner can read it.
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
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { createSalts, type Salts } from '../../journal/salting.ts'
import { UsageError } from '../command/failure.ts'
import { parseJson, textOf } from '../command/text-file.ts'

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
  /** The same of sessions; one that is retired opens none any more. None in a keyring of before there were any. */
  readonly sessionKeys: readonly SealingKey[]
  readonly blindIndexSecret: KeyObject
  /** Of digests; they follow from the key of the blind index, which is never another. */
  readonly salts: Salts
}

export class KeyringError extends Error {
  override name = 'KeyringError'
}

type StoredKey = { kid: string; createdAt: string; secret: string; retiredAt?: string }
type StoredKeyring = {
  version: 1
  kidPrefix?: string
  receipt: StoredKey[]
  token: StoredKey[]
  /** Of tokens; kept to tell what became of them. An earlier program does not look here, either. */
  retiredToken?: StoredKey[]
  sealing: StoredKey[]
  session?: StoredKey[]
  retiredSession?: StoredKey[]
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
    session: [sealingKey(now)],
    blindIndex: randomBytes(32).toString('base64url'),
    embeddedPostgresPassword: randomBytes(24).toString('base64url'),
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 })
  writePrivately(file, stored, 'create')
}

/** Adds what a keyring of before there were sessions lacks. */
export function completeKeyring(file: string, now: Date): void {
  const stored = readStored(file)
  if (stored.session !== undefined) return
  writePrivately(file, { ...stored, session: [sealingKey(now)] }, 'replace')
}

/** Adds a new receipt, token, sealing and session key before the present ones, which stay valid. */
export function rotateKeyring(file: string, now: Date): void {
  const stored = readStored(file)
  stored.receipt.unshift(signingKey(now, stored.kidPrefix))
  stored.token.unshift(signingKey(now, stored.kidPrefix))
  stored.sealing.unshift(sealingKey(now))
  stored.session = [sealingKey(now), ...(stored.session ?? [])]
  writePrivately(file, stored, 'replace')
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
  const stored = readStored(file)
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
  writePrivately(file, stored, 'replace')
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

/** What tokens are verified with now. */
export function readTokenPublicKeys(file: string): PublicJwk[] {
  return readStored(file).token.map(publicJwkOf)
}

/** What sessions of the portal are sealed with now, newest first. */
export function readSessionKeys(file: string): SealingKey[] {
  return (readStored(file).session ?? []).map(openSealingKey)
}

/** Reads the keys. Throws KeyringError that says what to do when the file is missing or damaged. */
export function readKeyring(file: string): Keyring {
  const stored = readStored(file)
  const blindIndexSecret = openSecret(stored.blindIndex, 'blindIndex')
  return {
    receiptKeys: stored.receipt.map(openSigningKey),
    tokenKeys: stored.token.map(openSigningKey),
    sealingKeys: stored.sealing.map(openSealingKey),
    sessionKeys: (stored.session ?? []).map(openSealingKey),
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
    bytes = readPrivately(file)
  } catch (error) {
    if (error instanceof KeyringError) throw error
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

/**
 * @throws KeyringError where others than the owner of the file can read or write it; a reader who is not its
 * owner has it by its group, as orchestrators give out what root owns
 */
function readPrivately(file: string): Buffer {
  const descriptor = openSync(file, 'r')
  try {
    const { mode, uid } = fstatSync(descriptor)
    const isGivenOut = uid === 0 && process.getuid?.() !== 0
    if ((mode & (isGivenOut ? 0o037 : 0o077)) === 0) return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  throw new KeyringError(
    `The keyring at ${file} can be read by others than its owner, and it opens everything that was filed: "chmod 600 ${file}", and retire its keys if somebody may have read it.`,
  )
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

function publicJwkOf({ kid, secret }: StoredKey): PublicJwk {
  const [, x] = secret.split('.') as [string, string]
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'Ed25519', use: 'sig' }
}

function openSigningKey(key: StoredKey): SigningKey {
  const { kid, secret } = key
  const [d, x] = secret.split('.') as [string, string]
  const publicJwk = publicJwkOf(key)
  const privateKey = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' })
  return { kid, privateKey, publicJwk }
}

function openSealingKey({ kid, secret }: StoredKey): SealingKey {
  return { kid, secret: openSecret(secret, kid) }
}

function openSecret(secret: string, name: string): KeyObject {
  const bytes = Buffer.from(secret, 'base64url')
  if (bytes.length !== 32) throw new KeyringError(`The keyring's key ${name} is damaged.`)
  return createSecretKey(bytes)
}

/** Who could read the old file reads the new one, whoever writes it. */
function keepAccess(file: string, descriptor: number): void {
  const { uid, gid, mode } = statSync(file)
  fchownSync(descriptor, uid, gid)
  fchmodSync(descriptor, mode & 0o777)
}

/**
 * Writes a whole file or nothing: temporary file, fsync, then link (fails if it exists) or rename,
 * then fsync of the folder. A death after any line leaves the old file, or none, or the new one.
 */
function writePrivately(file: string, stored: StoredKeyring, mode: 'create' | 'replace'): void {
  const temporary = `${file}.${process.pid}.tmp`
  const descriptor = openSync(temporary, 'w', 0o600)
  if (mode === 'replace') keepAccess(file, descriptor)
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
