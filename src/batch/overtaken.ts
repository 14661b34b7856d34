/**
 * What was filed otherwise while a mended file was between its check and its filing: it is replaced, as
 * the later of any two filings is in force, and who sent the file must know.
 */
import type pg from 'pg'
import { type FileFinding, fileFinding } from './file-findings.ts'
import type { PieceKeys } from './pieces.ts'
import { openFindings, saveFindings } from './read-file.ts'

/** Of so many employers at most. */
const toldMax = 50

export async function findReplaced(pool: pg.Pool, batch: string): Promise<FileFinding[]> {
  const { rows } = await pool.query<{ employer: string; id: string }>({
    name: 'find-replaced-meanwhile',
    text: `
      select u.employer, max(a.id) as id
      from batch.unit u
      join journal.acceptance h on h.id = u.id
      left join journal.acceptance l on l.id = u.latest
      join journal.acceptance a
        on a.employer = u.employer and a.period = u.period and a.kind <> 'reassessment'
        and (a.envelope, a.position) < (h.envelope, h.position)
        and (l.id is null or (a.envelope, a.position) > (l.envelope, l.position))
      where u.batch = $1
        and not exists (
          select from batch.envelope e where e.batch = u.batch and e.envelope = a.envelope
        )
      group by u.employer
      order by u.employer
      limit $2`,
    values: [batch, toldMax],
  })
  return rows.map((params) => fileFinding('REPLACED_MEANWHILE', {}, params))
}

/** Beside what was found when the file was read. */
export async function addFindings(
  client: pg.PoolClient,
  keys: PieceKeys,
  batch: string,
  more: readonly FileFinding[],
): Promise<void> {
  const { rows } = await client.query<{ findings: Buffer | null }>(
    'select findings from batch.work where batch = $1',
    [batch],
  )
  const before = openFindings(keys, batch, rows[0]?.findings ?? null)
  await saveFindings(client, keys, batch, [...before, ...more])
}
