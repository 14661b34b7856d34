/**
 * Acceptance in an intake process: filings gather into groups, each group is one commit,
 * and what was committed is counted and put on the queue. If the queue doesn't take it, a sweeper will.
 */
import type pg from 'pg'
import type { FilingLimit } from '../intake/overload/filing-limit.ts'
import { createAcceptGroup, JournalWentBackError } from '../journal/accept.ts'
import type { CommitJudge } from '../journal/durable.ts'
import { GroupCommit } from '../journal/group-commit.ts'
import type { Lane } from '../journal/lanes.ts'
import { groupStartsWithinMs, leftWarnedEveryMs, stuckUnderWayMs } from '../limits.ts'
import { databaseFault } from '../platform/command/sqlstate.ts'
import { activeKeys } from '../platform/config/key-store.ts'
import { type CommitWatch, commitFailureOf } from '../platform/installation/commit-watch.ts'
import type { Installation } from '../platform/installation/installation.ts'
import { passes } from '../platform/process/crash-point.ts'
import type { Logger } from '../platform/process/logger.ts'
import type { IntakeMetrics } from '../platform/process/metrics.ts'
import { warnSeldom } from '../platform/process/warn-seldom.ts'
import type { LaneQueue } from '../queue/backend.ts'
import { createEnqueue } from '../queue/enqueue.ts'
import type { ProgressCheck } from '../queue/watchdog.ts'

/** Of what intake accepts. */
export const lane: Lane = 'filing'

export type AcceptanceDependencies = {
  readonly pool: pg.Pool
  /** Of what its commits were durable on. */
  readonly judge: CommitJudge
  /** What receipts say of where they are from. */
  readonly environment: () => string
  readonly queues: ReadonlyMap<Lane, LaneQueue>
  readonly limit: FilingLimit
  /** Learns whether commits get through. */
  readonly commits: Pick<CommitWatch, 'committed' | 'wentBack'>
  readonly metrics: IntakeMetrics
  readonly logger: Logger
}

export function openAcceptance(
  { config, keyring }: Installation,
  { queues, limit, commits, metrics, logger, ...accepting }: AcceptanceDependencies,
): GroupCommit {
  const { crashAt } = config
  const warn = warnSeldom(logger, 'envelopes were left to the sweeper', leftWarnedEveryMs)
  const onSkipped = (of: Lane, err: unknown) => {
    metrics.leftToSweeper.inc({ lane: of })
    warn({ lane: of, err })
  }
  const enqueue = createEnqueue(queues, onSkipped, () => passes(crashAt, 'after-enqueue'))
  return new GroupCommit({
    times: limit.times,
    targetMs: () => limit.targetMs,
    acceptGroup: createAcceptGroup({
      ...activeKeys(keyring),
      ...accepting,
      lane,
      startsWithinMs: groupStartsWithinMs,
    }),
    isTransient: (error) => databaseFault(error) === 'transient',
    onTryFailed: (error) => {
      metrics.commitsFailed.inc({ reason: commitFailureOf(error) })
      if (error instanceof JournalWentBackError) commits.wentBack(error.message)
    },
    onCommitted: ({ envelope, fresh, commitMs }) => {
      commits.committed()
      if (envelope === undefined) return
      metrics.accepted.inc({ lane }, fresh)
      metrics.groupSize.observe(fresh)
      metrics.commit.observe(commitMs / 1_000)
      passes(crashAt, 'after-commit')
      enqueue(lane, envelope)
    },
  })
}

/** A commit gives up long before it counts as stuck. */
export function commitCheck(committer: GroupCommit): ProgressCheck {
  return async () => {
    const { committingSince: since } = committer
    const ms = since === undefined ? 0 : performance.now() - since
    return ms > stuckUnderWayMs
      ? `a commit is under way for ${Math.round(ms / 1_000)} s`
      : undefined
  }
}
