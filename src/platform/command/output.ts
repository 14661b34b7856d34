/**
 * What commands print. Texts of a database, a file or an answer can steer a terminal: move its cursor, hide what
 * was printed, turn a number around. All that a command prints goes through here, where such characters are
 * printed as their code, `\u001b`; so JSON stays the same JSON. A test sees to it that nothing is printed elsewhere.
 */

/**
 * Controls (C0 but tab and line feed, DEL, C1), marks and overrides of direction (UAX #9), separators that end a
 * line, annotations, tags, and half characters.
 */
const steering =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\u{e0000}-\u{e007f}]|\r(?!\n)|\p{Cs}/gu

/** A text of some lines, as it can be printed. */
export function printable(text: string): string {
  return text.replace(steering, codesOf)
}

/** A text of one line: what it has of line ends is printed as their code, too. */
export function printableLine(text: string): string {
  return printable(text).replace(/\r?\n/g, codesOf)
}

function codesOf(characters: string): string {
  let codes = ''
  for (let i = 0; i < characters.length; i += 1)
    codes += `\\u${characters.charCodeAt(i).toString(16).padStart(4, '0')}`
  return codes
}

/** Prints one line. */
export function say(line: string): void {
  process.stdout.write(`${printableLine(line)}\n`)
}

/** Prints a text of some lines as it is. Returns false while its reader is slower. */
export function write(text: string): boolean {
  return process.stdout.write(printable(text))
}

/** Tells something beside what is printed: progress, and why nothing is printed. */
export function tellAside(text: string): void {
  process.stderr.write(printable(text))
}

/** Prints a line in the place of the one that was printed last; only on a terminal. */
export function overwrite(line: string): void {
  process.stdout.write(`\r\u001b[K${printableLine(line)}`)
}

/** The same aside. */
export function overwriteAside(line: string): void {
  process.stderr.write(`\r\u001b[K${printableLine(line)}`)
}
