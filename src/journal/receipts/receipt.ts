/**
 * Receipts: signed proof that a declaration was accepted. A receipt is made of a statement (the
 * leaf), its Merkle proof, and the group's signed root; it verifies offline with a public key.
 * All three can be made again from the journal to the same bytes.
 */
import { formatInstant } from '../../declaration/period.ts'
import { saltedDigest } from '../salting.ts'
import { openBatchReceipt } from './batch-receipt.ts'
import { openCompact, type PublicJwk, type Signer, signCompact } from './compact-jws.ts'
import { leafHash, rootFromProof } from './merkle.ts'

/** What is stated of one accepted declaration. Instants in microseconds since 1970. */
export type Statement = {
  readonly id: string
  readonly employer: string
  readonly period: string
  readonly kind: string
  readonly digest: Buffer
  /** Whether the digest is one of salting.ts, of the content and the salt that the receipt has. */
  readonly salted: boolean
  readonly acceptedAtMicros: number
  readonly deadlineMicros: number
  readonly onTime: boolean
  /** Of a filing that came back with an attempt ticket: it counts from then. */
  readonly attemptedAtMicros?: number | undefined
}

/** What a group's signature covers besides the root: the envelope and the chain of envelopes. */
export type RootClaims = {
  readonly envelope: bigint
  readonly size: number
  readonly root: Buffer
  /** SHA-256 of the sealed envelope. */
  readonly content: Buffer
  /** The link of the envelope before, by the same writer. */
  readonly previous: Buffer
}

/** The type of a group's signed root. */
export const rootType = 'spillway-root+jws'

/**
 * The statement as RFC 8785 text: keys in order, no spaces. No value needs escaping: ids, codes
 * and instants are checked before, and the environment is encoded.
 */
export function statementText(statement: Statement, environment: string): string {
  const { attemptedAtMicros: attempted } = statement
  return (
    `{"acceptedAt":"${formatInstant(statement.acceptedAtMicros)}"` +
    (attempted === undefined ? '' : `,"attemptedAt":"${formatInstant(attempted)}"`) +
    `,"deadline":"${formatInstant(statement.deadlineMicros)}"` +
    `,"digest":"${algorithmOf(statement)}:${statement.digest.toString('hex')}"` +
    `,"employer":"${statement.employer}","environment":${JSON.stringify(environment)}` +
    `,"id":"${statement.id}","kind":"${statement.kind}","onTime":${statement.onTime}` +
    `,"period":"${statement.period}"}`
  )
}

/** Tells statements with a salt from those of before. */
const algorithms = { plain: 'sha256', salted: 'salted-sha256' } as const

function algorithmOf({ salted }: Pick<Statement, 'salted'>): string {
  return salted ? algorithms.salted : algorithms.plain
}

/**
 * The receipt as JSON text, from the statement's text.
 * @param salt of a salted digest; it is in the receipt alone, and not in what is signed
 */
export function receiptText(
  statement: string,
  place: { readonly index: number; readonly size: number; readonly proof: readonly Buffer[] },
  signedRoot: string,
  salt: string | undefined,
): string {
  const hashes = place.proof.map((hash) => `"${hash.toString('base64url')}"`).join(',')
  return (
    `{"statement":${statement}` +
    (salt === undefined ? '' : `,"salt":"${salt}"`) +
    `,"proof":{"index":${place.index},"size":${place.size},"hashes":[${hashes}]}` +
    `,"signedRoot":"${signedRoot}"}`
  )
}

/** Signs a group's root. */
export function signRoot(signer: Signer, claims: RootClaims): string {
  const payload =
    `{"content":"${claims.content.toString('base64url')}","envelope":"${claims.envelope}"` +
    `,"previous":"${claims.previous.toString('base64url')}"` +
    `,"root":"${claims.root.toString('base64url')}","size":${claims.size}}`
  return signCompact(signer, rootType, payload)
}

export type ReceiptVerdict =
  | { readonly valid: true; readonly kid: string; readonly statement: Record<string, unknown> }
  | { readonly valid: false; readonly reason: string }

/**
 * Verifies a receipt offline against public keys (a JWKS).
 * @param receipt the parsed `receipt` member of a 202, or of a batch
 */
export function verifyReceipt(receipt: unknown, keys: readonly PublicJwk[]): ReceiptVerdict {
  const { statement, proof, signedRoot, signed } = (receipt ?? {}) as Record<string, unknown>
  if (typeof signed === 'string') {
    const opened = openBatchReceipt({ statement, signed }, keys)
    return typeof opened === 'string' ? invalid(opened) : { valid: true, ...opened }
  }
  if (typeof statement !== 'object' || statement === null || typeof signedRoot !== 'string') {
    return invalid('This is not a receipt: it needs statement, proof and signedRoot.')
  }
  const root = openSignedRoot(signedRoot, keys)
  if (typeof root === 'string') return invalid(root)
  const place = (proof ?? {}) as { index?: unknown; size?: unknown; hashes?: unknown }
  if (place.size !== root.size || !Array.isArray(place.hashes)) {
    return invalid('The proof does not belong to this signed root.')
  }
  const leaf = leafHash(sortedJson(statement as Record<string, unknown>))
  const hashes = place.hashes.map((hash) => Buffer.from(String(hash), 'base64url'))
  const reached = rootFromProof(leaf, Number(place.index), root.size, hashes)
  if (reached === undefined || !reached.equals(root.root)) {
    return invalid('The statement is not what was signed.')
  }
  return { valid: true, kid: root.kid, statement: statement as Record<string, unknown> }
}

/**
 * Whether a receipt, which verifies, is of this content.
 * @param content SHA-256 of the canonical form of a declaration, or of a file
 */
export function isReceiptOf(receipt: unknown, content: Buffer): boolean {
  const { statement, salt } = (receipt ?? {}) as Record<string, unknown>
  const { digest, sha256 } = (statement ?? {}) as Record<string, unknown>
  if (sha256 === content.toString('hex')) return true
  if (digest === `${algorithms.plain}:${content.toString('hex')}`) return true
  if (typeof salt !== 'string') return false
  return digest === `${algorithms.salted}:${saltedDigest(salt, content).toString('hex')}`
}

function invalid(reason: string): ReceiptVerdict {
  return { valid: false, reason }
}

type OpenedRoot = { readonly kid: string; readonly root: Buffer; readonly size: number }

function openSignedRoot(signedRoot: string, keys: readonly PublicJwk[]): OpenedRoot | string {
  const opened = openCompact(signedRoot, rootType, keys)
  if (typeof opened === 'string') return opened
  const { root, size } = opened.payload
  return { kid: opened.kid, root: Buffer.from(String(root), 'base64url'), size: Number(size) }
}

/** RFC 8785 for an object of strings and booleans. */
function sortedJson(record: Record<string, unknown>): string {
  const members = Object.keys(record).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${JSON.stringify(record[name])}`).join(',')}}`
}
