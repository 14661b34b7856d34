/**
 * Envelope by envelope: that signature, content, leaves and chain hold, that it opens to what was
 * accepted, and that every receipt a client holds is the one which the journal proves.
 */
import { hash } from 'node:crypto'
import type pg from 'pg'
import { type Attributions, isAttributed } from '../journal/attribution.ts'
import { digestOf, sha256 } from '../journal/digest.ts'
import { type EnvelopeKey, openEnvelope } from '../journal/envelope.ts'
import { openCompact, type PublicJwk } from '../journal/receipts/compact-jws.ts'
import { buildMerkleTree, leafHash } from '../journal/receipts/merkle.ts'
import {
  receiptText,
  rootType,
  type Statement,
  statementText,
} from '../journal/receipts/receipt.ts'
import type { Salts } from '../journal/salting.ts'
import { auditedEnvelopesPage } from '../limits.ts'

export type EnvelopeAudit = {
  readonly client: pg.Client
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly publicKeys: readonly PublicJwk[]
  readonly salts: Salts
  /** An offender against the journal (I10) or a receipt (I7). */
  readonly onOffender: (invariant: 'I7' | 'I10', what: string, why: string) => void
}

type EnvelopeRow = {
  number: string
  environment: string
  declarations: number
  sealed: Buffer
  leaves: Buffer
  signed_root: string
  writer: string
  writer_position: string
  previous_link: Buffer
  link: Buffer
  /** Of its acceptances, by position; null when it has none. */
  texts: string | null
  digests: Buffer | null
  receipts: Buffer | null
}

/** What the journal says of one acceptance, and the SHA-256 of the receipt that clients hold. */
type Acceptance = Statement & {
  readonly position: number
  /** Empty where an earlier program accepted it. */
  readonly region: string
  readonly receipt: Buffer | undefined
}

/** Goes through the whole journal once, in the order of its numbers; returns how much there was. */
export async function auditEnvelopes(
  audit: EnvelopeAudit,
): Promise<{ envelopes: number; acceptances: number }> {
  const chain = new Chain(audit.onOffender)
  const counts = { envelopes: 0, acceptances: 0 }
  let page = await readPage(audit.client, '0')
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    // The database reads the next page while this one is gone through.
    const next = readPage(audit.client, last.number)
    for (const envelope of page) {
      const accepted = acceptancesOf(envelope)
      auditOne(audit, envelope, accepted)
      chain.follow(envelope)
      counts.envelopes += 1
      counts.acceptances += accepted.length
    }
    page = await next
  }
  await findLost(audit)
  return counts
}

/** Envelopes that acceptances or postings name and the journal does not have. */
async function findLost({ client, onOffender }: EnvelopeAudit): Promise<void> {
  const { rows } = await client.query<{ envelope: string; accepted: string }>(
    `select named.envelope, sum(named.accepted) as accepted
     from (
       select envelope, count(*) as accepted
       from journal.acceptance
       group by envelope
       union all
       select envelope, 0
       from ledger.posting
     ) as named
     left join journal.envelope e on e.number = named.envelope
     where e.number is null
     group by named.envelope
     order by named.envelope`,
  )
  for (const { envelope, accepted } of rows) {
    onOffender('I10', `envelope ${envelope}`, `it is lost; ${accepted} were accepted in it`)
  }
}

/**
 * Envelopes with their acceptances as lists: a row for each acceptance would cost twice as much.
 * Receipts are those that clients hold, by their SHA-256.
 */
async function readPage(client: pg.Client, after: string): Promise<EnvelopeRow[]> {
  const { rows } = await client.query<EnvelopeRow>({
    name: 'audit-envelopes',
    text: `
      with page as materialized (
        select number, environment, declarations, sealed, leaves, signed_root,
          writer, writer_position, previous_link, link
        from journal.envelope
        where number > $1
        order by number
        limit $2
      ), accepted as (
        select a.envelope,
          string_agg(
            concat_ws(
              ',', a.id, a.position, a.employer, a.period, a.kind, a.on_time,
              (extract(epoch from a.accepted_at) * 1000000)::bigint,
              (extract(epoch from a.deadline) * 1000000)::bigint,
              h.receipts is not null,
              coalesce((extract(epoch from a.attempted_at) * 1000000)::bigint::text, ''),
              coalesce(a.region, ''),
              a.digest is null
            ),
            ';' order by a.position
          ) as texts,
          string_agg(coalesce(a.salted_digest, a.digest), ''::bytea order by a.position) as digests,
          string_agg(coalesce(h.receipts, a.salted_digest, a.digest), ''::bytea order by a.position)
            as receipts
        from journal.acceptance a
        left join held_receipts h on h.id = a.id
        where a.envelope > $1 and a.envelope <= (select max(number) from page)
        group by a.envelope
      )
      select page.*, texts, digests, receipts
      from page
      left join accepted on accepted.envelope = page.number
      order by page.number`,
    values: [after, auditedEnvelopesPage],
  })
  return rows
}

