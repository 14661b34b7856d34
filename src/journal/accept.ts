/**
 * Accepts one group. ONE commit stores the sealed envelope, one acceptance row for each declaration, and
 * the row that says that the envelope is to be posted. Answers leave only after that commit.
 *
 * If the process dies
 *  - after drawing the number: a gap in the numbers, nothing stored;
 *  - after sealing and signing: nothing stored; a signature that nobody received does no harm. Digests may
 *    be salted when the group is tried again (salting.ts);
 *  - during the commit: all of it is stored or nothing. If it is stored, a filer's retry gets the
 *    original receipt, and the sweeper finds the envelope;
 *  - after the commit, before the answers or the queue: the same.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { attributionsOf } from './attribution.ts'
import { sha256 } from './digest.ts'
import { type DrawnNumber, drawNumber } from './draw-number.ts'
import { type CommitJudge, commitBetween, confirmOn } from './durable.ts'
import { type EnvelopeKey, sealEnvelope } from './envelope.ts'
import type { Filing } from './filing.ts'
import type { Lane } from './lanes.ts'
import type { LatestDeclaration } from './latest-declaration.ts'
import { findAcceptances, findUsedTickets, type StoredAcceptance } from './reading/find.ts'
import type { Signer } from './receipts/compact-jws.ts'
import { buildMerkleTree, leafHash } from './receipts/merkle.ts'
import { receiptText, type Statement, signRoot, statementText } from './receipts/receipt.ts'
import type { ReplacedFault } from './replaced.ts'
import type { Salts } from './salting.ts'

/** The acceptance of a filing after its group's commit; `receipt` is the same text for ever. */
export type Acceptance = {
  readonly statement: Statement
  readonly receipt: string
  /** False if the id was accepted before. Then `isOf` says whether this is a replay or a conflict. */
  readonly fresh: boolean
  /** Whether this content was accepted, by the SHA-256 of its canonical form. */
  readonly isOf: (content: Buffer) => boolean
}

/** The declaration for which a filing is refused. */
export type ConflictingDeclaration = LatestDeclaration & Pick<Acceptance, 'isOf'>

export type GroupResult = {
  readonly acceptances: ReadonlyMap<string, Acceptance>
  /** The envelope to post; undefined when every filing was known already. */
  readonly envelope: bigint | undefined
  /** Ids whose attempt ticket was used for another filing; nothing of these was stored. */
  readonly ticketsUsed: ReadonlySet<string>
  /**
   * By id: the declaration that a filing did not expect; nothing of these filings was stored. A filing that
   * was accepted before is a replay or a conflict, whatever was accepted since.
   */
  readonly standing: ReadonlyMap<string, ConflictingDeclaration>
  /** By id: corrections and cancellations that name a declaration they can't replace; nothing of these was stored. */
  readonly replacesWrongly: ReadonlyMap<string, ReplacedFault>
  /** Milliseconds spent on looking up earlier acceptances. */
  readonly lookupMs: number
}

export type AcceptGroup = (group: readonly Filing[]) => Promise<GroupResult>

export type AcceptDependencies = {
  readonly pool: pg.Pool
  readonly signer: Signer
  readonly sealingKey: EnvelopeKey
  readonly salts: Salts
  /** Written into every receipt; asked for each group. */
  readonly environment: () => string
  readonly lane: Lane
  /** Judges how durable a commit was. Without it, every commit counts as durable. */
  readonly judge?: CommitJudge
  /**
   * Milliseconds from a group's first filing to the start of its commit. A process that stood still must
   * not commit into a day whose books are signed. Files have no such limit: they count from their receipt.
   */
  readonly startsWithinMs?: number
}

/** Nothing of it was stored. */
class GroupTooOldError extends Error {
  override name = 'GroupTooOldError'
}

/**
 * The journal lacks an envelope that this process committed: an older state of the database was restored under it,
 * or a standby was promoted that missed a commit. Nothing of the group was stored. What was acknowledged since that
 * state is gone from here, so nothing more is accepted until somebody has looked and starts the process anew.
 */
export class JournalWentBackError extends Error {
  override name = 'JournalWentBackError'
  constructor(number: bigint) {
    super(
      `the journal lacks envelope ${number}, which this process committed: an older state of the database was restored, or a standby was promoted that missed it`,
    )
  }
}

/**
 * Makes the function that accepts one group after another (never two at a time: it keeps this
 * writer's chain). The ids in a group are distinct.
 */
