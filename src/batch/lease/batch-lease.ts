/**
 * The lease on a batch. One worker at a time holds it, and each of its writes extends it. If another
 * worker has taken the batch over, or its sender has cancelled it, the write fails and the worker drops
 * the batch.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import { batchLeaseMs, batchTriesMax, batchTryWaitMsMax } from '../../limits.ts'
import type { RequestedKind } from '../state/requested-kind.ts'
import { type BatchEvent, type Stage, transitions } from '../state/stages.ts'
import type { filingModes } from '../state/upload.ts'
import type { SizeLane } from './size-lanes.ts'

export type LeasedBatch = {
  readonly batch: string
  readonly worker: string
  readonly stage: Stage
  readonly issuer: string
  readonly subject: string
  /** Employers that every token named which sent bytes of the file. */
  readonly mayFileFor: ReadonlySet<string>
  /** Region patterns that each of these tokens allows; undefined: any region. */
  readonly mayFileIn: readonly string[] | undefined
  /** Undefined: the file has lines of several employers. */
  readonly employer: string | undefined
  readonly period: string
  readonly region: string
  readonly kind: RequestedKind
  /** Undefined: detect it from the bytes. */
  readonly format: 'csv' | 'tsv' | 'xlsx' | 'ndjson' | undefined
  readonly mode: (typeof filingModes)[number]
  /** Size of the file. */
  readonly bytes: number
  /** When the last byte became durable, microseconds since 1970. */
  readonly receivedAtMicros: number
  /** Sealed position at which reading continues; undefined at the beginning. */
  readonly position: Buffer | undefined
  readonly pieces: number
  /** Workers that have claimed the batch since its last write, including this one. */
  readonly tries: number
  /** How often an operator had the batch checked anew. */
  readonly rechecks: number
  /** An operator took the batch out of filing, and its filed units are not settled yet. */
  readonly toSettle: boolean
  /** False for a file that was begun before rows were separated by region. */
  readonly byRegion: boolean
}

/** Another worker holds the lease now, or the batch was cancelled. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError'
}

/** The batch waits for another batch and must be claimed again later. */
export class RetryLaterError extends Error {
  override name = 'RetryLaterError'
}

type Row = {
  batch: string
  stage: Stage
  issuer: string
  subject: string
  may_file_for: string[]
  may_file_in: string[] | null
  employer: string | null
  period: string
  region: string
  kind: RequestedKind
  format: NonNullable<LeasedBatch['format']> | null
  mode: LeasedBatch['mode']
  received: string
  received_at: string
  position: Buffer | null
  pieces: number
  tries: number
  rechecks: number
  to_settle: boolean
  by_region: boolean
}

const anySize: SizeLane = { aboveBytes: 0, bytesMax: Number.MAX_SAFE_INTEGER }

/**
 * SQL: no worker holds the batch (`w` is its row of `batch.work`, if any). A batch on which worker
 * after worker dies waits longer each time, so that workers reach other files.
 */
const isFree = `(
  w.leased_until is null
  or w.leased_until < now() - interval '1 millisecond' * case
    when w.tries < ${batchTriesMax} then 0
    else least(${batchTryWaitMsMax}, ${batchLeaseMs} * 2 ^ least(w.tries - ${batchTriesMax}, 20))
  end
)`

/**
 * Claims a batch that no worker holds. The order is:
 *  1. with `bySlots`: files to be filed before files to be checked only;
 *  2. files of the lane's own size before smaller ones;
 *  3. with `bySlots`: files whose slot has begun, then files without a slot, larger than their slot or
 *     past it, then files whose slot is still to come;
 *  4. the file that was received first.
 * A batch under way is never interrupted.
 */