/** No column has a comma or a semicolon: codes, ids and numbers. */
function acceptancesOf({ texts, digests, receipts }: EnvelopeRow): Acceptance[] {
  if (texts === null || digests === null || receipts === null) return []
  return texts.split(';').map((text, i) => {
    const [id = '', position, employer = '', period = '', kind = '', onTime, ...more] =
      text.split(',')
    const [acceptedAt, deadline, held, attemptedAt = '', region = '', salted] = more
    const at = 32 * i
    return {
      id,
      position: Number(position),
      employer,
      period,
      kind,
      digest: digests.subarray(at, at + 32),
      salted: salted === 't',
      acceptedAtMicros: Number(acceptedAt),
      deadlineMicros: Number(deadline),
      onTime: onTime === 't',
      ...(attemptedAt !== '' && { attemptedAtMicros: Number(attemptedAt) }),
      region,
      receipt: held === 't' ? receipts.subarray(at, at + 32) : undefined,
    }
  })
}

type Root = { content?: string; envelope?: string; previous?: string; root?: string; size?: number }

function auditOne(
  { sealingKeys, publicKeys, salts, onOffender }: EnvelopeAudit,
  envelope: EnvelopeRow,
  accepted: readonly Acceptance[],
): void {
  const { number, sealed, leaves, signed_root: signedRoot } = envelope
  const offends = (why: string) => onOffender('I10', `envelope ${number}`, why)
  const opened = openCompact(signedRoot, rootType, publicKeys)
  if (typeof opened === 'string') {
    offends(opened)
    return
  }
  const root: Root = opened.payload
  const hashes: Buffer[] = []
  for (let at = 0; at < leaves.length; at += 32) hashes.push(leaves.subarray(at, at + 32))
  const tree = buildMerkleTree(hashes)
  if (root.envelope !== number) offends('the signed root is of another envelope')
  if (root.content !== sha256(sealed).toString('base64url'))
    offends('its content is not what was signed')
  if (root.root !== tree.root.toString('base64url')) offends('its leaves are not what was signed')
  if (root.size !== hashes.length) offends('it has another size than was signed')
  if (root.previous !== envelope.previous_link.toString('base64url')) {
    offends('its previous link is not what was signed')
  }
  if (!sha256(signedRoot).equals(envelope.link)) offends('its link is not of its signed root')
  const canonical = contentOf(sealingKeys, envelope, offends)
  for (const row of accepted) {
    const leaf = hashes[row.position]
    const statement = statementText(row, envelope.environment)
    const bytes = canonical?.[row.position]
    if (bytes !== undefined && !salts.isOf(row, digestOf(bytes))) {
      offends(`position ${row.position} is not what was accepted as ${row.id}`)
    }
    if (bytes !== undefined && row.region !== '' && regionOf(bytes) !== row.region) {
      offends(`${row.id} is not of the region ${row.region} that it was accepted for`)
    }
    if (leaf === undefined || !leafHash(statement).equals(leaf)) {
      offends(`the acceptance ${row.id} is not what was signed`)
    }
    if (row.receipt === undefined) continue
    const place = { index: row.position, size: hashes.length, proof: tree.proof(row.position) }
    const salt = row.salted ? salts.saltOf(row.id) : undefined
    const receipt = hash('sha256', receiptText(statement, place, signedRoot, salt), 'buffer')
    if (!receipt.equals(row.receipt)) {
      onOffender('I7', row.id, 'a receipt that a client holds is not what the journal proves')
    }
  }
}

/** The last member of this name: a quotation mark within a text is escaped, so no text has it. */
function regionOf(canonical: Buffer): string {
  const at = canonical.lastIndexOf('"region":"') + 10
  return canonical.toString('latin1', at, canonical.indexOf('"', at))
}

function contentOf(
  sealingKeys: readonly EnvelopeKey[],
  { number, sealed, declarations }: EnvelopeRow,
  offends: (why: string) => void,
): readonly Buffer[] | undefined {
  try {
    const { head, canonical } = openEnvelope(sealingKeys, BigInt(number), sealed)
    if (canonical.length !== declarations) offends('it holds another number of declarations')
    const parsedHead = JSON.parse(head?.toString() ?? '{}') as Partial<Attributions>
    if (!isAttributed(parsedHead, declarations)) offends('it does not tell who filed what is in it')
    return canonical
  } catch (error) {
    offends((error as Error).message)
    return undefined
  }
}

type Links = { readonly position: number; readonly link: Buffer; readonly before: Buffer }

const zeros = Buffer.alloc(32)

/**
 * The chains of writers: each envelope follows the one before by the same, without a gap. A chain
 * begins with nothing before it; or, where its process did not learn what became of a commit, with
 * the last link that it knew, which is its former chain's last or last but one.
 */
class Chain {
  readonly #onOffender: EnvelopeAudit['onOffender']
  readonly #last = new Map<string, Links>()

  constructor(onOffender: EnvelopeAudit['onOffender']) {
    this.#onOffender = onOffender
  }

  /** To be called in the order of numbers, which is the order of each writer's positions. */
  follow({ writer, writer_position, link, previous_link, number }: EnvelopeRow): void {
    const last = this.#last.get(writer)
    const position = Number(writer_position)
    const follows =
      last === undefined
        ? position === 1 && this.#mayBegin(previous_link)
        : position === last.position + 1 && previous_link.equals(last.link)
    if (!follows) {
      this.#onOffender(
        'I10',
        `envelope ${number}`,
        'it does not follow the one before by its writer',
      )
    }
    this.#last.set(writer, { position, link, before: last?.link ?? previous_link })
  }

  #mayBegin(previous: Buffer): boolean {
    if (previous.equals(zeros)) return true
    for (const { link, before } of this.#last.values()) {
      if (previous.equals(link) || previous.equals(before)) return true
    }
    return false
  }
}
