/**
 * Stages the rows of a file between reading and filing: by employer, period and region, sealed in
 * pieces. So a declaration can be put together in little memory, and no row is parsed twice.
 */

import type pg from 'pg'
import { pieceBytesMax, piecesHeldBytesMax } from '../../limits.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { SealingKeys } from '../state/seal.ts'
import { openBytes, sealBytes } from '../state/seal.ts'
import type { RowHeader } from '../table/row-line.ts'

/**
 * The row number, and a line as `checkDeclaration` takes it (NDJSON: a full declaration), or the row's
 * findings.
 */
export type StagedRow =
  | readonly [row: number, line: object]
  | readonly [row: number, line: null, findings: readonly FileFinding[]]

/** An employer, period and region; in NDJSON, one declaration. */
export type UnitKey = {
  readonly employer: string
  readonly period: string
  /** Empty if the rows don't name it, and in files that an older version began. */
  readonly region: string
  /** The row of a declaration; 0 in a table. */
  readonly entry: number
}

export type StagedPiece = UnitKey & {
  readonly number: number
  readonly header: RowHeader
  readonly rows: readonly StagedRow[]
}

function bindingOf(batch: string, { employer, period, entry }: UnitKey, number: number): string {
  return `piece ${batch} ${employer} ${period} ${entry} ${number}`
}

export async function insertStagedPieces(
  client: pg.PoolClient,
  keys: SealingKeys,
  batch: string,
  pieces: readonly StagedPiece[],
): Promise<void> {
  if (pieces.length === 0) return
  await client.query({
    name: 'insert-staged-pieces',
    text: `
      insert into batch.piece (batch, employer, period, region, entry, number, rows, sealed)
      select $1, p.employer, p.period, p.region, p.entry, p.number, p.rows, p.sealed
      from unnest(
        $2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::bytea[], $8::text[]
      ) as p (employer, period, entry, number, rows, sealed, region)`,
    values: [
      batch,
      pieces.map(({ employer }) => employer),
      pieces.map(({ period }) => period),
      pieces.map(({ entry }) => entry),
      pieces.map(({ number }) => number),
      pieces.map(({ rows }) => rows.length),
      pieces.map(({ header, rows, number, ...unit }) =>
        sealBytes(
          keys.sealing,
          bindingOf(batch, unit, number),
          Buffer.from(JSON.stringify({ header, rows })),
        ),
      ),
      pieces.map(({ region }) => region),
    ],
  })
}

/** The pieces of one unit, in the file's order, one at a time. */
export async function* readStagedPieces(
  pool: pg.Pool,
  keys: SealingKeys,
  batch: string,
  unit: UnitKey,
): AsyncGenerator<StagedPiece> {
  const { employer, period, region, entry } = unit
  for (let after = -1; ; ) {
    const { rows } = await pool.query<{ number: number; sealed: Buffer }>({
      name: 'read-staged-piece',
      text: `
        select number, sealed
        from batch.piece
        where batch = $1 and employer = $2 and period = $3 and entry = $4 and number > $5
          and region = $6
        order by number
        limit 1`,
      values: [batch, employer, period, entry, after, region],
    })
    const [row] = rows
    if (row === undefined) return
    after = row.number
    const { number, sealed } = row
    yield { ...unit, number, ...openRows(keys, batch, unit, number, sealed) }
  }
}

function openRows(
  keys: SealingKeys,
  batch: string,
  unit: UnitKey,
  number: number,
  sealed: Buffer,
): Pick<StagedPiece, 'header' | 'rows'> {
  const bytes = openBytes(keys.all, bindingOf(batch, unit, number), sealed, pieceBytesMax)
  return JSON.parse(bytes.toString())
}

/**
 * Reads units that have one piece each, in the units' order. One statement returns as many as have
 * `piecesHeldBytesMax` sealed bytes, at least one. `octet_length` gives the size without reading them.
 */
export async function* readSingleStagedPieces(
  pool: pg.Pool,
  keys: SealingKeys,
  batch: string,
  units: readonly UnitKey[],
): AsyncGenerator<StagedPiece> {
  for (let at = 0; at < units.length; ) {
    const rest = units.slice(at)
    const { rows } = await pool.query<UnitKey & { number: number; sealed: Buffer }>({
      name: 'read-single-staged-pieces',
      text: `
        select employer, period, region, entry, number, sealed
        from (
          select p.*, u.nth,
            sum(octet_length(p.sealed)) over (order by u.nth) - octet_length(p.sealed) as before
          from unnest($2::text[], $3::text[], $4::integer[], $6::text[]) with ordinality
            as u (employer, period, entry, region, nth)
          join batch.piece p on p.batch = $1 and p.employer = u.employer and p.period = u.period
            and p.region = u.region and p.entry = u.entry
        ) pieces
        where before < $5
        order by nth`,
      values: [
        batch,
        rest.map(({ employer }) => employer),
        rest.map(({ period }) => period),
        rest.map(({ entry }) => entry),
        piecesHeldBytesMax,
        rest.map(({ region }) => region),
      ],
    })
    if (rows.length === 0) return
    for (const { number, sealed, ...unit } of rows)
      yield { ...unit, number, ...openRows(keys, batch, unit, number, sealed) }
    at += rows.length
  }
}

export type UncheckedUnit = UnitKey & {
  readonly rows: number
  /** Row of the file's first declaration with the same employer, period and region. */
  readonly firstEntry: number
}

/**
 * Staged units that are not checked yet, in order, with their rows.
 * @param after skips units up to this one, which are all checked
 */
export async function listUnchecked(
  pool: pg.Pool,
  batch: string,
  after: UnitKey | undefined,
  limit: number,
): Promise<readonly UncheckedUnit[]> {
  const { rows } = await pool.query<UnitKey & { rows: string; first_entry: number }>({
    name: 'list-unchecked-units',
    text: `
      select p.employer, p.period, p.region, p.entry, sum(p.rows) as rows, (
          select min(f.entry)
          from batch.piece f
          where f.batch = $1 and f.employer = p.employer and f.period = p.period
            and f.region = p.region
        ) as first_entry
      from batch.piece p
      where p.batch = $1
        and (p.employer, p.period, p.region, p.entry) > ($2, $3, $6, $4)
        and not exists (
          select
          from batch.unit u
          where u.batch = p.batch and u.employer = p.employer and u.period = p.period
            and u.region = p.region and u.entry = p.entry
        )
      group by p.employer, p.period, p.region, p.entry
      order by p.employer, p.period, p.region, p.entry
      limit $5`,
    values: [
      ...[batch, after?.employer ?? '', after?.period ?? '', after?.entry ?? -1, limit],
      after?.region ?? '',
    ],
  })
  return rows.map(({ first_entry, ...row }) => ({
    ...row,
    rows: Number(row.rows),
    firstEntry: first_entry,
  }))
}
