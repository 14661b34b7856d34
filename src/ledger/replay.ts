/**
 * Replay: rebuilds the ledger from the journal in a scratch schema, with the code that posted it, and
 * compares every row. It only reads the live ledger, in one snapshot, so that posting may go on. A wrong
 * reassessment order is rebuilt as wrongly; so replay also checks that a declaration's reassessments bring
 * it to its amounts under the last pack.
 */
import type pg from 'pg'
import type { EnvelopeKey } from '../journal/envelope.ts'
import type { Policies } from '../policy/rules.ts'
import { findMisassessed, type Misassessed } from './reassessment/misassessed.ts'

/** A table's rows as text, in buckets small enough to compare in memory. */
type Compared = {
  readonly columns: string
  readonly bucket: string
  /** Rows that are compared; all when absent. */
  readonly where?: string
}

const byEnvelope = 'envelope / 100'
const byEmployer = "get_byte(decode(md5(employer), 'hex'), 0)"

/** All ledger tables; left out are only the instants at which rows were written. */
const tables: Record<string, Compared> = {
  posting: { columns: 'envelope, lane, declarations', bucket: byEnvelope },
  declaration: { columns: 't.*', bucket: byEnvelope },
  line: { columns: 't.*', bucket: byEnvelope },
  reassessment: { columns: 't.*', bucket: byEnvelope },
  reassessment_line: { columns: 't.*', bucket: byEnvelope },
  whole: { columns: 't.*', bucket: byEmployer },
  in_force: { columns: 't.*', bucket: byEmployer },
  last_cancellation: { columns: 't.*', bucket: byEmployer },
  // What was a dead letter and was posted after a fix is posted at once when it is rebuilt.
  dead_letter: {
    columns: 'envelope, position, id, lane, code',
    bucket: byEnvelope,
    where: `not exists (
        select from {schema}.declaration d where d.envelope = t.envelope and d.position = t.position
      )
      and not exists (
        select from {schema}.reassessment r where r.envelope = t.envelope and r.position = t.position
      )`,
  },
}

export type TableComparison = {
  readonly table: string
  readonly rows: number
  readonly rebuiltRows: number
  readonly checksum: string
  readonly rebuiltChecksum: string
}

export type Difference = {
  readonly table: string
  readonly in: 'ledger' | 'rebuilt'
  readonly row: string
}

export type ReplayDependencies = {
  /** Owner's connections: one reads the snapshot, one the scratch schema. */
  readonly snapshot: pg.Client
  readonly scratch: pg.Client
  readonly schema: string
  /** Posts an envelope into the scratch schema. */
  readonly post: (envelope: bigint) => Promise<unknown>
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly policies: Policies
  readonly onProgress: (done: number, total: number) => void
  readonly onDifference: (difference: Difference) => void
  /** A declaration whose reassessments don't bring it to what its last pack makes of it. */
  readonly onMisassessed: (misassessed: Misassessed) => void
}

/**
 * Makes the scratch schema with empty copies of the ledger's tables, and of the procedures that posting
 * calls, with the view that they ask. What is unposted is left as it is.
 */
export async function createScratchSchema(
  client: pg.Client,
  schema: string,
  role: string,
): Promise<void> {
  await client.query(`create schema ${schema}`)
  await client.query(`grant usage on schema ${schema} to ${role}`)
  for (const table of Object.keys(tables)) {
    await client.query(`create table ${schema}.${table} (like ledger.${table} including all)`)
  }
  await client.query(`grant select, insert on all tables in schema ${schema} to ${role}`)
  const { rows } = await client.query<{ text: string }>(`
    select 'create view ledger.replaced_elsewhere as '
      || pg_get_viewdef('ledger.replaced_elsewhere'::regclass) as text
    union all
    select pg_get_functiondef('ledger.raise_in_force(bigint, integer[])'::regprocedure)`)
  for (const { text } of rows) await client.query(text.replaceAll('ledger.', `${schema}.`))
  await client.query(`
    create procedure ${schema}.take_off_unposted(bigint) language plpgsql as 'begin end'`)
}

export async function dropScratchSchema(client: pg.Client, schema: string): Promise<void> {
  await client.query(`drop schema if exists ${schema} cascade`)
}

