/**
 * Receives the bytes of a file from one request. Each append is durable when it returns. The append
 * with the last byte finalizes the file in the same transaction.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { FiledByToken } from '../../journal/attribution.ts'
import { chunkBytesMax, chunksMax } from '../../limits.ts'
import { openBytes, SealedBytesError, sealBytes } from '../state/seal.ts'
import { stagesBefore } from '../state/stages.ts'
import type { Upload } from '../state/upload.ts'
import { deleteChunks } from './cancel-and-expire.ts'
import { chunkBinding, readBytes } from './chunk-reader.ts'
import { type FinalizeOutcome, finalizeUpload } from './finalize-upload.ts'
import { findUpload } from './find-batch.ts'
import type { DigestState } from './running-digest.ts'
import type { StoreDependencies } from './store-dependencies.ts'

/** In order of precedence. */
export type BeginOutcome =
  | { readonly kind: 'absent' }
  /** The batch takes no more bytes: all are here, or it has ended. */
  | { readonly kind: 'closed'; readonly upload: Upload }
  /** Another size was announced before. */
  | { readonly kind: 'otherSize'; readonly upload: Upload }
  | { readonly kind: 'elsewhere'; readonly upload: Upload }
  | { readonly kind: 'receiving'; readonly receiving: Receiving }

/** In order of precedence. */
export type AppendOutcome =
  /** Another request is the writer now, or the batch has ended: nothing was stored. */
  | { readonly kind: 'overtaken' }
  /** The bytes exceed the announced size: nothing was stored. */
  | { readonly kind: 'beyondSize' }
  | { readonly kind: 'tooManyChunks' }
  | { readonly kind: 'appended' }
  | ({ readonly kind: 'completed' } & FinalizeOutcome)

/** The largest sealed state of a digest, with room to spare. */
const digestStateBytesMax = 1_024

type Claim = {
  readonly writer: string
  readonly id: string
  received: string
  chunks: number
  size: string | null
  digest_state: Buffer | null
}

/** What the uploading token may file for: the file is limited to it. */
export type Mandate = {
  readonly employers: readonly string[]
  /** Region patterns; without them, any region. */
  readonly regions?: readonly string[] | undefined
  /** Whose token it is, where that is recorded. */
  readonly by?: FiledByToken | undefined
}

export type UploadPart = {
  /** Offset of the part's first byte in the file. */
  readonly offset: number
  /** Size of the full file, if it was not announced before. */
  readonly size?: number | undefined
  readonly mandate: Mandate
}

/**
 * SQL: narrows the mandate to the token's employers (`$n`) and regions (`$n+1`). Of two region
 * patterns, the one contained in the other stays.
 */
const narrowedMandate = (n: number) => `
  may_file_for = array(select unnest(may_file_for) intersect select unnest($${n}::text[])),
  named = array(select unnest(coalesce(named, may_file_for)) union select unnest($${n}::text[])),
  may_file_in = case
    when $${n + 1}::text[] is null then may_file_in
    when may_file_in is null then $${n + 1}
    else array(
      select distinct case when k like t then k else t end
      from unnest(may_file_in) k, unnest($${n + 1}::text[]) t
      where k like t or t like k
    )
  end`

const mandateValues = ({ employers, regions }: Mandate) => [employers, regions]

export async function beginReceiving(
  dependencies: StoreDependencies,
  id: string,
  { offset, size, mandate }: UploadPart,
): Promise<BeginOutcome> {
  const { rows } = await dependencies.pool.query<Claim>({
    name: 'begin-receiving',
    text: `
      update batch.batch
      set writer = $2, size = coalesce(size, $4), touched_at = now(), ${narrowedMandate(6)}
      where id = $1 and received = $3 and stage = any($5)
        and ($4::bigint is null or coalesce(size, $4) = $4) and received <= coalesce(size, $4, received)
      returning id, writer, received, chunks, size, digest_state`,
    values: [id, randomUUID(), offset, size, stagesBefore('complete'), ...mandateValues(mandate)],
  })
  return outcomeOf(dependencies, id, rows[0], { size, by: mandate.by })
}

export async function restartReceiving(
  dependencies: StoreDependencies,
  id: string,
  mandate: Mandate,
): Promise<BeginOutcome> {
  const { pool, inTransaction } = dependencies
  const claim = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<Claim>({
      name: 'restart-receiving',
      text: `
        update batch.batch
        set writer = $2, received = 0, chunks = 0, digest_state = null, touched_at = now(),
          ${narrowedMandate(4)}
        where id = $1 and stage = any($3)
        returning id, writer, received, chunks, size, digest_state`,
      values: [id, randomUUID(), stagesBefore('complete'), ...mandateValues(mandate)],
    })
    if (rows.length > 0) await deleteChunks(client, id)
    return rows[0]
  })
  return outcomeOf(dependencies, id, claim, { by: mandate.by })
}

