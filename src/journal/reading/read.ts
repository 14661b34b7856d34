/**
 * Reads an envelope for posting: its content, and which of it was accepted there. A declaration that lost
 * the race for its id is in the envelope too, but its acceptance row names another position.
 */

import type { Part } from '../../declaration/part.ts'
import type { Declaration } from '../../declaration/schema.ts'
import { type Attribution, type Attributions, attributionAt } from '../attribution.ts'
import { digestOf } from '../digest.ts'
import { EnvelopeError, type EnvelopeKey, type OpenedParts, openEnvelope } from '../envelope.ts'
import type { Lane } from '../lanes.ts'
import type { ReassessmentOrder } from '../reassessment-order.ts'
import { inReach, type Reach, reachValues } from './reach.ts'
import type { Queryable } from './read-pool.ts'

/** What was accepted, as it was filed. */
export type AcceptedDeclaration = {
  readonly id: string
  readonly position: number
  /** Microseconds since 1970; of an attempt that it counts from, where there was one. */
  readonly acceptedAtMicros: number
  /** Hash of its policy pack; undefined if the journal does not say: then the current pack applies. */
  readonly policyHash: string | undefined
  /** Its header, and its lines or those of this part. */
  readonly declaration: Declaration
  /** Where it travels in several. */
  readonly part?: Part
  /** Where it came in a file: the rows of its lines (line-rows.ts). */
  readonly rows?: string
  /** Absent where the journal doesn't tell. */
  readonly filedBy?: Attribution
}

export type AcceptedOrder = {
  readonly id: string
  readonly position: number
  readonly order: ReassessmentOrder
  readonly filedBy?: Attribution
}

export type OpenedEnvelope = {
  readonly number: bigint
  readonly lane: Lane
  /** In order of position. */
  readonly accepted: readonly AcceptedDeclaration[]
  /** Reassessments, in order of position. */
  readonly orders: readonly AcceptedOrder[]
}

type Row = {
  lane: Lane
  sealed: Buffer
  /**
   * Of what was accepted, by position: ids and positions with commas, digests of 32 bytes, and a letter for
   * each, 't' where its digest is salted.
   */
  ids: string | null
  positions: string | null
  instants: string | null
  digests: Buffer | null
  salted: string | null
}

type Content = (Declaration & { readonly part?: Part }) | ReassessmentOrder

/** The pack's hash by region; ids, filers and (for content of a file) rows by position. */
type Head = Partial<Attributions> & {
  readonly policies: Readonly<Record<string, string>>
  /** Undefined where digests are not salted. */
  readonly ids?: readonly string[]
  readonly rows?: readonly string[]
}

/**
 * Reads and opens an envelope.
 * @param wanted ids to read; others are left out unread
 * @returns undefined when no such envelope is visible
 * @throws EnvelopeError when it can't be opened, or a declaration is not the one accepted
 */
export async function readEnvelope(
  pool: Queryable,
  keys: readonly EnvelopeKey[],
  number: bigint,
  wanted?: ReadonlySet<string>,
): Promise<OpenedEnvelope | undefined> {
  const { rows } = await pool.query<Row>({
    name: 'read-envelope',
    text: `
      select e.lane, e.sealed, a.ids, a.positions, a.instants, a.digests, a.salted
      from journal.envelope e
      cross join lateral (
        select
          string_agg(id, ',' order by position) as ids,
          string_agg(position::text, ',' order by position) as positions,
          string_agg(
            (extract(epoch from coalesce(attempted_at, accepted_at)) * 1000000)::bigint::text,
            ',' order by position
          ) as instants,
          string_agg(coalesce(salted_digest, digest), ''::bytea order by position) as digests,
          string_agg(left((digest is null)::text, 1), '' order by position) as salted
        from journal.acceptance
        where envelope = e.number
      ) a
      where e.number = $1`,
    values: [number],
  })
  const row = rows[0]
  if (row === undefined) return undefined
  const opened = openEnvelope(keys, number, row.sealed)
  return { number, lane: row.lane, ...acceptedOf(number, row, opened, wanted) }
}

