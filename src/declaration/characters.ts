/**
 * Invisible and meaningless characters that a copy from a chat, a web page or a broken program leaves in
 * names, numbers and amounts. One list serves every format, so that a file and a request get the same
 * findings. Classes follow Unicode: a character that carries nothing may be removed, with a finding; only
 * the filer can fix a character that stands where another was lost.
 */

export type CharacterKind =
  /** Takes no room and carries nothing: zero-width signs, soft hyphens, byte-order marks. */
  | 'invisible'
  /** Turns the direction of what follows; a text shows otherwise than it is. */
  | 'bidirectional'
  /** Control characters, separators of lines and paragraphs, and what Unicode gives to no character. */
  | 'control'
  /** Stands where a program could not read a character (U+FFFD), or is half of one. */
  | 'replaced'
  /** Means something on one machine only. */
  | 'private'
  /** Where GB18030 had characters before Unicode did: 䶮 was U+E863. Registers have them still. */
  | 'formerPrivate'

export type FoundCharacter = {
  readonly kind: CharacterKind
  /** From 1, in characters. */
  readonly position: number
  /** `U+200B` */
  readonly character: string
}

/** Of GB 18030-2000, FE50 to FEA0: what stands in Unicode today for U+E815 and those after it. */
const formerlyPrivate =
  '⺁𠂇𠂉𠃌⺄㑳㑇⺈⺋龴㖞㘚㘎⺌⺗㥮㤘龵㧏㧟㩳㧐龶龷㭎㱮㳠⺧𡗗龸⺪䁖䅟⺮䌷⺳⺶⺷𢦏䎱䎬⺻䏝䓖䙡䙌龹䜣䜩䝼䞍⻊䥇䥺䥽䦂䦃䦅䦆䦟䦛䦷䦶龺𤇾䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻'
const formerFrom = 0xe815
const former = [...formerlyPrivate]

const invisibleRanges =
  '\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200d\\u2060-\\u2064\\u206a-\\u206f\\u3164\\ufeff\\uffa0'
const bidirectionalRanges = '\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069'
/** Tags, from U+E0000 to U+E007F: written in halves, as expressions without `u` are several times faster. */
const tags = '\\udb40[\\udc00-\\udc7f]'
const invisible = new RegExp(`[${invisibleRanges}]|${tags}`)
const bidirectional = new RegExp(`[${bidirectionalRanges}]`)
const unseen = new RegExp(`[${invisibleRanges}${bidirectionalRanges}]|${tags}`)
const unseenAll = new RegExp(unseen.source, 'g')
const control = /[\p{Cc}\u2028\u2029\p{Noncharacter_Code_Point}]/u
const replaced = /[\ufffc\ufffd\p{Cs}]/u
const privateUse = /\p{Co}/u
/** Any of those that are seen, or would be. */
const telling = new RegExp(`${control.source}|${replaced.source}|${privateUse.source}`, 'u')

/** The first of these characters; of those that can't be taken off, where there are any. */
export function findCharacter(text: string): FoundCharacter | undefined {
  if (!unseen.test(text) && !telling.test(text)) return undefined
  let harmless: FoundCharacter | undefined
  let position = 0
  for (const character of text) {
    position += 1
    const kind = kindOf(character)
    if (kind === undefined) continue
    const found = { kind, position, character: codePointOf(character) }
    if (!isHarmless(kind)) return found
    harmless ??= found
  }
  return harmless
}

function kindOf(character: string): CharacterKind | undefined {
  if (invisible.test(character)) return 'invisible'
  if (bidirectional.test(character)) return 'bidirectional'
  if (control.test(character)) return 'control'
  if (replaced.test(character)) return 'replaced'
  if (!privateUse.test(character)) return undefined
  return standardFor(character) === undefined ? 'private' : 'formerPrivate'
}

const isHarmless = (kind: CharacterKind) =>
  kind === 'invisible' || kind === 'bidirectional' || kind === 'formerPrivate'

/** What Unicode has today for a character of private use that GB18030 had; undefined for any other. */
export function standardFor(character: string): string | undefined {
  return former[(character.codePointAt(0) as number) - formerFrom]
}

/** `U+200B` */
export function codePointOf(character: string): string {
  const hex = (character.codePointAt(0) as number).toString(16).toUpperCase()
  return `U+${hex.padStart(4, '0')}`
}

/** Without what takes no room and what turns directions. */
export function withoutUnseen(text: string): string {
  return unseen.test(text) ? text.replace(unseenAll, '') : text
}

/** The first character that takes no room or turns directions. */
export function findUnseen(text: string): FoundCharacter | undefined {
  if (!unseen.test(text)) return undefined
  let position = 0
  for (const character of text) {
    position += 1
    const kind = kindOf(character)
    if (kind === 'invisible' || kind === 'bidirectional')
      return { kind, position, character: codePointOf(character) }
  }
  return undefined
}

/** What programs write where they have nothing; a name that is somebody's (Null, Nan) is none of them. */
const placeholders: ReadonlySet<string> = new Set([
  ...['NULL', 'null', '(null)', '<null>', 'None', 'none', 'nil', 'NaN', 'nan', '<NA>', 'NaT'],
  ...['undefined', '[object Object]', 'N/A', 'n/a', '\\N', '#'],
  ...['#N/A', '#REF!', '#VALUE!', '#DIV/0!', '#NAME?', '#NULL!', '#NUM!', '#SPILL!', '#CALC!'],
  ...['#GETTING_DATA', '#FIELD!', '#BLOCKED!', '#UNKNOWN!', '#BUSY!', '#CONNECT!'],
])
/** As a spreadsheet shows what is wider than its column; and signs alone: `.`, `-`, `/`, `—`. */
const signsAlone = /^[\p{P}\p{S}\s]+$/u
const radical = /[\u2e80-\u2fdf]/
/** Longer ones are texts. */
const placeholderCharactersMax = 20

/** Whether a text stands for nothing. */
export function isPlaceholder(text: string): boolean {
  if (text.length > placeholderCharactersMax) return false
  const bare = withoutUnseen(text).trim()
  if (bare === '') return false
  return placeholders.has(bare) || (signsAlone.test(bare) && !radical.test(bare))
}