export function createAcceptGroup(dependencies: AcceptDependencies): AcceptGroup {
  const { pool } = dependencies
  const chain = new WriterChain()
  const commitTime = new CommitTime()
  return async function acceptGroup(group) {
    // One connection: the statements around the commit tell how durable it was.
    const client = await pool.connect()
    let failure: Error | undefined
    try {
      return await acceptOn({ ...dependencies, client, chain, commitTime }, group)
    } catch (error) {
      failure = error as Error
      throw error
    } finally {
      client.release(failure)
    }
  }
}

type Accepting = AcceptDependencies & {
  readonly client: pg.PoolClient
  readonly chain: WriterChain
  readonly commitTime: CommitTime
}

async function acceptOn(accepting: Accepting, group: readonly Filing[]): Promise<GroupResult> {
  const { client, chain, judge, salts } = accepting
  const drawn = await drawNumber(client, group, chain.committed)
  const { number, known, standing, replacesWrongly, settings } = drawn
  if (chain.committed !== undefined && !drawn.followsCommitted)
    throw new JournalWentBackError(chain.committed)
  const isRefused = (id: string) => standing.has(id) || replacesWrongly.has(id)
  judge?.checkBefore(settings)
  const { fresh, ticketsUsed } = await withoutUsedTickets(
    client,
    group.filter(({ id }) => !known.has(id) && !isRefused(id)),
  )
  const acceptances = await storeFresh(accepting, drawn, fresh)
  const stored = acceptances.size
  const storedAt = performance.now()
  const before = group
    .filter(({ id }) => !acceptances.has(id) && !ticketsUsed.has(id) && !isRefused(id))
    .map(({ id }) => id)
  for (const found of before.length === 0 ? [] : await findAcceptances(client, salts, before)) {
    acceptances.set(found.statement.id, replayOf(salts, found))
  }
  // A refused filer does not come back: what it was refused for must survive any failover.
  if (before.length > 0 || standing.size > 0) await confirmOn(client, judge)
  const envelope = stored === 0 ? undefined : number
  const lookupMs = performance.now() - storedAt
  const met = conflictingById(salts, standing)
  return { acceptances, envelope, ticketsUsed, standing: met, replacesWrongly, lookupMs }
}

export function conflictingDeclaration(
  salts: Salts,
  stands: LatestDeclaration,
): ConflictingDeclaration {
  return { ...stands, isOf: (content) => salts.isOf(stands, content) }
}

function conflictingById(
  salts: Salts,
  standing: ReadonlyMap<string, LatestDeclaration>,
): ReadonlyMap<string, ConflictingDeclaration> {
  const met = [...standing].map(([id, stands]): [string, ConflictingDeclaration] => [
    id,
    conflictingDeclaration(salts, stands),
  ])
  return new Map(met)
}

/** Seals and commits the new filings; leaves out those that another process accepted meanwhile. */
async function storeFresh(
  accepting: Accepting,
  { number, settings, drawnAtMicros, salting }: DrawnNumber,
  fresh: readonly Filing[],
): Promise<Map<string, Acceptance>> {
  const acceptances = new Map<string, Acceptance>()
  if (fresh.length === 0) return acceptances
  const { client, judge, chain, commitTime } = accepting
  const stated = fresh.map((filing) => statementOf(filing, salting ? accepting.salts : undefined))
  const sealed = seal(accepting, chain, { number, group: fresh, stated })
  const insert = () =>
    commitTime.measure((msBefore) => insertGroup(accepting, sealed, fresh, drawnAtMicros, msBefore))
  const stored = await chain.extend(sealed, () =>
    commitBetween(client, judge, settings, insert).catch(retryTicketRace),
  )
  fresh.forEach((filing, position) => {
    if (!stored.has(position)) return
    acceptances.set(filing.id, {
      statement: stated[position] as Statement,
      receipt: sealed.receipt(position),
      fresh: true,
      isOf: (content) => filing.digest.equals(content),
    })
  })
  return acceptances
}

/** @param salts undefined: digests are not salted yet */
function statementOf(filing: Filing, salts: Salts | undefined): Statement {
  if (salts === undefined) return { ...filing, salted: false }
  return { ...filing, digest: salts.digestOf(filing.id, filing.digest), salted: true }
}

/** Two processes redeemed one ticket at once: the retry finds which of them was first. */
function retryTicketRace(error: unknown): never {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown }
  const raced = code === '23505' && constraint === 'acceptance_by_ticket'
  throw raced
    ? Object.assign(new Error('a ticket was redeemed twice at once'), { code: '40001' })
    : error
}

