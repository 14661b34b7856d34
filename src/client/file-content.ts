/**
 * What a file is known by: its bytes and what is said of them. Equal files have equal names, so the same file sent
 * again, after a reload or by another program, finds its batch. Where there is no `crypto.subtle`, a name by chance:
 * then the intake alone knows the same file again, once its bytes are there.
 */
import { hasDigests, hex, sha256, utf8 } from './bytes.ts'
import { digestPartBytes, keyBytes } from './limits.ts'

/** What is said of a file, by the names of `POST /v1/batches`. */
export type FileDescription = {
  /** Left out where its rows name several. */
  readonly employer?: string
  readonly period: string
  readonly region: string
  readonly kind: 'regular' | 'correction' | 'addition' | 'cancellation'
  readonly mode: 'all-or-nothing' | 'accept-good' | 'check'
  readonly format?: 'csv' | 'tsv' | 'xlsx' | 'ndjson'
  readonly filename?: string
  readonly slot?: string
  /** The batch whose rows that were set aside this file has, mended. */
  readonly amends?: string
}

/**
 * SHA-256 over what is said of a file, but for its name, and over the SHA-256 of each part of it: a file of any size
 * is in memory a part at a time.
 * @param kept its name before, where it can't be told from the bytes
 */
export async function nameOfContent(
  file: Blob,
  description: FileDescription,
  kept: string | undefined,
): Promise<string> {
  if (!hasDigests()) return kept ?? randomHex()
  const { filename: _, ...said } = description
  const members = Object.entries(said).filter(([, value]) => value !== undefined)
  const digests: Uint8Array[] = [utf8(JSON.stringify([members.sort(), file.size]))]
  for (let from = 0; from < file.size; from += digestPartBytes) {
    const part = await file.slice(from, from + digestPartBytes).arrayBuffer()
    digests.push(await sha256(new Uint8Array(part)))
  }
  return hex(await sha256(...digests))
}

/** An Idempotency-Key: a batch that has ended used the ones before. */
export async function keyOf(content: string, nth: number): Promise<string> {
  if (!hasDigests()) return `${content}-${nth}`
  return hex(await sha256(utf8(`${content} ${nth}`))).slice(0, 40)
}

const randomHex = () => hex(crypto.getRandomValues(new Uint8Array(keyBytes)))
