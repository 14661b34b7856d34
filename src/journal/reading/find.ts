/**
 * Looks up what was accepted, and makes each receipt again, to the same bytes.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import { digestOfRow } from '../digest.ts'
import { buildMerkleTree, type MerkleTree } from '../receipts/merkle.ts'
import { receiptText, type Statement, statementText } from '../receipts/receipt.ts'
import type { Salts } from '../salting.ts'
import { inReach, type Reach, reachValues } from './reach.ts'

export type StoredAcceptance = { readonly statement: Statement; readonly receipt: string }

type Row = {
  id: string
  position: number
  employer: string
  period: string
  kind: string
  digest: Buffer | null
  salted_digest: Buffer | null
  accepted_at: string
  deadline: string
  attempted_at: string | null
  on_time: boolean
  environment: string
  envelope: string
  leaves: Buffer | null
  signed_root: string
}

/**
 * The acceptances of these ids with their receipts; ids never accepted are left out.
 * @param reach what is beyond it is left out, unread; nothing is unless given
 */
export async function findAcceptances(
  pool: Pick<pg.ClientBase, 'query'>,
  salts: Salts,
  ids: readonly string[],
  reach?: Reach,
): Promise<StoredAcceptance[]> {
  const { rows } = await pool.query<Row>({
    name: 'find-acceptances',
    text: `
      select
        a.id, a.position, a.employer, a.period, a.kind, a.digest, a.salted_digest, a.on_time,
        (extract(epoch from a.accepted_at) * 1000000)::bigint as accepted_at,
        (extract(epoch from a.deadline) * 1000000)::bigint as deadline,
        (extract(epoch from a.attempted_at) * 1000000)::bigint as attempted_at,
        e.environment, e.signed_root, a.envelope,
        -- Of each envelope once: a thousand of one would bring a thousand times its leaves.
        case when row_number() over (partition by a.envelope order by a.position) = 1
          then e.leaves
        end as leaves
      from journal.acceptance a
      join journal.envelope e on e.number = a.envelope
      where a.id = any($1::text[]) and ${inReach(2)}`,
    values: [ids, ...reachValues(reach)],
  })
  const trees = new Map<string, { tree: MerkleTree; size: number }>()
  for (const { envelope, leaves } of rows) {
    if (leaves === null) continue
    const hashes: Buffer[] = []
    for (let at = 0; at < leaves.length; at += 32) hashes.push(leaves.subarray(at, at + 32))
    trees.set(envelope, { tree: buildMerkleTree(hashes), size: hashes.length })
  }
  return rows.map((row) => storedAcceptance(salts, row, trees.get(row.envelope)))
}

function storedAcceptance(
  salts: Salts,
  row: Row,
  of: { readonly tree: MerkleTree; readonly size: number } | undefined,
): StoredAcceptance {
  assert(of !== undefined, 'an envelope comes with its leaves')
  const statement: Statement = {
    id: row.id,
    employer: row.employer,
    period: row.period,
    kind: row.kind,
    ...digestOfRow(row),
    acceptedAtMicros: Number(row.accepted_at),
    deadlineMicros: Number(row.deadline),
    onTime: row.on_time,
    ...(row.attempted_at !== null && { attemptedAtMicros: Number(row.attempted_at) }),
  }
  const place = { index: row.position, size: of.size, proof: of.tree.proof(row.position) }
  const salt = statement.salted ? salts.saltOf(row.id) : undefined
  const text = statementText(statement, row.environment)
  return { statement, receipt: receiptText(text, place, row.signed_root, salt) }
}

/** Tickets among these that have served, hexadecimal, and the declaration that each served for. */
export async function findUsedTickets(
  pool: Pick<pg.ClientBase, 'query'>,
  tickets: readonly Buffer[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await pool.query<{ ticket: Buffer; id: string }>({
    name: 'find-used-tickets',
    text: 'select ticket, id from journal.acceptance where ticket = any($1::bytea[])',
    values: [tickets],
  })
  return new Map(rows.map(({ ticket, id }) => [ticket.toString('hex'), id]))
}
