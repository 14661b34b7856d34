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
 * Two digests of the same content differ. Whether they are of the same content is asked of two ids at a time:
 * what is filed is digested again as the other one would have been. No digest under one key for all is kept,
 * from which equal content could be told.
 *
 * Digests of before are what they are, in rows and in receipts that filers hold: `digest` of a row has them,
 * and "sha256:" of a statement. New ones are in `salted_digest`, and "salted-sha256:". An intake of before
 * that met one of these fails at the missing digest; it never takes it for another content, or makes another
 * receipt of it. So that this is met by none, salting begins where `journal.salting` says so: at once in a
 * new database, and in one of before with "npm run migrate -- finish", once each intake has been restarted.
 *
 *   intakes                      | write  | meet plain rows | meet salted rows
 *   all of before                | plain  | as ever         | none are there
 *   both, until `finish`         | plain  | as ever         | none are there
 *   all new, after `finish`      | salted | as ever         | as ever
 *   one of before, after it      | plain  | as ever         | fail, and store nothing wrong; the next try meets a new one
 *
 * Each group learns it from the statement that draws its number. If the process dies after that, nothing is
 * stored, and the next try may be of the other kind; after the commit, the row says which it is.
 */
import { hash, type KeyObject } from 'node:crypto'
import type pg from 'pg'
import { HmacKey } from './receipts/hmac.ts'

/** A digest as it is stated of an id. */
export type StatedDigest = {
  readonly id: string
  readonly digest: Buffer
  /** False: accepted before there were salts. */
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
  // HKDF-Extract is an HMAC of the key, and HKDF-Expand of one block one of the info and the byte 1 (RFC
  // 5869, 2.2 and 2.3). Once for each declaration, Node's own would cost several times as much.
  const extract = new HmacKey(Buffer.alloc(0), secret.symmetricKeySize ?? 0)
  const pseudorandom = Buffer.from(extract.sign(secret.export().toString('latin1')), 'base64url')
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
