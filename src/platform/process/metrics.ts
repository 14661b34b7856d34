/**
 * Metrics in Prometheus form. Labels are few and closed: lane, route, status, code; never a person,
 * an employer or a declaration.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { StepCounts } from '../../batch/lease/batch-lease.ts'
import type { BatchCounts } from '../../batch/status/batch-counts.ts'
import { type Lane, lanes } from '../../journal/lanes.ts'
import type { Backlog } from '../../journal/reading/unposted.ts'

export type IntakeMetrics = ReturnType<typeof createIntakeMetrics>
export type BatchMetrics = ReturnType<typeof createBatchMetrics>
export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>

const commitSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const groupSizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]

export function createIntakeMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'spillway_intake_' })
  const registers = [registry]
  const lane = ['lane'] as const
  return {
    registry,
    accepted: new Counter({
      name: 'spillway_accepted_declarations_total',
      help: 'Declarations accepted and durable.',
      labelNames: lane,
      registers,
    }),
    requests: new Histogram({
      name: 'spillway_request_seconds',
      help: 'Time from request to answer, by route and status.',
      labelNames: ['route', 'status'] as const,
      buckets: commitSeconds,
      registers,
    }),
    ...commitMetrics(registers),
    ...createOverloadMetrics(registers),
    cut: new Counter({
      name: 'spillway_connections_cut_total',
      help: 'Connections ended by intake: above a cap (total, address), slow, unread, headers, malformed.',
      labelNames: ['reason'] as const,
      registers,
    }),
    leftToSweeper: new Counter({
      name: 'spillway_envelopes_left_to_sweeper_total',
      help: 'Envelopes that could not be enqueued at once.',
      labelNames: lane,
      registers,
    }),
    backlog: new Gauge({
      name: 'spillway_backlog_declarations',
      help: 'Declarations accepted and not yet posted.',
      labelNames: lane,
      registers,
    }),
    oldest: new Gauge({
      name: 'spillway_oldest_unposted_seconds',
      help: 'Age of the oldest accepted and unposted declaration: the number to watch.',
      labelNames: lane,
      registers,
    }),
    accessAge: accessAge(registers),
    queueTroubles: queueTroubles(registers, 'spillway_queue_troubles'),
    deadLetters: new Gauge({
      name: 'spillway_dead_letters',
      help: 'Declarations that could not be posted and wait for an operator.',
      labelNames: lane,
      registers,
    }),
    deadJobs: new Gauge({
      name: 'spillway_queue_dead_jobs',
      help: 'Of the queue in Postgres: rows of done jobs that an open transaction keeps, which slow posting.',
      registers,
    }),
    putOff: new Gauge({
      name: 'spillway_envelopes_put_off',
      help: 'Unposted envelopes that time alone does not mend, by what their last try met: look why.',
      labelNames: ['code'] as const,
      registers,
    }),
    ...{ ...fileMetrics(registers), ...accessMetrics(registers) },
  }
}

/** Of what a 202 means: commits, and what they depend on. */
function commitMetrics(registers: Registry[]) {
  return {
    groupSize: new Histogram({
      name: 'spillway_group_declarations',
      help: 'Declarations in one commit.',
      buckets: groupSizes,
      registers,
    }),
    commit: new Histogram({
      name: 'spillway_commit_seconds',
      help: 'Time of one commit, sealing and signing included.',
      buckets: commitSeconds,
      registers,
    }),
    commitsFailed: new Counter({
      name: 'spillway_commits_failed_total',
      help: 'Tries of a commit of acceptance that failed: standby (not known to have reached one), timeout, connection, resources (disk, memory), refused (by DURABILITY), other.',
      labelNames: ['reason'] as const,
      registers,
    }),
    standbys: new Gauge({
      name: 'spillway_standbys_connected',
      help: 'Servers that take the write-ahead log of Postgres now: commits wait for those that are named.',
      registers,
    }),
    notDurable: new Gauge({
      name: 'spillway_not_durable',
      help: 'Settings of Postgres under which acknowledged declarations could be lost.',
      registers,
    }),
  }
}

/** Of the access log. */
function accessMetrics(registers: Registry[]) {
  return {
    accessWritten: new Counter({
      name: 'spillway_access_entries_total',
      help: 'Entries of the access log that this process made durable.',
      registers,
    }),
    accessLost: new Counter({
      name: 'spillway_access_entries_lost_total',
      help: 'Reads that were answered and are not in the access log, as it could not be written: look why.',
      registers,
    }),
  }
}

function accessAge(registers: Registry[]) {
  return new Gauge({
    name: 'spillway_access_age_seconds',
    help: 'Seconds since it was read who may come in, by source: keys of tokens, denials, keys of sessions. What was read last counts.',
    labelNames: ['source'] as const,
    registers,
  })
}

/** In every process, under a name of its kind: intake shows workers' metrics after its own. */
function queueTroubles(registers: Registry[], name: string): Gauge {
  const help =
    'Things wrong with the queue now: posting may be late, and nothing is lost or refused.'
  return new Gauge({ name, help, registers })
}

/** Of files with many declarations; what is read from the database is the same in every process. */
function fileMetrics(registers: Registry[]) {
  return {
    uploadBytes: new Counter({
      name: 'spillway_upload_bytes_total',
      help: 'Bytes of files that this process made durable.',
      registers,
    }),
    batches: new Gauge({
      name: 'spillway_batches',
      help: 'Files that have not ended, by stage; receiving: uploads that are open.',
      labelNames: ['stage'] as const,
      registers,
    }),
    oldestBatch: new Gauge({
      name: 'spillway_oldest_waiting_batch_seconds',
      help: 'How long the file waits that was received first of those that nobody works on.',
      registers,
    }),
    slots: new Gauge({
      name: 'spillway_slots',
      help: 'Slots that are not over, by state: reserved, or used by a file that was begun.',
      labelNames: ['state'] as const,
      registers,
    }),
    slotRows: new Gauge({
      name: 'spillway_slot_rows_per_quarter',
      help: 'Rows that slots may have in a quarter of an hour, as files are worked on now.',
      registers,
    }),
  }
}

