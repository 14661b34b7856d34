/**
 * Reads XML as workbooks have it, piece by piece: tags and text only. A DOCTYPE ends the reading, so
 * the only entities are the five of XML and numeric ones, and nothing expands. It is own code rather
 * than a package: small, several times as fast, and it refuses what it doesn't know.
 */
import { xmlDepthMax, xmlTokenCharactersMax } from '../limits.ts'

export type XmlFault = 'FILE_XML_FORBIDDEN' | 'FILE_PART_ENCODING' | 'FILE_BROKEN'

/** A part can't be read; the code names the finding. */
export class XmlError extends Error {
  readonly code: XmlFault
  /** The encoding that the document declares. */
  readonly encoding: string | undefined

  constructor(code: XmlFault, encoding?: string) {
    super(code)
    this.code = code
    this.encoding = encoding
  }
}

export type XmlHandler = {
  /** Names come without prefix; attributes as written, for `attributeOf`. */
  open(name: string, attributes: string): void
  close(name: string): void
  text?(text: string): void
}

export class XmlReader {
  readonly #handler: XmlHandler
  #rest = ''
  /** Names of open elements, innermost last. */
  readonly #within: string[] = []
  #seenTag = false

  constructor(handler: XmlHandler) {
    this.#handler = handler
  }

  /** @throws XmlError */
  push(piece: string): void {
    const text = this.#rest === '' ? piece : this.#rest + piece
    let at = 0
    for (;;) {
      const tag = text.indexOf('<', at)
      if (tag < 0) break
      if (tag > at) this.#text(text.slice(at, tag))
      const end = this.#endOf(text, tag)
      if (end < 0) {
        at = tag
        break
      }
      this.#markup(text, tag, end)
      at = end
    }
    // Text is passed on in one piece, so it waits for the next tag.
    this.#rest = text.slice(at)
    if (this.#rest.length > xmlTokenCharactersMax) throw new XmlError('FILE_BROKEN')
  }

  /** @throws XmlError if the document is incomplete */
  end(): void {
    if (this.#within.length > 0 || !this.#seenTag || this.#rest.trim() !== '') {
      throw new XmlError('FILE_BROKEN')
    }
  }

  /** The end of the markup that begins at `tag`; -1 if it is incomplete. */
  #endOf(text: string, tag: number): number {
    const closing = text.startsWith('<!--', tag)
      ? '-->'
      : text.startsWith('<![CDATA[', tag)
        ? ']]>'
        : text.startsWith('<?', tag)
          ? '?>'
          : '>'
    if (closing !== '>') {
      const at = text.indexOf(closing, tag + 2)
      return at < 0 ? -1 : at + closing.length
    }
    return endOfTag(text, tag)
  }

  #markup(text: string, start: number, end: number): void {
    const second = text.charCodeAt(start + 1)
    if (second === slash) {
      const name = localName(text.slice(start + 2, end - 1).trimEnd())
      if (this.#within.pop() !== name) throw new XmlError('FILE_BROKEN')
      this.#handler.close(name)
    } else if (second === exclamation) this.#declaration(text.slice(start, end))
    else if (second !== question) this.#open(text, start, end)
    else checkEncoding(text.slice(start, end))
  }

  #open(text: string, start: number, end: number): void {
    const empty = text.charCodeAt(end - 2) === slash
    const inside = text.slice(start + 1, empty ? end - 2 : end - 1)
    const space = inside.search(/\s/)
    const name = localName(space < 0 ? inside : inside.slice(0, space))
    if (this.#within.length === 0) this.#openRoot()
    this.#handler.open(name, space < 0 ? '' : inside.slice(space))
    if (empty) this.#handler.close(name)
    else if (this.#within.push(name) > xmlDepthMax) throw new XmlError('FILE_BROKEN')
  }

  /** A document has one root; a second would be another document. */
  #openRoot(): void {
    if (this.#seenTag) throw new XmlError('FILE_BROKEN')
    this.#seenTag = true
  }

  #declaration(markup: string): void {
    if (markup.startsWith('<![CDATA[')) this.#handler.text?.(markup.slice(9, -3))
    else if (!markup.startsWith('<!--')) throw new XmlError('FILE_XML_FORBIDDEN')
  }

  #text(text: string): void {
    if (this.#handler.text !== undefined) this.#handler.text(decodeEntities(text))
  }
}

const [slash, exclamation, question] = [47, 33, 63]

/** The bytes were decoded as one of these; ASCII is UTF-8. */
function checkEncoding(declaration: string): void {
  const [, encoding] = /^<\?xml\s.*encoding\s*=\s*["']([^"']*)/is.exec(declaration) ?? []
  if (encoding === undefined || /^(utf-?8|utf-?16(le|be)?|us-ascii)$/i.test(encoding)) return
  throw new XmlError('FILE_PART_ENCODING', encoding.slice(0, 20))
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/** XML allows `>` within the quotes of an attribute. */
function endOfTag(text: string, tag: number): number {
  let quote = 0
  for (let at = tag; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (quote === 0 && code === 62) return at + 1
    if (quote === 0 && (code === 34 || code === 39)) quote = code
    else if (code === quote) quote = 0
  }
  return -1
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

/** @throws XmlError for an entity that XML doesn't define */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&([^;]{0,10});?/g, (_, name: string) => {
    const known = Object.hasOwn(entities, name) ? entities[name] : undefined
    if (known !== undefined) return known
    const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name) ?? []
    const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16)
    if (!isCharacter(code)) throw new XmlError('FILE_XML_FORBIDDEN')
    return String.fromCodePoint(code)
  })
}

/** Characters that XML allows (XML 1.0, 2.2); half of a surrogate pair is none. */
function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 9 || code === 10 || code === 13
  return code < 0xd800 || (code > 0xdfff && code < 0xfffe) || (code > 0xffff && code <= 0x10ffff)
}

/** Copies the text: a slice would keep the full document in memory. */
export function detachedText(text: string): string {
  return Buffer.from(text).toString()
}

/** An attribute's value, by its name without prefix. */
export function attributeOf(attributes: string, name: string): string | undefined {
  // The form that nearly all programs write.
  const plain = attributes.indexOf(` ${name}="`)
  if (plain >= 0) {
    const start = plain + name.length + 3
    return decodeEntities(attributes.slice(start, attributes.indexOf('"', start)))
  }
  let at = attributes.indexOf(name)
  while (at >= 0) {
    const before = attributes.charCodeAt(at - 1)
    const after = attributes.slice(at + name.length)
    const quoted = /^\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(after)
    if (quoted !== null && (before <= 32 || before === 58)) {
      return decodeEntities(quoted[1] ?? quoted[2] ?? '')
    }
    at = attributes.indexOf(name, at + 1)
  }
  return undefined
}
