/**
 * Settles the units of a file that an operator took out of filing. A unit is filed if the journal has
 * its declaration, even if the worker died before recording it. Nothing of the other units is filed:
 * accepted parts of them have no effect, because their head never comes.
 *
 * If the file is to be checked anew, the unfiled units and their rejected rows are deleted. They are
 * then checked as if for the first time, under other ids. Filed units stay as they are.
 *
 * Each page is one transaction. A process that dies before its commit has changed nothing; after it,
 * the next one continues with the remaining units.
 */
import type pg from 'pg'
import { declarationId } from '../../journal/digest.ts'
import { deletedAtATime } from '../../limits.ts'
import { type LeasedBatch, type StepDependencies, writeStep } from '../lease/batch-lease.ts'
import { partKeyOf } from '../staging/prior-declaration.ts'
import { listUnfiled, type UnfiledUnit } from './unfiled-units.ts'

/** Before a new check: settles filed units and deletes the others. */
export async function deleteUnfiled(
  dependencies: StepDependencies,
  work: LeasedBatch,
): Promise<void> {
  const { batch } = work
  for (const page of [settlePage, deletePage]) {
    for (let more = true; more; ) {
      await writeStep(dependencies, work, {}, async (client) => {
        more = await page(client, batch)
      })
    }
  }
  await writeStep(dependencies, work, {}, async (client) => {
    await client.query('delete from batch.error_row where batch = $1', [batch])
    await client.query({
      name: 'count-remaining-rows',
      text: `
        update batch.work w
        set to_settle = false, errors_position = null, rows_good = u.good, rows_set_aside = u.aside
        from (
          select coalesce(sum(rows_good), 0) as good, coalesce(sum(rows_set_aside), 0) as aside
          from batch.unit
          where batch = $1
        ) u
        where w.batch = $1`,
      values: [batch],
    })
  })
}

/** Settles some units. @returns whether there may be more */
export async function settlePage(client: pg.PoolClient, batch: string): Promise<boolean> {
  const units = await listUnfiled(client, batch, undefined)
  if (units.length === 0) return false
  const accepted = await findAccepted(client, units)
  const filed = units.filter(({ id }) => accepted.has(id))
  const begun = units.find(({ partsFiled }) => partsFiled > 0)
  const counted = begun === undefined ? 0 : await countPartialRows(client, batch)
  const rows = filed.map((unit) => unit.rowsGood - (unit === begun ? counted : 0))
  await noteUnits(client, batch, units, new Set(filed))
  await noteEnvelopes(client, batch, filed, { rows, accepted })
  const isOrphaned = begun !== undefined && !accepted.has(begun.id)
  if (isOrphaned) await subtractRows(client, batch, envelopesOf(begun, accepted), counted)
  const more = rows.reduce((sum, one) => sum + one, 0) - (isOrphaned ? counted : 0)
  await client.query(
    `update batch.work
     set rows_filed = rows_filed + $2, declarations = declarations + $3, version = version + 1
     where batch = $1`,
    [batch, more, filed.length],
  )
  return true
}

function partIds({ parts, ...unit }: UnfiledUnit): string[] {
  return Array.from({ length: parts }, (_, i) =>
    declarationId(unit.employer, unit.period, partKeyOf(unit, i + 1, parts)),
  )
}

/** Envelopes of the accepted units and parts, by id. */
async function findAccepted(
  client: pg.PoolClient,
  units: readonly UnfiledUnit[],
): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await client.query<{ id: string; envelope: string }>({
    name: 'find-accepted-parts',
    text: 'select id, envelope from journal.acceptance where id = any($1::text[])',
    values: [units.flatMap(partIds)],
  })
  return new Map(rows.map(({ id, envelope }) => [id, BigInt(envelope)]))
}

/** Latest first. */
function envelopesOf(unit: UnfiledUnit, accepted: ReadonlyMap<string, bigint>): bigint[] {
  const found = partIds(unit).flatMap((id) => accepted.get(id) ?? [])
  return [...new Set(found)].sort((one, other) => (one < other ? 1 : -1))
}

/**
 * Rows counted as filed that belong to an incomplete unit. Units are filed in order, so there is at
 * most one.
 */