/** What is refused, and what it goes by. */
function createOverloadMetrics(registers: Registry[]) {
  return {
    shed: new Counter({
      name: 'spillway_shed_requests_total',
      help: 'Requests refused because of what is under way, by class and reason.',
      labelNames: ['class', 'reason'] as const,
      registers,
    }),
    filingsUnderWay: new Gauge({
      name: 'spillway_filings_under_way',
      help: 'Filings that have their body and no answer yet.',
      registers,
    }),
    filingsMax: new Gauge({
      name: 'spillway_filings_under_way_max',
      help: 'How many there may be: as many as the journal brings within the time target, as its commits show.',
      registers,
    }),
    bodiesHeld: new Gauge({
      name: 'spillway_bodies_held_bytes',
      help: 'Bytes of bodies that requests hold until they are answered.',
      registers,
    }),
    sharesHeard: new Gauge({
      name: 'spillway_shares_heard',
      help: 'Other intake processes whose fair shares are known; 0: each filer has its share of this one.',
      registers,
    }),
  }
}

/** Shows how files stand; a stage without one is zero. */
export function showBatches(metrics: IntakeMetrics, counts: BatchCounts): void {
  for (const [stage, count] of counts.byStage) metrics.batches.set({ stage }, count)
  metrics.oldestBatch.set(counts.oldestWaitingSeconds)
  metrics.slots.set({ state: 'reserved' }, counts.slotsReserved)
  metrics.slots.set({ state: 'used' }, counts.slotsUsed)
  metrics.slotRows.set(counts.slotRowsPerQuarter)
}

/** Shows the backlog; a lane without one is zero. */
export function showBacklog({ backlog, oldest }: IntakeMetrics, read: readonly Backlog[]): void {
  for (const lane of lanes) {
    const found = read.find((one) => one.lane === lane)
    backlog.set({ lane }, found?.declarations ?? 0)
    oldest.set({ lane }, found?.oldestSeconds ?? 0)
  }
}

/** Shows the dead letters; a lane without one is zero. */
export function showDeadLetters({ deadLetters }: IntakeMetrics, read: ReadonlyMap<Lane, number>) {
  for (const lane of lanes) deadLetters.set({ lane }, read.get(lane) ?? 0)
}

/** Shows what is put off; a reason that is gone is not shown any more. */
export function showPutOff({ putOff }: IntakeMetrics, read: ReadonlyMap<string, number>) {
  putOff.reset()
  for (const [code, count] of read) putOff.set({ code }, count)
}

export function createBatchMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'spillway_batches_' })
  const registers = [registry]
  return {
    registry,
    finished: new Counter({
      name: 'spillway_batches_worked_on_total',
      help: 'Batches this process ended its work on, by the stage they are in then.',
      labelNames: ['stage'] as const,
      registers,
    }),
    rows: new Counter({
      name: 'spillway_batch_rows_total',
      help: 'Rows of files by what this process did: read, set_aside (those that are wrong), filed.',
      labelNames: ['step'] as const,
      registers,
    }),
    share: new Gauge({
      name: 'spillway_batches_share',
      help: 'Share of the time in which this process writes: 1, or less to give way to acceptance.',
      registers,
    }),
    queueTroubles: queueTroubles(registers, 'spillway_batches_queue_troubles'),
  }
}

/** Counts what a step did with rows. */
export function countRows({ rows }: BatchMetrics, counts: StepCounts): void {
  rows.inc({ step: 'read' }, counts.rows_read ?? 0)
  rows.inc({ step: 'set_aside' }, counts.rows_set_aside ?? 0)
  rows.inc({ step: 'filed' }, counts.rows_filed ?? 0)
}

export function createWorkerMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'spillway_worker_' })
  const registers = [registry]
  const lane = ['lane'] as const
  return {
    registry,
    queueTroubles: queueTroubles(registers, 'spillway_worker_queue_troubles'),
    posted: new Counter({
      name: 'spillway_posted_declarations_total',
      help: 'Declarations posted by this process.',
      labelNames: lane,
      registers,
    }),
    envelopes: new Counter({
      name: 'spillway_posted_envelopes_total',
      help: 'Envelopes posted by this process.',
      labelNames: lane,
      registers,
    }),
    repeats: new Counter({
      name: 'spillway_repeated_deliveries_total',
      help: 'Envelopes delivered again after they were posted; harmless.',
      labelNames: lane,
      registers,
    }),
    isolated: new Counter({
      name: 'spillway_isolated_declarations_total',
      help: 'Declarations this process moved to the dead letters.',
      labelNames: lane,
      registers,
    }),
    posting: new Histogram({
      name: 'spillway_posting_seconds',
      help: 'Time of one posting, opening and assessing included.',
      buckets: commitSeconds,
      registers,
    }),
    failures: new Counter({
      name: 'spillway_posting_failures_total',
      help: 'Postings that failed and will be tried again.',
      labelNames: ['lane', 'code'] as const,
      registers,
    }),
    postingShare: new Gauge({
      name: 'spillway_posting_share',
      help: 'Share of the time in which this process posts, so that acceptance goes first; 1 is all.',
      registers,
    }),
    swept: new Counter({
      name: 'spillway_swept_envelopes_total',
      help: 'Unposted envelopes that the sweeper put on the queue.',
      registers,
    }),
  }
}
