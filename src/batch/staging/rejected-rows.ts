/**
 * Rejected rows with all of their findings, sealed, because findings may quote rows.
 */
import type pg from 'pg'
import { pieceBytesMax } from '../../limits.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { SealingKeys } from '../state/seal.ts'
import { openBytes, sealBytes } from '../state/seal.ts'
import type { UnitKey } from './staged-rows.ts'

export type RejectedRow = { readonly row: number; readonly findings: readonly FileFinding[] }

export type RejectedPiece = UnitKey & {
  /** Counts from 1 in each unit. */
  readonly number: number
  /** The stretch of the file that contains all of these rows. */
  readonly stretch: number
  readonly rows: readonly RejectedRow[]
}

function bindingOf(
  batch: string,
  { employer, period, region, entry }: UnitKey,
  number: number,
): string {
  // Older pieces were sealed without a region.
  const of = region === '' ? '' : ` of ${region}`
  return `set aside ${batch} ${employer} ${period} ${entry} ${number}${of}`
}

export async function insertRejectedRows(
  client: pg.PoolClient,
  keys: SealingKeys,
  batch: string,
  all: readonly RejectedPiece[],
): Promise<void> {
  if (all.length === 0) return
  await client.query({
    name: 'insert-rejected-rows',
    text: `
      insert into batch.set_aside (
        batch, employer, period, region, entry, number, stretch, rows, sealed
      )
      select $1, p.employer, p.period, p.region, p.entry, p.number, p.stretch, p.rows, p.sealed
      from unnest(
        $2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
        $8::bytea[], $9::text[]
      ) as p (employer, period, entry, number, stretch, rows, sealed, region)
      on conflict (batch, employer, period, region, entry, number) do update
      set stretch = excluded.stretch, rows = excluded.rows, sealed = excluded.sealed`,
    values: [
      batch,
      all.map(({ employer }) => employer),
      all.map(({ period }) => period),
      all.map(({ entry }) => entry),
      all.map(({ number }) => number),
      all.map(({ stretch }) => stretch),
      all.map(({ rows }) => rows.length),
      all.map(({ rows, number, stretch: _, ...unit }) =>
        sealBytes(keys.sealing, bindingOf(batch, unit, number), Buffer.from(JSON.stringify(rows))),
      ),
      all.map(({ region }) => region),
    ],
  })
}

/**
 * Deletes the pieces of an earlier check of these units beyond the pieces of this one: that check died
 * before its end, and fewer rows may be wrong by now.
 */
export async function deleteRejectedAfter(
  client: pg.PoolClient,
  batch: string,
  units: readonly (UnitKey & { readonly pieces: number })[],
): Promise<void> {
  if (units.length === 0) return
  await client.query({
    name: 'delete-rejected-after',
    text: `
      delete from batch.set_aside s
      using unnest($2::text[], $3::text[], $4::integer[], $5::integer[], $6::text[])
        as u (employer, period, entry, pieces, region)
      where s.batch = $1 and s.employer = u.employer and s.period = u.period
        and s.region = u.region and s.entry = u.entry and s.number > u.pieces`,
    values: [
      batch,
      units.map(({ employer }) => employer),
      units.map(({ period }) => period),
      units.map(({ entry }) => entry),
      units.map(({ pieces }) => pieces),
      units.map(({ region }) => region),
    ],
  })
}

/** The rejected rows of one unit, piece by piece. */
export async function* readRejectedRows(
  pool: pg.Pool,
  keys: SealingKeys,
  batch: string,
  unit: UnitKey,
): AsyncGenerator<readonly RejectedRow[]> {
  const { employer, period, region, entry } = unit
  for (let after = -1; ; ) {
    const { rows } = await pool.query<{ number: number; sealed: Buffer }>({
      name: 'read-rejected-rows',
      text: `
        select number, sealed
        from batch.set_aside
        where batch = $1 and employer = $2 and period = $3 and region = $6 and entry = $4
          and number > $5
        order by number
        limit 1`,
      values: [batch, employer, period, entry, after, region],
    })
    const [row] = rows
    if (row === undefined) return
    after = row.number
    const place = bindingOf(batch, unit, row.number)
    yield JSON.parse(openBytes(keys.all, place, row.sealed, pieceBytesMax).toString())
  }
}

/** The findings of each row in one stretch of the file, for all units. */
export async function readRejectedOfStretch(
  pool: pg.Pool,
  keys: SealingKeys,
  batch: string,
  stretch: number,
): Promise<Map<number, readonly FileFinding[]>> {
  const { rows } = await pool.query<UnitKey & { number: number; sealed: Buffer }>({
    name: 'read-rejected-of-stretch',
    text: `
      select employer, period, region, entry, number, sealed
      from batch.set_aside
      where batch = $1 and stretch = $2`,
    values: [batch, stretch],
  })
  const found = new Map<number, readonly FileFinding[]>()
  for (const { number, sealed, ...unit } of rows) {
    const bytes = openBytes(keys.all, bindingOf(batch, unit, number), sealed, pieceBytesMax)
    for (const { row, findings } of JSON.parse(bytes.toString()) as RejectedRow[])
      found.set(row, findings)
  }
  return found
}
