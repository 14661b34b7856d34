/**
 * What a process opens of the keys: those that its kind uses, each when it is first used, and no others. A
 * process that is asked for another refuses, and where its file is the part of its kind, has none to give.
 * Rooms know the interface alone; that the keys are in a file is known here.
 *
 *   kind         | signs receipts, | signs  | seals and | salts   | finds persons, | opens
 *                | or books        | tokens | opens     | digests | makes tickets  | sessions
 *   intake       | yes             |        | yes       | yes     | yes            | yes
 *   worker       | yes             |        | yes       |         | yes
 *   batch-worker | yes             |        | yes       | yes     |
 *
 * In development, intake signs the tokens of its own sign-in, too.
 * Public keys, with which receipts and tokens are verified, are everybody's.
 */
import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto'
import { createSalts, type Salts, saltingKeyOf, saltsFrom } from '../../journal/salting.ts'
import { KeyringError, readStored, type StoredKey, type StoredKeyring } from './keyring-file.ts'

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

/** What keys are for. */
export const keyUses = ['receipts', 'tokens', 'sealing', 'sessions', 'salts', 'persons'] as const
export type KeyUse = (typeof keyUses)[number]

/** Of processes; a command names what it uses where it opens it. */
export const usesOf = {
  intake: ['receipts', 'sealing', 'sessions', 'salts', 'persons'],
  worker: ['receipts', 'sealing', 'persons'],
  'batch-worker': ['receipts', 'sealing', 'salts'],
} as const satisfies Record<string, readonly KeyUse[]>
export type KeyHolder = keyof typeof usesOf

/** The store. Each member throws KeyringError where it is of a use that was not asked for. */
export type Keyring = {
  /** Newest first; the first signs, the others are retired and only verify. */
  readonly receiptKeys: readonly SigningKey[]
  readonly receiptPublicKeys: readonly PublicJwk[]
  readonly tokenKeys: readonly SigningKey[]
  /** Newest first; the first seals, all open. */
  readonly sealingKeys: readonly SealingKey[]
  /** The same of sessions; one that is retired opens none any more. None in a keyring of before there were any. */
  readonly sessionKeys: readonly SealingKey[]
  readonly blindIndexSecret: KeyObject
  /** Of digests; they follow from the key of the blind index, which is never another. */
  readonly salts: Salts
  /** Whether keys of a use are there and were asked for. */
  readonly opens: (use: KeyUse) => boolean
  /** Of the keys that sign, secret or not. */
  readonly kids: readonly string[]
  /**
   * Reads the file again, and adds sealing keys that are new there at the end of those that open: what a process with
   * a rotated keyring seals, one that runs since before opens, too. It seals with its own first key until it ends.
   * @throws KeyringError where the file is missing or damaged; then all is as it was
   */
  learnSealingKeys(): void
}

/**
 * Opens the keys of these uses.
 * @param who that uses them, for the refusal of others: 'the batch worker'
 * @throws KeyringError that says what to do when the file is missing or damaged
 */
export function openKeys(file: string, uses: readonly KeyUse[], who: string): Keyring {
  const { kids, receiptPublicKeys, secrets } = readUsed(file, uses)
  const open = <T>(use: KeyUse, make: (stored: StoredKeyring) => T): (() => T) => {
    let made: { readonly value: T } | undefined
    const kept = secrets.get(use)
    return () => {
      if (kept === undefined) throw new KeyringError(`${who} opens no keys of ${use}.`)
      made ??= { value: make(kept) }
      return made.value
    }
  }
  const receiptKeys = open('receipts', ({ receipt }) => receipt.map(openSigningKey))
  const tokenKeys = open('tokens', ({ token }) => token.map(openSigningKey))
  const sealingKeys = open('sealing', ({ sealing }) => sealing.map(openSealingKey))
  const learnSealingKeys = () => {
    const known = sealingKeys()
    const { secrets: found } = readUsed(file, ['sealing'])
    for (const stored of found.get('sealing')?.sealing ?? [])
      if (!known.some(({ kid }) => kid === stored.kid)) known.push(openSealingKey(stored))
  }
  const sessionKeys = open('sessions', ({ session = [] }) => session.map(openSealingKey))
  const persons = open('persons', ({ blindIndex }) => openSecret(blindIndex, 'blindIndex'))
  const salts = open('salts', ({ blindIndex, salting }) =>
    salting === undefined
      ? createSalts(openSecret(blindIndex, 'blindIndex'))
      : saltsFrom(openSecret(salting, 'salting').export()),
  )
  return {
    ...{ kids, receiptPublicKeys, learnSealingKeys },
    opens: (use) => secrets.get(use) !== undefined,
    get receiptKeys() {
      return receiptKeys()
    },
    get tokenKeys() {
      return tokenKeys()
    },
    get sealingKeys() {
      return sealingKeys()
    },
    get sessionKeys() {
      return sessionKeys()
    },
    get blindIndexSecret() {
      return persons()
    },
    get salts() {
      return salts()
    },
  }
}

