/**
 * The prior declaration of an employer, period and region, whose lines an amendment or an addition
 * keeps. It is read from the journal, part by part, as it was filed.
 */
import type pg from 'pg'
import type { Declaration } from '../../declaration/schema.ts'
import { declarationId } from '../../journal/digest.ts'
import type { LatestDeclaration } from '../../journal/latest-declaration.ts'
import type { JournalReader } from '../../journal/reading/reader.ts'
import { partLinesMax } from '../../limits.ts'
import type { RowHeader } from '../table/row-line.ts'
import type { UnitKey } from './staged-rows.ts'

export type PriorDeclaration = {
  readonly id: string
  /** Ids of its parts in order; the last one is the head's, which is the declaration's own. */
  readonly ids: readonly string[]
  readonly lines: number
  /** The amended family filed it: days of a platform worker are added to that worker's line. */
  readonly ofFamily: boolean
}

/** A unit with the key from which the ids of its declaration and parts are derived. */
export type FiledUnitKey = UnitKey & { readonly key: string }

/**
 * The key from which a unit's ids are derived. It contains a space, as no Idempotency-Key does, so no
 * other declaration has the same id. A unit that is checked anew may say something else or be cut
 * otherwise, so it gets a key of its own.
 */
export function filingKeyOf(
  batch: string,
  { entry, region }: Pick<UnitKey, 'entry' | 'region'>,
  rechecks = 0,
): string {
  const ofTable = region === '' ? `file ${batch}` : `file ${batch} for ${region}`
  const key = entry === 0 ? ofTable : `file ${batch}/${entry}`
  return rechecks === 0 ? key : `${key} check ${rechecks + 1}`
}

/** The key of a row `u` of `batch.unit`; older rows without a key use the batch's id. */
export const filingKeySql = `coalesce(
  u.key, case when u.entry = 0 then u.batch else u.batch || '/' || u.entry end
)`

/** The key of a part; the last part is the head. */
export function partKeyOf({ key }: FiledUnitKey, number: number, count: number): string {
  return number === count ? key : `${key}/part ${number}`
}

/** The declaration of this id, if the first batch or one that amends it filed it. */
export async function findPriorInFamily(
  pool: pg.Pool,
  first: string,
  { employer, period, region }: UnitKey,
  id: string,
): Promise<PriorDeclaration | undefined> {
  const { rows } = await pool.query<{ key: string; entry: number; lines: number; parts: number }>({
    name: 'find-prior-in-family',
    text: `
      select ${filingKeySql} as key, u.entry, u.lines, u.parts
      from batch.batch b
      join batch.unit u on u.batch = b.id
      where (b.id = $1 or b.first = $1) and u.employer = $2 and u.period = $3 and u.id = $4`,
    values: [first, employer, period, id],
  })
  const [row] = rows
  if (row === undefined) return undefined
  const { key, entry, lines, parts } = row
  const unit = { employer, period, region, entry, key }
  const ids = Array.from({ length: parts }, (_, i) =>
    declarationId(employer, period, partKeyOf(unit, i + 1, parts)),
  )
  return { id, ids, lines, ofFamily: true }
}

/** The declaration of this id, however it was filed. */
export async function readPrior(
  reader: JournalReader,
  { id, lines }: Pick<LatestDeclaration, 'id' | 'lines'>,
): Promise<PriorDeclaration> {
  const { declaration, part } = await reader.readAccepted(id)
  if (part === undefined)
    return { id, ids: [id], lines: declaration.lines?.length ?? 0, ofFamily: false }
  const before = await reader.idsBefore(id, part)
  return { id, ids: [...before, id], lines: lines ?? part.count * partLinesMax, ofFamily: false }
}

/** Its parts, in order. */
export async function* readPriorParts(
  reader: JournalReader,
  { ids }: PriorDeclaration,
): AsyncGenerator<Declaration> {
  for (const id of ids) yield await reader.read(id)
}

/** The header fields of a declaration, in the form that rows have. */
export function headerOf(declaration: Declaration): RowHeader {
  const { employer, region, period, industryClass, workInjuryFloat, unitBase } = declaration
  return {
    ...{ employer, region, period },
    ...(industryClass !== undefined && { industryClass }),
    ...(workInjuryFloat !== undefined && { workInjuryFloat }),
    ...(unitBase !== undefined && { unitBase }),
  }
}