function isOf(bytes: Buffer | undefined, digest: Buffer | undefined): boolean {
  return bytes !== undefined && digest !== undefined && digestOf(bytes).equals(digest)
}

export type FoundDeclaration = AcceptedDeclaration & { readonly envelope: bigint }
export type FoundOrder = AcceptedOrder & { readonly envelope: bigint }

/**
 * Opens the declaration or order of an id; undefined if none was accepted, or it is out of reach. An envelope
 * is opened only for a reader who may see it: the time it takes would reveal its size to others.
 */
export async function readAccepted(
  pool: Queryable,
  keys: readonly EnvelopeKey[],
  id: string,
  reach?: Reach,
): Promise<FoundDeclaration | FoundOrder | undefined> {
  const place = (await findPositions(pool, [id], reach)).get(id)
  if (place === undefined) return undefined
  const { envelope } = place
  const opened = await readEnvelope(pool, keys, envelope, new Set([id]))
  const [found] = [...(opened?.accepted ?? []), ...(opened?.orders ?? [])]
  return found && { ...found, envelope }
}

export function employerOf(found: FoundDeclaration | FoundOrder): string {
  return 'order' in found ? found.order.employer : found.declaration.employer
}

function acceptedOf(
  number: bigint,
  row: Row,
  opened: OpenedParts,
  wanted: ReadonlySet<string> | undefined,
): Pick<OpenedEnvelope, 'accepted' | 'orders'> {
  const { head, canonical } = opened
  const parsedHead = JSON.parse(head?.toString() ?? '{"policies":{}}') as Head
  const { policies, ids: sealedIds, rows } = parsedHead
  const ids = row.ids?.split(',') ?? []
  const positions = row.positions?.split(',') ?? []
  const instants = row.instants?.split(',') ?? []
  const accepted: AcceptedDeclaration[] = []
  const orders: AcceptedOrder[] = []
  for (const [i, id] of ids.entries()) {
    if (wanted?.has(id) === false) continue
    const position = Number(positions[i])
    const bytes = canonical[position]
    const digest = row.digests?.subarray(32 * i, 32 * (i + 1))
    // Only intake and the auditor have salts; the sealed ids also say which content belongs to which id.
    const isIt = row.salted?.[i] === 't' ? sealedIds?.[position] === id : isOf(bytes, digest)
    if (bytes === undefined || !isIt) {
      throw new EnvelopeError('UNREADABLE', `Envelope ${number} lacks what was accepted in it.`)
    }
    const content = JSON.parse(bytes.toString()) as Content
    const filedBy = attributionAt(parsedHead, position)
    const by = filedBy && { filedBy }
    if (content.kind === 'reassessment') orders.push({ id, position, order: content, ...by })
    else {
      const { part, ...declaration } = content
      const policyHash = policies[content.region]
      const acceptedAtMicros = Number(instants[i])
      accepted.push({
        id,
        position,
        acceptedAtMicros,
        policyHash,
        declaration,
        ...(part && { part }),
        ...(rows?.[position] && { rows: rows[position] }),
        ...by,
      })
    }
  }
  return { accepted, orders }
}

type JournalPosition = { readonly envelope: bigint; readonly position: number }

/** Positions of declarations in the journal, by id; unknown ids and those out of reach are left out. */
export async function findPositions(
  pool: Queryable,
  ids: readonly string[],
  reach?: Reach,
): Promise<Map<string, JournalPosition>> {
  const { rows } = await pool.query<
    Omit<JournalPosition, 'envelope'> & { id: string; envelope: string }
  >({
    name: 'find-places',
    text: `
      select a.id, a.envelope, a.position
      from journal.acceptance a
      where a.id = any($1::text[]) and ${inReach(2)}`,
    values: [ids, ...reachValues(reach)],
  })
  return new Map(
    rows.map(({ id, envelope, ...row }) => [id, { ...row, envelope: BigInt(envelope) }]),
  )
}
