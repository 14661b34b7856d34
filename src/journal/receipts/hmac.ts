/**
 * HMAC-SHA-256 (RFC 2104) of short texts, made of two one-shot hashes. Node's own Hmac is an object
 * with native memory: making and collecting one for each refusal costs twice as much as all the rest
 * of a refusal's answer.
 */
import { hash } from 'node:crypto'

const blockBytes = 64
const digestBytes = 32

/** A key, and room for what it signs; one text at a time, as nothing here waits. */
export class HmacKey {
  /** The padded key, then the text; the padded key, then the hash of the first. */
  readonly #inner: Buffer
  readonly #outer = Buffer.alloc(blockBytes + digestBytes)

  /**
   * @param key at most 64 bytes: a longer one would be hashed first, which nobody needs here
   * @param charactersMax of a text that is signed
   */
  constructor(key: Buffer, charactersMax: number) {
    if (key.length > blockBytes) throw new RangeError(`a key of ${key.length} bytes is too long`)
    this.#inner = Buffer.alloc(blockBytes + charactersMax)
    for (let i = 0; i < blockBytes; i++) {
      const byte = key[i] ?? 0
      this.#inner[i] = byte ^ 0x36
      this.#outer[i] = byte ^ 0x5c
    }
  }

  /** @param text ASCII, as JWS is; a longer text than the key has room for throws */
  sign(text: string): string {
    const written = this.#inner.write(text, blockBytes, 'latin1')
    if (written !== text.length) throw new RangeError(`${text.length} characters are too many`)
    const inner = hash('sha256', this.#inner.subarray(0, blockBytes + written), 'buffer')
    inner.copy(this.#outer, blockBytes)
    return hash('sha256', this.#outer, 'base64url')
  }
}
