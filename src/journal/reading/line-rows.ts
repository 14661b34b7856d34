/**
 * Which row of a file each line of a declaration came from, as text in the head of its envelope: runs with
 * commas, `2-4001` of rows that follow each other, `17*300` of lines that are in the same row. Row 0 is of
 * lines that are in no row, as they were kept from an earlier declaration. It is no part of what was
 * declared: digest and receipt don't depend on it.
 */

export function writeLineRows(rows: readonly number[]): string {
  const runs: string[] = []
  for (let at = 0; at < rows.length; ) {
    const first = rows[at] as number
    const step = first === 0 || rows[at + 1] === first ? 0 : 1
    let count = 1
    while (at + count < rows.length && rows[at + count] === first + step * count) count += 1
    if (count === 1) runs.push(`${first}`)
    else runs.push(step === 0 ? `${first}*${count}` : `${first}-${first + count - 1}`)
    at += count
  }
  return runs.join()
}

/** Rows by line; undefined of a line in no row. Empty for a declaration that came in no file. */
export function readLineRows(text: string): (number | undefined)[] {
  const rows: (number | undefined)[] = []
  for (const [, first = '', sign, more] of text.matchAll(/(\d+)(?:([-*])(\d+))?/g)) {
    const [row, end] = [Number(first), Number(more)]
    const count = sign === undefined ? 1 : sign === '*' ? end : end - row + 1
    for (let i = 0; i < count; i += 1)
      rows.push(row === 0 ? undefined : row + (sign === '-' ? i : 0))
  }
  return rows
}