/** Leaves out filings whose ticket was used, in the journal or in this group. */
async function withoutUsedTickets(client: pg.PoolClient, filings: readonly Filing[]) {
  const ticketsUsed = new Set<string>()
  const tickets = filings.flatMap(({ ticket }) => ticket ?? [])
  if (tickets.length === 0) return { fresh: filings, ticketsUsed }
  const used = new Map(await findUsedTickets(client, tickets))
  for (const { id, ticket } of filings) {
    const hex = ticket?.toString('hex')
    if (hex === undefined) continue
    if (used.has(hex)) ticketsUsed.add(id)
    else used.set(hex, id)
  }
  return { fresh: filings.filter(({ id }) => !ticketsUsed.has(id)), ticketsUsed }
}

function replayOf(salts: Salts, { statement, receipt }: StoredAcceptance): Acceptance {
  const isOf = (content: Buffer) => salts.isOf(statement, content)
  return { statement, receipt, fresh: false, isOf }
}

/**
 * The chain of envelopes that one running intake process writes. When a commit's outcome is
 * unknown, a new chain begins, as no two envelopes of a writer may follow the same one; it begins
 * with the last link that is known, so that the chains of a process hang together.
 */
class WriterChain {
  writer = randomUUID()
  position = 1
  previous: Buffer = Buffer.alloc(32)
  /** Number of the last envelope whose commit is known; none at first. */
  committed: bigint | undefined

  async extend<T>({ number, link }: SealedGroup, commit: () => Promise<T>): Promise<T> {
    try {
      const result = await commit()
      this.position += 1
      this.previous = link
      this.committed = number
      return result
    } catch (error) {
      this.writer = randomUUID()
      this.position = 1
      throw error
    }
  }
}

/** Remembers how long the previous commit took, failed or not: posting yields by it. */
class CommitTime {
  #msBefore: number | null = null

