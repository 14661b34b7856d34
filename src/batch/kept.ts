/**
 * What was filed of a file's employer and period before, whose lines a mended file keeps: read from the
 * journal, part by part, as it was filed.
 */
import type pg from 'pg'
import type { Declaration } from '../declaration/schema.ts'
import { declarationId } from '../journal/digest.ts'
import type { JournalReader } from '../journal/reader.ts'
import type { UnitKey } from './pieces.ts'
import type { RowHeader } from './row-line.ts'

export type Kept = {
  readonly id: string
  /** Of the family that filed it. */
  readonly batch: string
  readonly unit: UnitKey
  readonly lines: number
  readonly parts: number
}

/** A declaration's key among those of its employer and period: the file's, for all that it files. */
export function keyOf(batch: string, { entry }: UnitKey): string {
  return entry === 0 ? batch : `${batch}/${entry}`
}

/** The same of a part; the last is the head. */
export function partKeyOf(batch: string, unit: UnitKey, number: number, count: number): string {
  const key = keyOf(batch, unit)
  return number === count ? key : `${key}/part ${number}`
}

/** The declaration of this id, where the first batch or one that amends it filed it. */
export async function findKept(
  pool: pg.Pool,
  first: string,
  { employer, period }: UnitKey,
  id: string,
): Promise<Kept | undefined> {
  const { rows } = await pool.query<{ batch: string; entry: number; lines: number; parts: number }>(
    {
      name: 'find-kept',
      text: `
        select u.batch, u.entry, u.lines, u.parts
        from batch.batch b
        join batch.unit u on u.batch = b.id
        where (b.id = $1 or b.first = $1) and u.employer = $2 and u.period = $3 and u.id = $4`,
      values: [first, employer, period, id],
    },
  )
  const [row] = rows
  if (row === undefined) return undefined
  const { batch, entry, lines, parts } = row
  return { id, batch, unit: { employer, period, entry }, lines, parts }
}

/** Its parts, in order. */
export async function* readKept(
  reader: JournalReader,
  { batch, unit, parts }: Kept,
): AsyncGenerator<Declaration> {
  for (let number = 1; number <= parts; number += 1) {
    const key = partKeyOf(batch, unit, number, parts)
    yield await reader.read(declarationId(unit.employer, unit.period, key))
  }
}

/** What a declaration has beside its lines, as rows of it would have it. */
export function headerOf(declaration: Declaration): RowHeader {
  const { employer, region, period, industryClass, workInjuryFloat, unitBase } = declaration
  return {
    ...{ employer, region, period },
    ...(industryClass !== undefined && { industryClass }),
    ...(workInjuryFloat !== undefined && { workInjuryFloat }),
    ...(unitBase !== undefined && { unitBase }),
  }
}
