/**
 * Sealed texts that a browser keeps for us: AES-256-GCM with keys of the keyring, so that any intake process
 * opens what another sealed, and whoever holds one can neither read nor change it. What one is for is bound to
 * it: a cookie of one purpose is none of another's. The keys are looked at every few seconds (access-watch.ts):
 * one that is retired opens nothing any more.
 *
 * Bytes: version (1), key id (6), nonce (12), ciphertext, tag (16); as base64url.
 */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { sealedCharactersMax } from '../../limits.ts'

/** `kid`: 12 hexadecimal digits; `secret`: 256 bits. */
export type SealKey = { readonly kid: string; readonly secret: KeyObject }

export type Purpose = 'session' | 'renewal' | 'sign-in'

const version = 1
const nonceAt = 7
const sealedAt = nonceAt + 12
const tagBytes = 16

export class Seals {
  readonly #read: () => readonly SealKey[]
  #keys: readonly SealKey[]

  /** @param read newest first: the first seals, all open */
  constructor(read: () => readonly SealKey[]) {
    this.#read = read
    this.#keys = read()
  }

  /** Looks at the keys again. @throws where they can't be read; those that were read last go on */
  refresh(): void {
    this.#keys = this.#read()
  }

  /** Whether anything can be sealed: a keyring of before there were sessions has no key for them. */
  get hasKey(): boolean {
    return this.#keys.length > 0
  }

  /** @returns undefined where the text is longer than a browser keeps, or there is no key */
  seal(purpose: Purpose, content: Uint8Array): string | undefined {
    const [key] = this.#keys
    if (key === undefined) return undefined
    const head = Buffer.alloc(sealedAt)
    head[0] = version
    head.write(key.kid, 1, 'hex')
    head.set(randomBytes(sealedAt - nonceAt), nonceAt)
    const cipher = createCipheriv('aes-256-gcm', key.secret, head.subarray(nonceAt))
    cipher.setAAD(boundTo(purpose, head))
    const parts = [head, cipher.update(content), cipher.final(), cipher.getAuthTag()]
    const sealed = Buffer.concat(parts).toString('base64url')
    return sealed.length > sealedCharactersMax ? undefined : sealed
  }

  /** @returns undefined for what was not sealed here for this purpose, or with a key that is retired */
  open(purpose: Purpose, text: string): Buffer | undefined {
    if (text.length > sealedCharactersMax) return undefined
    const sealed = Buffer.from(text, 'base64url')
    if (sealed[0] !== version || sealed.length < sealedAt + tagBytes) return undefined
    const kid = sealed.toString('hex', 1, nonceAt)
    const key = this.#keys.find((one) => one.kid === kid)
    if (key === undefined) return undefined
    const head = sealed.subarray(0, sealedAt)
    const decipher = createDecipheriv('aes-256-gcm', key.secret, head.subarray(nonceAt))
    decipher.setAAD(boundTo(purpose, head))
    decipher.setAuthTag(sealed.subarray(-tagBytes))
    try {
      return Buffer.concat([
        decipher.update(sealed.subarray(sealedAt, -tagBytes)),
        decipher.final(),
      ])
    } catch {
      return undefined
    }
  }
}

function boundTo(purpose: Purpose, head: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`spillway ${purpose}\0`), head])
}
