/**
 * What is in force: for each employer and period the posted declaration with the highest sequence
 * (envelope, position); and the highest cancellation, below which everything stays cancelled.
 */
import type pg from 'pg'
import type { PreparedDeclaration } from './rows.ts'

type Table = 'in_force' | 'last_cancellation'

/** Raises both maxima to what these declarations of one envelope say. Never lowers one. */
export async function raiseInForce(
  client: pg.PoolClient,
  prepared: readonly PreparedDeclaration[],
): Promise<void> {
  await raise(client, 'in_force', prepared)
  const cancellations = prepared.filter(({ declaration }) => declaration.kind === 'cancellation')
  if (cancellations.length > 0) await raise(client, 'last_cancellation', cancellations)
}

/** Rows go in sorted by key: two envelopes that share employers can't deadlock. */
async function raise(
  client: pg.PoolClient,
  table: Table,
  prepared: readonly PreparedDeclaration[],
): Promise<void> {
  const highest = new Map<string, PreparedDeclaration>()
  for (const one of prepared) {
    const key = `${one.declaration.employer}${one.declaration.period}`
    const other = highest.get(key)
    if (other === undefined || other.position < one.position) highest.set(key, one)
  }
  const rows = [...highest.values()]
  await client.query({
    name: `raise-${table}`,
    text: `
      insert into ${table} as held (employer, period, envelope, position)
      select employer, period, $1::bigint, position
      from unnest($2::text[], $3::text[], $4::integer[]) as raised (employer, period, position)
      order by employer collate "C", period collate "C"
      on conflict (employer, period) do update
      set envelope = excluded.envelope, position = excluded.position
      where (excluded.envelope, excluded.position) > (held.envelope, held.position)`,
    values: [
      rows[0]?.envelope,
      rows.map(({ declaration }) => declaration.employer),
      rows.map(({ declaration }) => declaration.period),
      rows.map(({ position }) => position),
    ],
  })
}
