/**
 * Finds the part of a declaration that contains a line, by the line's number in the declaration or by its
 * row in the file. It opens only a few of hundreds of parts: acceptances say how many lines each part has,
 * and rows rise from part to part, after the lines that come from no row.
 */

import { readLineRows } from '../journal/reading/line-rows.ts'
import { type FoundDeclaration, findPositions } from '../journal/reading/read.ts'
import type { Queryable } from '../journal/reading/read-pool.ts'
import { JournalReader } from '../journal/reading/reader.ts'
import { partLinesMax } from '../limits.ts'
import type { JournalAccess, LocatedPart } from './person-amounts.ts'

export type AskedLine = { readonly line: number } | { readonly row: number }

/** @returns the part, and where in it the line is, from 0: beyond its end where there is none */
export async function findPartWith(
  access: JournalAccess,
  found: FoundDeclaration,
  asked: AskedLine,
): Promise<{ readonly part: LocatedPart; readonly at: number }> {
  const parts = await openParts(access, found)
  if ('line' in asked) {
    const number = parts.starts.findLastIndex((start) => start < asked.line)
    const part = await parts.read(number)
    return { part, at: asked.line - 1 - part.linesBefore }
  }
  let [low, high] = [0, parts.starts.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const first = rowsOf(await parts.read(middle)).find((row) => row !== undefined)
    if (first === undefined || first <= asked.row) low = middle
    else high = middle - 1
  }
  const part = await parts.read(low)
  const rows = rowsOf(part)
  const at = rows.findLastIndex((row) => row !== undefined && row <= asked.row)
  const isThere = at >= 0 && (rows[at] === asked.row || isDayOf(part, at))
  return { part, at: isThere ? rows.indexOf(rows[at]) : (part.declaration.lines?.length ?? 0) }
}

/** Rows of a platform's worker follow each other, and are one line at the first of them. */
function isDayOf({ declaration }: LocatedPart, at: number): boolean {
  return declaration.lines?.[at]?.category === 'platform'
}

function rowsOf({ rows = '' }: LocatedPart): (number | undefined)[] {
  return readLineRows(rows)
}

async function openParts({ readPool, sealingKeys }: JournalAccess, found: FoundDeclaration) {
  const { id, part } = found
  const journal = new JournalReader(readPool, sealingKeys)
  const before = part === undefined ? [] : await journal.idsBefore(id, part)
  const starts = [0]
  for (const lines of await linesOf(readPool, before)) starts.push((starts.at(-1) ?? 0) + lines)
  const read = async (number: number): Promise<LocatedPart> => {
    const linesBefore = starts[number] ?? 0
    const own = before[number]
    if (own === undefined) return { ...found, linesBefore }
    const envelope = (await findPositions(readPool, [own])).get(own)?.envelope as bigint
    return { ...(await journal.readAccepted(own)), envelope, linesBefore }
  }
  return { starts, read }
}

/** By part. What was accepted before lines were kept was cut by their number alone. */
async function linesOf(pool: Queryable, ids: readonly string[]): Promise<number[]> {
  if (ids.length === 0) return []
  const { rows } = await pool.query<{ id: string; lines: number | null }>({
    name: 'find-lines-of-parts',
    text: 'select id, lines from journal.acceptance where id = any($1::text[])',
    values: [ids],
  })
  const lines = new Map(rows.map((row) => [row.id, row.lines]))
  return ids.map((id) => lines.get(id) ?? partLinesMax)
}