export async function claimBatch(
  pool: pg.Pool,
  worker: string,
  { aboveBytes, bytesMax }: SizeLane = anySize,
  bySlots = false,
): Promise<LeasedBatch | undefined> {
  const { rows } = await pool.query<Row>({
    name: 'claim-batch',
    text: `
      with free as materialized (
        select b.id
        from batch.batch b
        left join batch.work w on w.batch = b.id
        left join batch.slot s on s.batch = b.id
        where b.stage in ('received', 'reading', 'checking', 'filing')
          and b.received <= $2
          and ${isFree}
        order by
          $5 and b.mode = 'check',
          b.received > $4 desc,
          case
            when not $5 or s.id is null then 1
            when s.ends_at <= now() or b.received > s.bytes or w.rows_read > s.rows then 1
            when s.starts_at <= now() then 0
            else 2
          end,
          b.received_at
        limit 1
        for update of b skip locked
      ), claimed as (
        insert into batch.work as held (batch, worker, leased_until, tries, by_region)
        select id, $1, now() + $3 * interval '1 millisecond', 1, true
        from free
        on conflict (batch) do update
        set worker = excluded.worker, leased_until = excluded.leased_until, tries = held.tries + 1
        where held.leased_until < now()
        returning batch, position, pieces, tries, rechecks, to_settle, by_region
      )
      select c.batch, c.position, c.pieces, c.tries, c.rechecks, c.to_settle, c.by_region, b.stage,
        b.issuer, b.subject, b.may_file_for, b.may_file_in, b.employer,
        b.period, b.region, b.kind, b.format, b.mode, b.received,
        (extract(epoch from b.received_at) * 1000000)::bigint as received_at
      from claimed c
      join batch.batch b on b.id = c.batch`,
    values: [worker, bytesMax, batchLeaseMs, aboveBytes, bySlots],
  })
  const [row] = rows
  return row && leasedBatchOf(row, worker)
}

/** Counts the waiting batches that a lane may take, at most a hundred. */
export async function countWaiting(pool: pg.Pool, { bytesMax }: SizeLane): Promise<number> {
  const { rows } = await pool.query<{ count: number }>({
    name: 'count-waiting-batches',
    text: `
      select count(*)::integer as count
      from (
        select
        from batch.batch b
        left join batch.work w on w.batch = b.id
        where b.stage in ('received', 'reading', 'checking', 'filing')
          and b.received <= $1
          and ${isFree}
        limit 100
      ) waiting`,
    values: [bytesMax],
  })
  return rows[0]?.count ?? 0
}

function leasedBatchOf(row: Row, worker: string): LeasedBatch {
  const { batch, stage, issuer, subject, period, region, kind, mode, pieces, tries, rechecks } = row
  return {
    batch,
    worker,
    stage,
    issuer,
    subject,
    mayFileFor: new Set(row.may_file_for),
    mayFileIn: row.may_file_in ?? undefined,
    employer: row.employer ?? undefined,
    period,
    region,
    kind,
    format: row.format ?? undefined,
    mode,
    bytes: Number(row.received),
    receivedAtMicros: Number(row.received_at),
    position: row.position ?? undefined,
    pieces,
    tries,
    rechecks,
    toSettle: row.to_settle,
    byRegion: row.by_region,
  }
}

export type InTransaction = <T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
) => Promise<T>

/** Numbers that a step adds to the batch's counters. */
export type StepCounts = Partial<
  Record<'rows_read' | 'rows_good' | 'rows_set_aside' | 'rows_filed' | 'declarations', number>
>

export type StepDependencies = {
  readonly pool: pg.Pool
  readonly inTransaction: InTransaction
  /** Aborted when the process is to stop. Another worker continues from the last write. */
  readonly stopping?: AbortSignal
  /** Called after each step is written. */
  readonly onStep?: (counts: StepCounts) => void
}

/**
 * Writes the result of a step with its counts in one transaction and extends the lease. A step with
 * counts is progress, so it resets the number of tries; a step without counts does not.
 *
 * It locks the batch's row first, as cancelling does. Without the lock the stage could be the one
 * before a cancellation, and the written rows would stay for ever, because retention visits an ended
 * batch only once.
 * @throws LeaseLostError when another worker holds the batch, or its stage has changed
 * @throws the signal's reason, after writing, when the process is to stop
 */
