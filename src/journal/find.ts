/**
 * Looks up what was accepted, and makes each receipt again, to the same bytes.
 */
import type pg from 'pg'
import { buildMerkleTree } from './merkle.ts'
import { receiptText, type Statement, statementText } from './receipt.ts'

export type StoredAcceptance = { readonly statement: Statement; readonly receipt: string }

type Row = {
  id: string
  position: number
  employer: string
  period: string
  kind: string
  digest: Buffer
  accepted_at: string
  deadline: string
  on_time: boolean
  environment: string
  leaves: Buffer
  signed_root: string
}

/** The acceptances of these ids with their receipts; ids never accepted are left out. */
export async function findAcceptances(
  pool: pg.Pool,
  ids: readonly string[],
): Promise<StoredAcceptance[]> {
  const { rows } = await pool.query<Row>({
    name: 'find-acceptances',
    text: `
      select
        a.id, a.position, a.employer, a.period, a.kind, a.digest, a.on_time,
        (extract(epoch from a.accepted_at) * 1000000)::bigint as accepted_at,
        (extract(epoch from a.deadline) * 1000000)::bigint as deadline,
        e.environment, e.leaves, e.signed_root
      from journal.acceptance a
      join journal.envelope e on e.number = a.envelope
      where a.id = any($1::text[])`,
    values: [ids],
  })
  return rows.map(storedAcceptance)
}

function storedAcceptance(row: Row): StoredAcceptance {
  const statement: Statement = {
    id: row.id,
    employer: row.employer,
    period: row.period,
    kind: row.kind,
    digest: row.digest,
    acceptedAtMicros: Number(row.accepted_at),
    deadlineMicros: Number(row.deadline),
    onTime: row.on_time,
  }
  const leaves: Buffer[] = []
  for (let at = 0; at < row.leaves.length; at += 32) leaves.push(row.leaves.subarray(at, at + 32))
  const place = {
    index: row.position,
    size: leaves.length,
    proof: buildMerkleTree(leaves).proof(row.position),
  }
  const receipt = receiptText(statementText(statement, row.environment), place, row.signed_root)
  return { statement, receipt }
}