/** Rebuilds and compares; every difference goes to `onDifference`. */
export async function replay(dependencies: ReplayDependencies): Promise<TableComparison[]> {
  const { snapshot, onProgress } = dependencies
  await snapshot.query('begin isolation level repeatable read, read only')
  const total = await countPostings(snapshot)
  let done = 0
  let after = '0'
  for (;;) {
    const { rows } = await snapshot.query<{ envelope: string }>(
      'select envelope from ledger.posting where envelope > $1 order by envelope limit 500',
      [after],
    )
    for (const { envelope } of rows) {
      await dependencies.post(BigInt(envelope))
      done += 1
    }
    onProgress(done, total)
    if (rows.length === 0) break
    after = rows.at(-1)?.envelope as string
  }
  const compared: TableComparison[] = []
  for (const table of Object.keys(tables)) compared.push(await compareTable(dependencies, table))
  const reading = { ...dependencies, client: snapshot }
  for await (const found of findMisassessed(reading)) dependencies.onMisassessed(found)
  await snapshot.query('commit')
  return compared
}

async function countPostings(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>('select count(*) from ledger.posting')
  return Number(rows[0]?.count)
}

type Bucket = { readonly bucket: string; readonly rows: string; readonly checksum: string }

async function compareTable(
  dependencies: ReplayDependencies,
  table: string,
): Promise<TableComparison> {
  const { snapshot, scratch, schema } = dependencies
  const [live, rebuilt] = await Promise.all([
    readBuckets(snapshot, 'ledger', table),
    readBuckets(scratch, schema, table),
  ])
  const checksums = new Map(rebuilt.map(({ bucket, checksum }) => [bucket, checksum]))
  const differing = new Set(checksums.keys())
  for (const { bucket, checksum } of live) {
    if (checksums.get(bucket) === checksum) differing.delete(bucket)
    else differing.add(bucket)
  }
  for (const bucket of differing) await reportBucket(dependencies, table, bucket)
  return {
    table,
    rows: sumRows(live),
    rebuiltRows: sumRows(rebuilt),
    checksum: await checksumOf(snapshot, live),
    rebuiltChecksum: await checksumOf(scratch, rebuilt),
  }
}

async function readBuckets(client: pg.Client, schema: string, table: string): Promise<Bucket[]> {
  const { columns, bucket, where = 'true' } = tables[table] as Compared
  const { rows } = await client.query<Bucket>(`
    select bucket, count(*) as rows, md5(string_agg(line, E'\\n' order by line collate "C")) as checksum
    from (
      select ${bucket} as bucket, (select row (${columns})::text) as line
      from ${schema}.${table} t
      where ${where.replaceAll('{schema}', schema)}
    ) as listed
    group by bucket
    order by bucket`)
  return rows
}

function sumRows(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, { rows }) => sum + Number(rows), 0)
}

async function checksumOf(client: pg.Client, buckets: readonly Bucket[]): Promise<string> {
  const all = buckets.map(({ bucket, checksum }) => `${bucket}:${checksum}`).join('\n')
  const { rows } = await client.query<{ md5: string }>('select md5($1)', [all])
  return rows[0]?.md5 as string
}

async function reportBucket(
  { snapshot, scratch, schema, onDifference }: ReplayDependencies,
  table: string,
  bucket: string,
): Promise<void> {
  const live = await readRows(snapshot, 'ledger', table, bucket)
  const rebuilt = await readRows(scratch, schema, table, bucket)
  for (const row of live) if (!rebuilt.has(row)) onDifference({ table, in: 'ledger', row })
  for (const row of rebuilt) if (!live.has(row)) onDifference({ table, in: 'rebuilt', row })
}

async function readRows(
  client: pg.Client,
  schema: string,
  table: string,
  bucket: string,
): Promise<Set<string>> {
  const { columns, bucket: expression, where = 'true' } = tables[table] as Compared
  const { rows } = await client.query<{ line: string }>(
    `select (select row (${columns})::text) as line
     from ${schema}.${table} t
     where ${expression} = $1 and ${where.replaceAll('{schema}', schema)}
     order by 1`,
    [bucket],
  )
  return new Set(rows.map(({ line }) => line))
}
