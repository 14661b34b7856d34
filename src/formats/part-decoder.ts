/**
 * Decodes the text of an XML part as its bytes come: UTF-8, or UTF-16 of either order, which ECMA-376-2
 * also allows. Its first bytes decide, as in XML 1.0 (appendix F): a byte-order mark, or else the
 * encoding of `<`.
 */
import { TextDecoder } from 'node:util'
import { XmlError } from './xml.ts'

type PartEncoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/** Enough bytes to detect the encoding. */
const startBytes = 2

export class PartDecoder {
  #start = Buffer.alloc(0)
  #decoder: TextDecoder | undefined

  /** @throws XmlError for bytes that are invalid in the encoding */
  decode(piece: Uint8Array): string {
    if (this.#decoder !== undefined) return decoded(this.#decoder, piece)
    this.#start = Buffer.concat([this.#start, piece])
    return this.#start.length < startBytes ? '' : this.#begin()
  }

  /** @throws XmlError if a character is cut */
  end(): string {
    const rest = this.#decoder === undefined ? this.#begin() : ''
    return rest + decoded(this.#decoder as TextDecoder, undefined)
  }

  #begin(): string {
    this.#decoder = new TextDecoder(encodingOf(this.#start), { fatal: true })
    return decoded(this.#decoder, this.#start)
  }
}

function encodingOf([first, second]: Buffer): PartEncoding {
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return 'utf-16le'
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)) return 'utf-16be'
  return 'utf-8'
}

function decoded(decoder: TextDecoder, piece: Uint8Array | undefined): string {
  try {
    return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true })
  } catch (error) {
    const { code } = error as { code?: unknown }
    throw code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? new XmlError('FILE_BROKEN') : error
  }
}