export async function writeStep(
  { pool, inTransaction, stopping, onStep }: StepDependencies,
  { batch, worker, stage }: Pick<LeasedBatch, 'batch' | 'worker' | 'stage'>,
  counts: StepCounts,
  write: (client: pg.PoolClient) => Promise<void>,
): Promise<void> {
  const { rows_read, rows_good, rows_set_aside, rows_filed, declarations } = counts
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query({
      name: 'write-batch-step',
      text: `
        with held as materialized (
          select id
          from batch.batch
          where id = $1 and stage = $3
          for no key update
        )
        update batch.work w
        set leased_until = now() + $4 * interval '1 millisecond',
          version = version + 1,
          tries = case when $10 then 0 else tries end,
          changed_at = now(),
          rows_read = rows_read + $5,
          rows_good = rows_good + $6,
          rows_set_aside = rows_set_aside + $7,
          rows_filed = rows_filed + $8,
          declarations = declarations + $9
        from held
        where w.batch = held.id and w.worker = $2`,
      values: [
        batch,
        worker,
        stage,
        batchLeaseMs,
        rows_read ?? 0,
        rows_good ?? 0,
        rows_set_aside ?? 0,
        rows_filed ?? 0,
        declarations ?? 0,
        Object.keys(counts).length > 0,
      ],
    })
    if (rowCount !== 1) throw new LeaseLostError(`batch ${batch} is not worked on here any more`)
    await write(client)
  })
  onStep?.(counts)
  stopping?.throwIfAborted()
}

/** The column that records when each event happened. */
const instantColumns = {
  begin: 'began_at',
  read: 'read_at',
  'give up': 'read_at',
  check: 'checked_at',
  conclude: 'checked_at',
  refuse: 'checked_at',
  file: 'filed_at',
} as const satisfies Partial<Record<BatchEvent, string>>

/**
 * Moves a batch to its next stage. If nothing of it will be filed, the sender may send the same content
 * again, for example in another mode or with a wider authority.
 * @returns the batch in its new stage
 */
export async function advanceStage(
  dependencies: StepDependencies,
  work: LeasedBatch,
  event: keyof typeof instantColumns,
  write: (client: pg.PoolClient) => Promise<void> = async () => {},
): Promise<LeasedBatch> {
  const stage = transitions[work.stage][event]
  assert(stage !== undefined, `a batch that is ${work.stage} can't ${event}`)
  await writeStep(dependencies, work, {}, async (client) => {
    await write(client)
    const moved = await client.query(
      'update batch.batch set stage = $2 where id = $1 and stage = $3',
      [work.batch, stage, work.stage],
    )
    if (moved.rowCount !== 1) throw new LeaseLostError(`batch ${work.batch} was cancelled`)
    if (event === 'refuse' || event === 'give up')
      await client.query('delete from batch.content where batch = $1', [work.batch])
    await client.query(
      `update batch.work set ${instantColumns[event]} = now(), tries = 0 where batch = $1`,
      [work.batch],
    )
  })
  return { ...work, stage }
}

/** Gives the lease back; any worker may claim the batch after the pause. */
export async function releaseBatch(
  pool: pg.Pool,
  { batch, worker }: Pick<LeasedBatch, 'batch' | 'worker'>,
  pauseMs: number,
): Promise<void> {
  await pool.query(
    `update batch.work set leased_until = now() + $3 * interval '1 millisecond', tries = 0
     where batch = $1 and worker = $2`,
    [batch, worker, pauseMs],
  )
}

/** Marks batches as posted once all of their envelopes are posted. @returns how many */
export async function markPosted(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'mark-posted-batches',
    text: `
      with done as (
        update batch.batch b
        set stage = 'posted'
        where b.stage = 'posting'
          and not exists (
            select
            from batch.envelope e
            join journal.unposted u on u.envelope = e.envelope
            where e.batch = b.id
          )
        returning b.id
      )
      update batch.work w
      set posted_at = now(), changed_at = now(), version = version + 1
      from done
      where w.batch = done.id`,
  })
  return rowCount ?? 0
}