  async measure<T>(commit: (msBefore: number | null) => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    try {
      return await commit(this.#msBefore)
    } finally {
      this.#msBefore = performance.now() - startedAt
    }
  }
}

type SealedGroup = {
  readonly number: bigint
  readonly stated: readonly Statement[]
  readonly environment: string
  readonly sealed: Buffer
  readonly leaves: Buffer
  readonly signedRoot: string
  readonly chain: { readonly writer: string; readonly position: number; readonly previous: Buffer }
  readonly link: Buffer
  receipt(position: number): string
}

type UnsealedGroup = {
  readonly number: bigint
  readonly group: readonly Filing[]
  /** Of each. */
  readonly stated: readonly Statement[]
}

function seal(
  { sealingKey, signer, environment, salts }: AcceptDependencies,
  { writer, position, previous }: WriterChain,
  { number, group, stated }: UnsealedGroup,
): SealedGroup {
  const sealed = sealEnvelope(
    sealingKey,
    number,
    headOf(group),
    group.map(({ canonical }) => canonical),
  )
  // Asked once: the stored text and the receipts must have the same.
  const named = environment()
  const statements = stated.map((statement) => statementText(statement, named))
  const leaves = statements.map(leafHash)
  const tree = buildMerkleTree(leaves)
  const size = group.length
  const content = sha256(sealed)
  const signedRoot = signRoot(signer, {
    envelope: number,
    size,
    root: tree.root,
    content,
    previous,
  })
  const saltOf = ({ id, salted }: Statement) => (salted ? salts.saltOf(id) : undefined)
  return {
    number,
    stated,
    environment: named,
    sealed,
    leaves: Buffer.concat(leaves),
    signedRoot,
    chain: { writer, position, previous },
    link: sha256(signedRoot),
    receipt: (index) =>
      receiptText(
        statements[index] as string,
        { index, size, proof: tree.proof(index) },
        signedRoot,
        saltOf(stated[index] as Statement),
      ),
  }
}

/**
 * What the group was accepted under, and the ids, by position: who opens it knows which is which without
 * salts. A process has one pack for each region, so that a region's hash is the same for all of the group. Who
 * filed each; and of what came in a file, the rows, by position.
 */
function headOf(group: readonly Filing[]): Buffer {
  const policies: Record<string, string> = {}
  for (const { policy } of group) {
    const { region, hash } = policy
    assert((policies[region] ?? hash) === hash, 'a region has one pack at a time')
    policies[region] = hash
  }
  const ofFile = group.some(({ rows }) => rows !== undefined)
  const rows = ofFile && { rows: group.map(({ rows = '' }) => rows) }
  const ids = group.map(({ id }) => id)
  return Buffer.from(JSON.stringify({ policies, ids, ...attributionsOf(group), ...rows }))
}

/**
 * The commit. Rows go in sorted by id, so that two groups that share ids can't deadlock; on
 * conflict the row that is there wins, and this envelope's copy is never posted, because a
 * declaration is posted only from the place that its acceptance row names.
 * @returns the positions accepted
 */
async function insertGroup(
  { client, lane, startsWithinMs = Number.POSITIVE_INFINITY }: Accepting,
  group: SealedGroup,
  filings: readonly Filing[],
  drawnAtMicros: number,
  commitMsBefore: number | null,
): Promise<Set<number>> {
  const list = (values: readonly (string | number | boolean)[]) => `{${values.join(',')}}`
  const acceptedAtMicros = Math.min(...filings.map((filing) => filing.acceptedAtMicros))
  // How old the group was when the number came, this process's clock tells, by which the filings have
  // their times; what passes from then on, the server's: the two may differ by any time.
  const ageMicros = Date.now() * 1_000 - acceptedAtMicros
  const untilMicros = drawnAtMicros + startsWithinMs * 1_000 - ageMicros
  const { rows } = await client.query<{ in_time: boolean; position: number | null }>({
    name: 'accept-group',
    text: `
      with in_time as materialized (
        select
        where clock_timestamp()
          <= coalesce(
            timestamptz 'epoch' + $26::bigint * interval '1 microsecond',
            'infinity'
          )
      ), envelope as (
        insert into journal.envelope (
          number, lane, environment, declarations, sealed, leaves, signed_root,
          writer, writer_position, previous_link, link
        )
        select
          $1::bigint, $2::text, $3::text, $4::integer, $5::bytea, $6::bytea, $7::text,
          $8::uuid, $9::bigint, $10::bytea, $11::bytea
        from in_time
        returning number
      ), unposted as (
        insert into journal.unposted (
          envelope, lane, declarations, accepted_at, commit_ms_before
        )
        select $1, $2, $4, timestamptz 'epoch' + $12::bigint * interval '1 microsecond', $21::real
        from in_time
      ), accepted as (
        insert into journal.acceptance (
          id, envelope, position, employer, period, kind, digest, salted_digest, accepted_at, deadline,
          on_time, attempted_at, ticket, lines, part_of, region
        )
        select
          f.id, $1, f.place - 1, f.employer, f.period, f.kind,
          case when not $28::boolean then substring($13::bytea from (32 * (f.place - 1) + 1)::integer for 32) end,
          case when $28 then substring($13::bytea from (32 * (f.place - 1) + 1)::integer for 32) end,
          timestamptz 'epoch' + f.accepted_at * interval '1 microsecond',
          timestamptz 'epoch' + f.deadline * interval '1 microsecond',
          f.on_time,
          timestamptz 'epoch' + f.attempted_at * interval '1 microsecond',
          decode(f.ticket, 'hex'),
          f.lines,
          f.part_of,
          f.region
        from in_time, unnest(
          $14::text[], $15::text[], $16::text[], $17::text[], $18::bigint[], $19::bigint[],
          $20::boolean[], $22::bigint[], $23::text[], $24::integer[], $25::text[], $27::text[]
        ) with ordinality as f (
          id, employer, period, kind, accepted_at, deadline, on_time, attempted_at, ticket, lines,
          part_of, region, place
        )
        order by f.id
        on conflict (id) do nothing
        returning position
      )
      select e.number is not null as in_time, a.position
      from (select) one
      left join envelope e on true
      left join accepted a on true`,
    values: [
      group.number,
      lane,
      group.environment,
      filings.length,
      group.sealed,
      group.leaves,
      group.signedRoot,
      group.chain.writer,
      group.chain.position,
      group.chain.previous,
      group.link,
      acceptedAtMicros,
      Buffer.concat(group.stated.map(({ digest }) => digest)),
      list(filings.map(({ id }) => id)),
      list(filings.map(({ employer }) => employer)),
      list(filings.map(({ period }) => period)),
      list(filings.map(({ kind }) => kind)),
      list(filings.map(({ acceptedAtMicros }) => acceptedAtMicros)),
      list(filings.map(({ deadlineMicros }) => deadlineMicros)),
      list(filings.map(({ onTime }) => onTime)),
      commitMsBefore,
      list(filings.map(({ attemptedAtMicros }) => attemptedAtMicros ?? 'NULL')),
      list(filings.map(({ ticket }) => ticket?.toString('hex') ?? 'NULL')),
      list(filings.map(({ lines }) => lines)),
      list(filings.map(({ partOf }) => partOf ?? 'NULL')),
      Number.isFinite(untilMicros) ? Math.round(untilMicros) : null,
      list(filings.map(({ policy }) => policy.region)),
      group.stated[0]?.salted === true,
    ],
  })
  if (rows[0]?.in_time !== true) throw new GroupTooOldError('the group was too old to be committed')
  return new Set(rows.flatMap(({ position }) => position ?? []))
}