async function countPartialRows(client: pg.PoolClient, batch: string): Promise<number> {
  const { rows } = await client.query<{ rows: string }>({
    name: 'count-rows-of-parts',
    text: `
      select w.rows_filed - (
          select coalesce(sum(u.rows_good), 0)
          from batch.unit u
          where u.batch = $1 and u.parts > 0 and u.parts_filed = u.parts
        ) as rows
      from batch.work w
      where w.batch = $1`,
    values: [batch],
  })
  return Number(rows[0]?.rows)
}

async function noteUnits(
  client: pg.PoolClient,
  batch: string,
  units: readonly UnfiledUnit[],
  filed: ReadonlySet<UnfiledUnit>,
): Promise<void> {
  await client.query({
    name: 'settle-units',
    text: `
      update batch.unit u
      set parts = case when s.filed then u.parts else 0 end,
        parts_filed = case when s.filed then u.parts else 0 end
      from unnest($2::text[], $3::text[], $4::integer[], $5::boolean[], $6::text[])
        as s (employer, period, entry, filed, region)
      where u.batch = $1 and u.employer = s.employer and u.period = s.period
        and u.region = s.region and u.entry = s.entry`,
    values: [
      batch,
      units.map(({ employer }) => employer),
      units.map(({ period }) => period),
      units.map(({ entry }) => entry),
      units.map((unit) => filed.has(unit)),
      units.map(({ region }) => region),
    ],
  })
}

type FiledRows = {
  /** The rows of each unit that are not counted yet; they count with the head. */
  readonly rows: readonly number[]
  readonly accepted: ReadonlyMap<string, bigint>
}

async function noteEnvelopes(
  client: pg.PoolClient,
  batch: string,
  filed: readonly UnfiledUnit[],
  { rows, accepted }: FiledRows,
): Promise<void> {
  const more = new Map<bigint, number>()
  for (const [i, unit] of filed.entries()) {
    for (const envelope of envelopesOf(unit, accepted))
      if (!more.has(envelope)) more.set(envelope, 0)
    const head = accepted.get(unit.id) as bigint
    more.set(head, (more.get(head) ?? 0) + (rows[i] ?? 0))
  }
  await client.query({
    name: 'settle-envelopes',
    text: `
      insert into batch.envelope as e (batch, envelope, rows)
      select $1, n.envelope, n.rows
      from unnest($2::bigint[], $3::bigint[]) as n (envelope, rows)
      on conflict (batch, envelope) do update
      set rows = e.rows + excluded.rows`,
    values: [batch, [...more.keys()], [...more.values()]],
  })
}

/**
 * Subtracts the rows of an incomplete unit from its envelopes. Nothing was filed after it, so only the
 * first of these envelopes may have rows of other units.
 */
async function subtractRows(
  client: pg.PoolClient,
  batch: string,
  envelopes: readonly bigint[],
  rows: number,
): Promise<void> {
  let left = rows
  for (const envelope of envelopes) {
    const place = [batch, envelope]
    const found = await client.query<{ rows: string }>(
      'select rows from batch.envelope where batch = $1 and envelope = $2',
      place,
    )
    const taken = Math.min(left, Number(found.rows[0]?.rows ?? 0))
    left -= taken
    await client.query(
      'update batch.envelope set rows = rows - $3 where batch = $1 and envelope = $2',
      [...place, taken],
    )
  }
}

/** Deletes some unfiled units and their rejected rows. @returns whether there may be more */
async function deletePage(client: pg.PoolClient, batch: string): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'delete-unfiled-units',
    text: `
      with chosen as (
        select employer, period, region, entry
        from batch.unit
        where batch = $1 and parts = 0
        limit $2
      ), aside as (
        delete from batch.set_aside s
        using chosen o
        where s.batch = $1 and s.employer = o.employer and s.period = o.period
          and s.region = o.region and s.entry = o.entry
      )
      delete from batch.unit u
      using chosen o
      where u.batch = $1 and u.employer = o.employer and u.period = o.period
        and u.region = o.region and u.entry = o.entry`,
    values: [batch, deletedAtATime],
  })
  return rowCount === deletedAtATime
}
