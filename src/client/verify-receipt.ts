/**
 * Verifies receipts without any server: with the public keys of the service (`/.well-known/jwks.json`), kept or
 * asked for beforehand, and the platform's own WebCrypto.
 *
 * | receipt of | is | what is signed |
 * |---|---|---|
 * | a declaration | `statement`, `salt`, `proof`, `signedRoot` | the root of a Merkle tree; the canonical form of the statement is a leaf |
 * | a file | `statement`, `signed` | the statement |
 */
import { bytesOf, hasDigests, hex, isSame, sha256, utf8 } from './bytes.ts'
import { canonical } from './canonical.ts'
import { rootOf } from './merkle-proof.ts'
import { jsonIn } from './problem.ts'

export type Statement = Readonly<Record<string, string | boolean | number>>

/**
 * `genuine`: signed with a key of the service. `ofRehearsal`: signed with a key of a rehearsal, which counts for
 * nothing, whoever's key it is. `unsupported`: this browser has no Ed25519, or the page came without TLS.
 */
export type ReceiptVerdict =
  | { readonly kind: 'genuine'; readonly kid: string; readonly statement: Statement }
  | { readonly kind: 'ofRehearsal'; readonly kid: string }
  | { readonly kind: 'unknownKey'; readonly kid: string }
  | { readonly kind: 'wrong'; readonly why: WhyWrong }
  | { readonly kind: 'unsupported' }

/**
 * `malformed`: no receipt; `signature`: the signature is not over this; `statement`: what is stated is not what
 * was signed; `content`: it is genuine, but of something else.
 */
export type WhyWrong = 'malformed' | 'signature' | 'statement' | 'content'

/** A key of a JWKS (RFC 7517, RFC 8037). */
export type ReceiptKey = { readonly kid?: string; readonly crv?: string; readonly x?: string }

export type VerifyOptions = {
  /** What it must be a receipt of: a declaration as it was filed, or the bytes of a file. */
  readonly content?: object | Uint8Array
}

type Received = {
  readonly statement?: unknown
  readonly salt?: unknown
  readonly proof?: { readonly index?: unknown; readonly size?: unknown; readonly hashes?: unknown }
  readonly signedRoot?: unknown
  readonly signed?: unknown
}

/** @param receipt the `receipt` of a 202 or of a batch, or the whole answer that has it */
export async function verifyReceipt(
  receipt: unknown,
  { keys }: { readonly keys: readonly ReceiptKey[] },
  { content }: VerifyOptions = {},
): Promise<ReceiptVerdict> {
  if (!hasDigests()) return { kind: 'unsupported' }
  const { receipt: inner } = (receipt ?? {}) as { receipt?: unknown }
  const received = (inner ?? receipt ?? {}) as Received
  const { statement, signed, signedRoot } = received
  const isStatement = typeof statement === 'object' && statement !== null
  const jws = signed ?? signedRoot
  if (!isStatement || typeof jws !== 'string') return wrong('malformed')
  const type = signed === undefined ? 'spillway-root+jws' : 'spillway-batch+jws'
  const opened = await open(jws, type, keys)
  if ('kind' in opened) return opened
  const { kid, payload } = opened
  const isOf =
    signed === undefined
      ? await isLeaf(received, payload)
      : canonical(statement) === canonical(payload)
  if (!isOf) return wrong('statement')
  if (content !== undefined && !(await isContent(received, content))) return wrong('content')
  return { kind: 'genuine', kid, statement: statement as Statement }
}

const wrong = (why: WhyWrong): ReceiptVerdict => ({ kind: 'wrong', why })

type Opened = { readonly kid: string; readonly payload: Readonly<Record<string, unknown>> }

/** A compact JWS of this type, by one of the keys. */
async function open(
  jws: string,
  type: string,
  keys: readonly ReceiptKey[],
): Promise<Opened | ReceiptVerdict> {
  const [header, payload, signature, ...more] = jws.split('.').map(bytesOf)
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    return wrong('malformed')
  const { alg, kid, typ } = membersIn(header)
  if (alg !== 'Ed25519' || typ !== type || typeof kid !== 'string') return wrong('malformed')
  const key = keys.find((one) => one.kid === kid && one.crv === 'Ed25519')
  const isOfRehearsal = kid.startsWith('rehearsal-')
  if (key?.x === undefined) return { kind: isOfRehearsal ? 'ofRehearsal' : 'unknownKey', kid }
  const signed = utf8(jws.slice(0, jws.lastIndexOf('.')))
  const verified = await isSignedBy(key.x, signature, signed)
  if (verified === undefined) return { kind: 'unsupported' }
  if (!verified) return wrong('signature')
  return isOfRehearsal ? { kind: 'ofRehearsal', kid } : { kid, payload: membersIn(payload) }
}

/** Undefined where the platform has no Ed25519. */
async function isSignedBy(
  x: string,
  signature: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean | undefined> {
  const algorithm = { name: 'Ed25519' }
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x }
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify'])
    return await crypto.subtle.verify(algorithm, key, signature, signed)
  } catch (error) {
    // A key that is none is no reason to trust what it signed.
    return (error as { name?: unknown }).name === 'NotSupportedError' ? undefined : false
  }
}

function membersIn(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  return (jsonIn(new TextDecoder().decode(bytes)) ?? {}) as Record<string, unknown>
}

/** Whether the statement is in the tree whose root was signed. */
async function isLeaf(
  { statement, proof }: Received,
  { root, size }: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const signedRoot = bytesOf(String(root))
  const { index, size: sizeOf, hashes } = proof ?? {}
  if (signedRoot === undefined || sizeOf !== size || !Array.isArray(hashes)) return false
  const siblings = hashes.flatMap((hash) => bytesOf(String(hash)) ?? [])
  if (siblings.length !== hashes.length) return false
  const place = { index: Number(index), size: Number(size), hashes: siblings }
  const reached = await rootOf(canonical(statement), place)
  return reached !== undefined && isSame(reached, signedRoot)
}

/** The digest of a declaration is salted, so that nobody can guess what was filed; the receipt has the salt. */
async function isContent(
  { statement, salt }: Received,
  content: object | Uint8Array,
): Promise<boolean> {
  const { digest, sha256: ofFile } = statement as { digest?: unknown; sha256?: unknown }
  if (content instanceof Uint8Array) return ofFile === hex(await sha256(content))
  const plain = await sha256(utf8(canonical(content)))
  if (digest === `sha256:${hex(plain)}`) return true
  if (typeof salt !== 'string') return false
  return digest === `salted-sha256:${hex(await sha256(utf8(salt), plain))}`
}
