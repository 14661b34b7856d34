/**
 * Salted digests of what was filed. A digest alone gives its content away to whoever has the database: with
 * a known name, the identity number of a declaration of one person was found in 23 s on one core. So each
 * declaration has a salt of its own, which follows from its id and a key of the keyring, which no database
 * holds; its filer has it in the receipt, and can prove the content to anybody:
 *
 *   PRK    = HKDF-Extract(SHA-256, salt: none, the keyring's `blindIndex`)       RFC 5869, once
 *   salt   = base64url(HKDF-Expand(PRK, "spillway-digest:" id, 32))
 *   digest = SHA-256(salt as ASCII, SHA-256(canonical form))
 *
 * Two digests of the same content differ. To compare two ids, the engine digests the filed content again with
 * the other id's salt. It stores no digest under one key for all, which would reveal equal content.
 *
 * Older digests stay as they are, in rows and in receipts that filers hold: in column `digest`, and as
 * "sha256:" in a statement. New ones are in `salted_digest`, and "salted-sha256:". An older intake that meets
 * a new one fails at the missing digest; it never takes it for other content, and makes no other receipt. To
 * avoid even that, salting begins when `journal.salting` says so: at once in a new database, and in an older
 * one with "npm run migrate -- finish", after every intake has been restarted.
 *
 *   intakes                      | write  | plain rows | salted rows
 *   all old                      | plain  | work       | none exist
 *   old and new, until `finish`  | plain  | work       | none exist
 *   all new, after `finish`      | salted | work       | work
 *   an old one, after `finish`   | plain  | work       | fail, and store nothing wrong; the retry meets a new intake
 *
 * Each group reads this in the statement that draws its number. If the process dies after that, nothing is
 * stored, and the retry may use the other kind; after the commit, the row says which kind it is.
 */
import { hash, type KeyObject } from 'node:crypto'
import type pg from 'pg'
import { HmacKey } from './receipts/hmac.ts'

/** The digest of an id. */
export type StatedDigest = {
  readonly id: string
  readonly digest: Buffer
  /** False if it was accepted before there were salts. */
  readonly salted: boolean
}

export type Salts = {
  saltOf(id: string): string
  /** @param content SHA-256 of a canonical form */
  digestOf(id: string, content: Buffer): Buffer
  /** Whether it was stated of this content. */
  isOf(stated: StatedDigest, content: Buffer): boolean
}

/** Whether digests are salted by now. */
export async function isSalting(client: Pick<pg.ClientBase, 'query'>): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'is-salting',
    text: 'select from journal.salting where begun',
  })
  return rowCount === 1
}

const label = 'spillway-digest:'
/** Far above any id. */
const infoCharactersMax = 128

export function createSalts(secret: KeyObject): Salts {
  return saltsFrom(saltingKeyOf(secret))
}

/** All that salts are made of; the secret does not follow from it. */
export function saltingKeyOf(secret: KeyObject): Buffer {
  // HKDF-Extract is an HMAC of the key, and HKDF-Expand of one block one of the info and the byte 1 (RFC
  // 5869, 2.2 and 2.3). Once for each declaration, Node's own would cost several times as much.
  const extract = new HmacKey(Buffer.alloc(0), secret.symmetricKeySize ?? 0)
  return Buffer.from(extract.sign(secret.export().toString('latin1')), 'base64url')
}

/** @param pseudorandom of `saltingKeyOf` */
export function saltsFrom(pseudorandom: Buffer): Salts {
  const expand = new HmacKey(pseudorandom, infoCharactersMax)
  const saltOf = (id: string) => expand.sign(`${label}${id}\x01`)
  const digestOf = (id: string, content: Buffer) => saltedDigest(saltOf(id), content)
  return {
    saltOf,
    digestOf,
    isOf: ({ id, digest, salted }, content) =>
      digest.equals(salted ? digestOf(id, content) : content),
  }
}

/**
 * @param salt of a receipt
 * @param content SHA-256 of a canonical form
 */
export function saltedDigest(salt: string, content: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(salt.length + content.length)
  content.copy(bytes, bytes.write(salt, 'latin1'))
  return hash('sha256', bytes, 'buffer')
}
