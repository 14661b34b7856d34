/**
 * Finds names that were read in the wrong encoding, where that is certain: the text gives its bytes back,
 * and they are Chinese in the other encoding. Also finds names with a sign in place of a lost or masked
 * character, and names without any letter that a register could hold.
 */

/** What Windows-1252 has where Latin-1 has control characters. */
const windows1252 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ'
const windows1252Bytes = [
  ...[0x80, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8e],
  ...[0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9e, 0x9f],
]

/** Letters of scripts in which names are written on documents of China, and of permits. */
const letter =
  /[\p{Script=Han}\p{Script=Latin}\p{Script=Tibetan}\p{Script=Mongolian}\p{Script=Arabic}\p{Script=Yi}\p{Script=Hangul}\p{Script=Tai_Le}\p{Script=New_Tai_Lue}\p{Script=Lisu}\p{Script=Hiragana}\p{Script=Katakana}]/u
const lost = /[?？□■*＊]/u

/** U+FFFD twice in UTF-8, read as GB18030: what the name was, nobody can tell. */
export const replacedTwice = '锟斤拷'

/** Whether a name was probably read in the wrong encoding; it is kept as filed, with a warning. */
export function isUnreadable(name: string): boolean {
  if (!letter.test(name) || lost.test(name)) return true
  if (!/[\u0080-\u00ff]/.test(name)) return false
  // A space that no line breaks at was one of the bytes; copied, it is any space.
  return isMisread(name) || (name.includes(' ') && isMisread(name.replaceAll(' ', '\u00a0')))
}

/** Chinese that was read as Latin-1 or Windows-1252. */
function isMisread(name: string): boolean {
  const bytes: number[] = []
  for (const character of name) {
    const code = character.codePointAt(0) as number
    const at = windows1252.indexOf(character)
    if (code > 0xff && at < 0) return false
    bytes.push(at < 0 ? code : (windows1252Bytes[at] as number))
  }
  const read = (encoding: string) => {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(Uint8Array.from(bytes))
    } catch {
      return ''
    }
  }
  if (/\p{Script=Han}/u.test(read('utf-8'))) return true
  // Bytes of GB 2312 alone, two characters or more: no language of Latin letters writes so.
  const pairs = bytes.length / 2
  if (!Number.isInteger(pairs) || pairs < 2 || bytes.some((byte) => byte < 0xa1)) return false
  return /^\p{Script=Han}+$/u.test(read('gb18030'))
}
