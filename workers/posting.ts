/**
 * Posts an envelope, with metrics and log lines. A fault that time fixes is thrown, so the queue retries the
 * envelope soon. For any other fault the envelope is put off, and leaves the queue to those that can be
 * posted.
 */
import type pg from 'pg'
import { EnvelopeError } from '../src/journal/envelope.ts'
import type { Lane } from '../src/journal/lanes.ts'
import { putOff } from '../src/journal/put-off.ts'
import { createPersonIndex } from '../src/ledger/person.ts'
import { createPosting } from '../src/ledger/post.ts'
import { databaseFault } from '../src/platform/command/sqlstate.ts'
import { readPolicies } from '../src/platform/config/packs.ts'
import type { Installation } from '../src/platform/installation/installation.ts'
import { inTransaction } from '../src/platform/postgres/postgres.ts'
import { passes } from '../src/platform/process/crash-point.ts'
import type { Logger } from '../src/platform/process/logger.ts'
import type { WorkerMetrics } from '../src/platform/process/metrics.ts'
import { fixedByTime } from '../src/queue/backend.ts'

type Post = (lane: Lane, envelope: bigint) => Promise<void>

export function openPosting(
  { config, keyring }: Pick<Installation, 'config' | 'keyring'>,
  pool: pg.Pool,
  logger: Logger,
  metrics: WorkerMetrics,
): Post {
  const { policyDir, crashAt } = config
  const postEnvelope = createPosting({
    pool,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    policies: readPolicies(policyDir),
    isDataFault: (error) => databaseFault(error) === 'data',
    onUnderWay: () => passes(crashAt, 'mid-posting'),
  })
  return async (lane, envelope) => {
    const timing = metrics.posting.startTimer()
    try {
      const outcome = await postEnvelope(envelope)
      passes(crashAt, 'after-posting') // its job is not completed yet
      tell(lane, envelope, outcome, logger, metrics)
    } catch (err) {
      const code = codeOf(err)
      metrics.failures.inc({ lane, code })
      logger.warn({ lane, envelope: `${envelope}`, err }, 'posting failed; it will be tried again')
      // The queue stores the error that it gets: a code, never a message that may quote data.
      if (code === fixedByTime) throw new PostingError(code)
      await putOff(pool, { number: envelope, lane }, code).catch((failure: unknown) => {
        throw new PostingError(codeOf(failure))
      })
    } finally {
      timing()
    }
  }
}

type Outcome = Awaited<ReturnType<ReturnType<typeof createPosting>>>

function tell(
  lane: Lane,
  envelope: bigint,
  outcome: Outcome,
  logger: Logger,
  metrics: WorkerMetrics,
): void {
  if (outcome.kind === 'unknown') {
    const what = 'no such envelope; another engine in this queue?'
    logger.warn({ lane, envelope: `${envelope}` }, what)
  } else if (outcome.kind === 'alreadyPosted') {
    metrics.repeats.inc({ lane })
  } else {
    metrics.posted.inc({ lane }, outcome.declarations)
    metrics.envelopes.inc({ lane })
    for (const { id, code, reason } of outcome.deadLetters) {
      metrics.isolated.inc({ lane })
      logger.error({ lane, id, code, reason }, 'a declaration could not be posted')
    }
  }
}

class PostingError extends Error {
  override name = 'PostingError'
}

function codeOf(error: unknown): string {
  if (error instanceof EnvelopeError) return error.code
  const fault = databaseFault(error)
  return fault === 'transient' ? fixedByTime : (fault ?? 'other')
}
