/**
 * Policy packs in the journal: whatever a declaration was accepted under can be had again by its
 * hash, so that the ledger can be rebuilt and explained with it.
 *
 * Intake writes its packs before it accepts: an envelope never names a hash that isn't here.
 */
import type pg from 'pg'
import type { PolicyPack } from '../policy/pack.ts'
import { type Policies, packText } from '../policy/rules.ts'

/** Writes the current packs; those that are there already stay as they are. */
export async function recordPacks(pool: pg.Pool, policies: Policies): Promise<void> {
  const packs = [...policies.current.values()]
  await pool.query({
    name: 'record-packs',
    text: `
      insert into journal.policy_pack (hash, region, content)
      select hash, region, content
      from unnest($1::text[], $2::text[], $3::text[]) as p (hash, region, content)
      order by hash
      on conflict (hash) do nothing`,
    values: [
      packs.map(({ hash }) => hash),
      packs.map(({ pack }) => pack.region.code),
      packs.map(({ pack }) => packText(pack)),
    ],
  })
}

/** Makes packs known that are only in the journal; what isn't there either stays unknown. */
export async function loadPacks(
  pool: Pick<pg.Pool, 'query'>,
  policies: Policies,
  hashes: Iterable<string | undefined>,
): Promise<void> {
  const missing = [...new Set(hashes)].filter(
    (hash) => hash !== undefined && policies.packOf(hash) === undefined,
  )
  if (missing.length === 0) return
  const { rows } = await pool.query<{ hash: string; content: string }>({
    name: 'load-packs',
    text: 'select hash, content from journal.policy_pack where hash = any($1::text[])',
    values: [missing],
  })
  for (const { hash, content } of rows) {
    policies.remember({ hash, pack: JSON.parse(content) as PolicyPack })
  }
}
