/**
 * Reads an envelope for posting: what it holds, and which of it was accepted there. A declaration
 * that lost the race for its id is in the envelope too, but its acceptance row names another place.
 */
import type pg from 'pg'
import type { Declaration } from '../declaration/schema.ts'
import { digestOf } from './digest.ts'
import { EnvelopeError, type EnvelopeKey, openEnvelope } from './envelope.ts'
import type { Lane } from './lanes.ts'

export type AcceptedDeclaration = {
  readonly id: string
  readonly position: number
  readonly declaration: Declaration
}

export type OpenedEnvelope = {
  readonly number: bigint
  readonly lane: Lane
  /** In order of position. */
  readonly accepted: readonly AcceptedDeclaration[]
}

type Row = {
  lane: Lane
  sealed: Buffer
  /** Of what was accepted, by position: ids and positions with commas, digests of 32 bytes. */
  ids: string | null
  positions: string | null
  digests: Buffer | null
}

/**
 * Reads and opens an envelope.
 * @returns undefined when no such envelope is visible
 * @throws EnvelopeError when it can't be opened, or a declaration is not the one accepted
 */
export async function readEnvelope(
  pool: pg.Pool,
  keys: readonly EnvelopeKey[],
  number: bigint,
): Promise<OpenedEnvelope | undefined> {
  const { rows } = await pool.query<Row>({
    name: 'read-envelope',
    text: `
      select e.lane, e.sealed, a.ids, a.positions, a.digests
      from journal.envelope e
      cross join lateral (
        select
          string_agg(id, ',' order by position) as ids,
          string_agg(position::text, ',' order by position) as positions,
          string_agg(digest, ''::bytea order by position) as digests
        from journal.acceptance
        where envelope = e.number
      ) a
      where e.number = $1`,
    values: [number],
  })
  const row = rows[0]
  if (row === undefined) return undefined
  const canonical = openEnvelope(keys, number, row.sealed)
  return { number, lane: row.lane, accepted: acceptedOf(number, row, canonical) }
}

function acceptedOf(number: bigint, row: Row, canonical: readonly Buffer[]): AcceptedDeclaration[] {
  const ids = row.ids?.split(',') ?? []
  const positions = row.positions?.split(',') ?? []
  return ids.map((id, i) => {
    const position = Number(positions[i])
    const bytes = canonical[position]
    const digest = row.digests?.subarray(32 * i, 32 * (i + 1))
    if (bytes === undefined || digest === undefined || !digestOf(bytes).equals(digest)) {
      throw new EnvelopeError('UNREADABLE', `Envelope ${number} lacks what was accepted in it.`)
    }
    return { id, position, declaration: JSON.parse(bytes.toString()) as Declaration }
  })
}