/** What the process keeps of the file: the rest of it is forgotten at once. */
function readUsed(file: string, uses: readonly KeyUse[]) {
  const stored = readStored(file)
  return {
    kids: [...stored.receipt, ...stored.token].map(({ kid }) => kid),
    receiptPublicKeys: stored.receipt.map(publicJwkOf),
    secrets: new Map(uses.map((use) => [use, keysFor(use, stored)])),
  }
}

/** All keys, for tests and benchmarks, which are every process at once. */
export function readKeyring(file: string): Keyring {
  return openKeys(file, keyUses, 'Nobody')
}

const noSecrets = { receipt: [], token: [], sealing: [], blindIndex: '' }

/** Of the stored keys those of one use; undefined where a part has none of it. */
function keysFor(use: KeyUse, stored: StoredKeyring): StoredKeyring | undefined {
  const { salting, receipt, token, sealing, session = [], blindIndex } = stored
  const none = { ...noSecrets, version: 1, embeddedPostgresPassword: '' } as const
  const kept: Record<KeyUse, StoredKeyring> = {
    receipts: { ...none, receipt },
    tokens: { ...none, token },
    sealing: { ...none, sealing },
    sessions: { ...none, session },
    persons: { ...none, blindIndex },
    salts: { ...none, blindIndex, ...(salting !== undefined && { salting }) },
  }
  return hasSecrets(use, stored) ? kept[use] : undefined
}

function hasSecrets(
  use: KeyUse,
  { receipt, token, sealing, blindIndex, ...stored }: StoredKeyring,
) {
  switch (use) {
    case 'receipts':
      return receipt.every(hasSecret)
    case 'tokens':
      return token.every(hasSecret)
    case 'sealing':
      return sealing.length > 0
    case 'sessions':
      return stored.part === undefined || stored.session !== undefined
    case 'persons':
      return blindIndex !== ''
    case 'salts':
      return blindIndex !== '' || stored.salting !== undefined
  }
}

/** A public key is kept as a secret one is, without what comes before its point. */
function hasSecret({ secret }: StoredKey): boolean {
  return !secret.startsWith('.')
}

/** What a file of one kind's keys holds: no secret that the kind does not use. */
export function partOf(stored: StoredKeyring, kind: KeyHolder): StoredKeyring {
  const uses: readonly KeyUse[] = usesOf[kind]
  const publicOnly = (key: StoredKey) => ({ ...key, secret: `.${key.secret.split('.')[1]}` })
  const { receipt, token, sealing, session, blindIndex, kidPrefix } = stored
  const isSalting = uses.includes('salts') && !uses.includes('persons')
  return {
    ...{ version: 1, part: kind, ...(kidPrefix !== undefined && { kidPrefix }) },
    receipt: uses.includes('receipts') ? receipt : receipt.map(publicOnly),
    token: uses.includes('tokens') ? token : token.map(publicOnly),
    sealing: uses.includes('sealing') ? sealing : [],
    ...(uses.includes('sessions') && session && { session }),
    blindIndex: uses.includes('persons') ? blindIndex : '',
    ...(isSalting && {
      salting: saltingKeyOf(openSecret(blindIndex, 'blindIndex')).toString('base64url'),
    }),
    embeddedPostgresPassword: '',
  }
}

/** What tokens are verified with now. */
export function readTokenPublicKeys(file: string): PublicJwk[] {
  return readStored(file).token.map(publicJwkOf)
}

/** What sessions of the portal are sealed with now, newest first. */
export function readSessionKeys(file: string): SealingKey[] {
  return (readStored(file).session ?? []).map(openSealingKey)
}

/** The newest key, which signs. */
export function signerOf({ receiptKeys: [signer] }: Pick<Keyring, 'receiptKeys'>): SigningKey {
  if (signer === undefined) throw new KeyringError(noKeys)
  return signer
}

/** The newest key, which seals. */
export function sealerOf({ sealingKeys: [key] }: Pick<Keyring, 'sealingKeys'>): SealingKey {
  if (key === undefined) throw new KeyringError(noKeys)
  return key
}

const noKeys = 'The keyring has no keys: restore it from your backup.'

/** What accepts: the newest keys, which sign and seal, and the salts. Throws KeyringError when there are none. */
export function activeKeys(keyring: Keyring): {
  readonly signer: SigningKey
  readonly sealingKey: SealingKey
  readonly salts: Salts
} {
  return { signer: signerOf(keyring), sealingKey: sealerOf(keyring), salts: keyring.salts }
}

/** The password of the embedded Postgres's owner. */
export function readEmbeddedPostgresPassword(file: string): string {
  return readStored(file).embeddedPostgresPassword
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
