/**
 * Work on a batch, by one worker at a time: it holds a lease that each write extends. What another
 * took over meanwhile, or who sent it cancelled, can't be written: the write fails, and the worker
 * drops it.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import { batchLeaseMs, batchTriesMax, batchTryWaitMsMax } from '../../limits.ts'
import type { RequestedKind } from '../state/requested-kind.ts'
import { type BatchEvent, type Stage, transitions } from '../state/stages.ts'
import type { modes } from '../state/upload.ts'
import type { SizeLane } from './size-lanes.ts'

export type LeasedBatch = {
  readonly batch: string
  readonly worker: string
  readonly stage: Stage
  readonly issuer: string
  readonly subject: string
  /** Employers that every token named with which its bytes came. */
  readonly mayFileFor: ReadonlySet<string>
  /** Patterns of the regions that each of them named; undefined: any. */
  readonly mayFileIn: readonly string[] | undefined
  /** Undefined: the file has lines of several employers. */
  readonly employer: string | undefined
  readonly period: string
  readonly region: string
  readonly kind: RequestedKind
  /** Undefined: to be seen from its bytes. */
  readonly format: 'csv' | 'tsv' | 'xlsx' | 'ndjson' | undefined
  readonly mode: (typeof modes)[number]
  /** Of the file. */
  readonly bytes: number
  /** When its last byte was durable, microseconds since 1970. */
  readonly receivedAtMicros: number
  /** Where reading goes on, sealed; undefined at its beginning. */
  readonly position: Buffer | undefined
  readonly pieces: number
  /** How many workers took it, this one too, since something of it was written. */
  readonly tries: number
  /** How often an operator had it checked anew. */
  readonly rechecks: number
  /** An operator took it out of filing, and what was filed of it is not settled yet. */
  readonly toSettle: boolean
  /** False of a file that was begun before its rows were told apart by region. */
  readonly byRegion: boolean
}

/** Another worker has it now, or it was cancelled. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError'
}

/** It waits for another batch; it is to be taken again later. */
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

/** Any file, by its time of receipt. */
const anySize: SizeLane = { aboveBytes: 0, bytesMax: Number.MAX_SAFE_INTEGER }

/**
 * Whether a batch may be taken, with the work `w` on it, if there is any: nobody has it. A file on which
 * worker after worker ends waits ever longer, so that they come to those of others.
 */
const isFree = `(
  w.leased_until is null
  or w.leased_until < now() - interval '1 millisecond' * case
    when w.tries < ${batchTriesMax} then 0
    else least(${batchTryWaitMsMax}, ${batchLeaseMs} * 2 ^ least(w.tries - ${batchTriesMax}, 20))
  end
)`

/**
 * Takes a batch that nobody works on: by slots, files that are to be filed before those that are only
 * checked; of the place's lane before smaller ones; by slots, those whose slot has begun before those that
 * have none, or are larger than theirs, or came too late for it, and these before those whose slot is to
 * come; and then the one that was received first. What is under way is never interrupted.
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

/** How many batches wait that a place could take; a hundred at most are counted. */
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

/** What a step counts, added to the work's numbers. */
export type StepCounts = Partial<
  Record<'rows_read' | 'rows_good' | 'rows_set_aside' | 'rows_filed' | 'declarations', number>
>

export type StepDependencies = {
  readonly pool: pg.Pool
  readonly inTransaction: InTransaction
  /** The process is to stop: what was written is where another goes on. */
  readonly stopping?: AbortSignal
  /** Told of each step that was written. */
  readonly onStep?: (counts: StepCounts) => void
}

/**
 * Writes what a step did, with its counts, in one transaction, and extends the lease. What is counted need
 * not be done again: earlier tries are forgotten. Without counts, they are not. The batch's row is locked
 * first, as who cancels it does: unlocked, its stage could be the one of before a cancellation, and what is
 * written would lie there for ever, as what ended is forgotten once.
 * @throws WorkLostError when the batch is another worker's, or not in the stage any more
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

/** Which instant of the work an event writes down. */
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
 * Moves a batch on. Where nothing of it will be filed, the same content may be sent again: in another
 * mode, say, or by somebody who has the authority by then.
 * @returns the work as it is then
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

/** Gives a batch back, for any worker to go on with after a pause. */
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

/** Batches all of whose envelopes are posted are done; returns how many. */
export async function markPosted(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'finish-posted-batches',
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