async function outcomeOf(
  dependencies: StoreDependencies,
  id: string,
  claim: Claim | undefined,
  { size, by }: { readonly size?: number | undefined; readonly by: Mandate['by'] },
): Promise<BeginOutcome> {
  if (claim !== undefined) {
    const state = await digestStateOf(dependencies, claim)
    return { kind: 'receiving', receiving: new Receiving(dependencies, claim, state, by) }
  }
  const upload = await findUpload(dependencies, id, 'durable')
  if (upload === undefined) return { kind: 'absent' }
  if (upload.stage !== 'receiving') return { kind: 'closed', upload }
  const otherSize = size !== undefined && (size < upload.received || (upload.size ?? size) !== size)
  return { kind: otherSize ? 'otherSize' : 'elsewhere', upload }
}

/**
 * The stored digest state. If another version of the program wrote it, it is computed from the bytes
 * again.
 */
async function digestStateOf(
  dependencies: StoreDependencies,
  { id, received, digest_state: sealed }: Claim,
): Promise<DigestState> {
  if (sealed === null) return undefined
  const { sealingKeys, runningDigest } = dependencies
  try {
    const place = digestBinding(id, Number(received))
    const state = openBytes(sealingKeys, place, sealed, digestStateBytesMax)
    runningDigest.digest(state)
    return state
  } catch (error) {
    if (error instanceof SealedBytesError) throw error
    let state: DigestState
    for await (const bytes of readBytes(dependencies, id, 0))
      state = runningDigest.extend(state, bytes)
    return state
  }
}

function digestBinding(id: string, received: number): string {
  return `batch ${id} digest to ${received}`
}

/**
 * A file that one request sends: begun → appends → completed, or left for another request to continue.
 */
export class Receiving {
  readonly #dependencies: StoreDependencies
  readonly #id: string
  readonly #writer: string
  readonly size: number | undefined
  #received: number
  #chunks: number
  #state: DigestState
  readonly #by: Mandate['by']

  constructor(
    dependencies: StoreDependencies,
    claim: Claim,
    state: DigestState,
    by: Mandate['by'],
  ) {
    this.#by = by
    this.#dependencies = dependencies
    this.#id = claim.id
    this.#writer = claim.writer
    this.size = claim.size === null ? undefined : Number(claim.size)
    this.#received = Number(claim.received)
    this.#chunks = claim.chunks
    this.#state = state
  }

  /** Durable bytes: the offset of the next one. */
  get received(): number {
    return this.#received
  }

  /** Stores a chunk durably. Calls must not overlap. */
  async append(bytes: Uint8Array): Promise<AppendOutcome> {
    assert(bytes.length > 0 && bytes.length <= chunkBytesMax, 'a chunk is within its limit')
    const after = this.#received + bytes.length
    if (this.size !== undefined && after > this.size) return { kind: 'beyondSize' }
    if (this.#chunks >= chunksMax) return { kind: 'tooManyChunks' }
    const state = this.#dependencies.runningDigest.extend(this.#state, bytes)
    const { pool, inTransaction } = this.#dependencies
    const last = after === this.size
    const outcome: AppendOutcome = last
      ? await inTransaction(pool, async (client) => {
          const taken = await this.#take(client, bytes, state)
          return taken ? this.#complete(client, state) : { kind: 'overtaken' }
        })
      : { kind: (await this.#take(pool, bytes, state)) ? 'appended' : 'overtaken' }
    if (outcome.kind === 'overtaken') return outcome
    this.#dependencies.onReceived?.(bytes.length)
    this.#received = after
    this.#chunks += 1
    this.#state = state
    return outcome
  }

  /** Ends a file of unannounced size. */
  finish(): Promise<AppendOutcome> {
    const { pool, inTransaction } = this.#dependencies
    return inTransaction(pool, async (client) => {
      const { rowCount } = await client.query({
        name: 'finish-receiving',
        text: `
          update batch.batch
          set size = received
          where id = $1 and writer = $2 and received = $3 and stage = any($4)`,
        values: [this.#id, this.#writer, this.#received, stagesBefore('complete')],
      })
      return rowCount === 1 ? this.#complete(client, this.#state) : { kind: 'overtaken' }
    })
  }

  async #complete(client: pg.PoolClient, state: DigestState): Promise<AppendOutcome> {
    const digest = this.#dependencies.runningDigest.digest(state)
    const brought = { digest, by: this.#by }
    const completed = await finalizeUpload(this.#dependencies, client, this.#id, brought)
    return { kind: 'completed', ...completed }
  }

  /** One statement locks the batch's row first and then inserts the chunk that follows from it. */
  async #take(
    client: pg.Pool | pg.PoolClient,
    bytes: Uint8Array,
    state: Uint8Array,
  ): Promise<boolean> {
    const [key] = this.#dependencies.sealingKeys
    assert(key !== undefined, 'a keyring has a sealing key')
    const start = this.#received
    const { rowCount } = await client.query({
      name: 'append-chunk',
      text: `
        with grown as (
          update batch.batch
          set received = received + $4, chunks = chunks + 1, digest_state = $6, touched_at = now()
          where id = $1 and writer = $2 and received = $3 and stage = any($7)
          returning chunks
        )
        insert into batch.chunk (batch, number, start, bytes, sealed)
        select $1, chunks, $3, $4, $5
        from grown`,
      values: [
        ...[this.#id, this.#writer, start, bytes.length],
        sealBytes(key, chunkBinding(this.#id, start), bytes),
        sealBytes(key, digestBinding(this.#id, start + bytes.length), state),
        stagesBefore('complete'),
      ],
    })
    return rowCount === 1
  }
}
