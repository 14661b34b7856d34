/**
 * The jobs of BullMQ: options under which no job is lost to a retry limit, a stall or its own id; and the
 * producer's and the consumer's end of a lane, on either backend.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Lane } from '../journal/lanes.ts'
import {
  enqueueMsMax,
  envelopesAtATime,
  jobLockMs,
  postRetryMsMax,
  redisFullJobs,
  stalledCheckMs,
  takeAgainMs,
  transientRetryMsMax,
} from '../limits.ts'
import {
  fixedByTime,
  type LaneQueue,
  type LaneWorker,
  type PostEnvelope,
  QueueFullError,
} from './backend.ts'
import { type Buildable, buildUntilReady } from './build-until-ready.ts'

export type EnvelopeReference = { readonly envelope: string }

export const queueName = (lane: Lane) => `spillway-${lane}`
/** Not all digits and without a colon, which BullMQ refuses. */
const jobId = (envelope: bigint) => `envelope-${envelope}`

/**
 * A job that fails is tried "for ever" (the number must fit an int4). It is removed when done and
 * would be when failed: the journal knows what is unposted, and a failed job that is kept would
 * stop the sweeper from adding its envelope again.
 */
export const queueOptions = {
  defaultJobOptions: {
    attempts: 1_000_000_000,
    backoff: { type: 'custom' },
    removeOnComplete: true,
    removeOnFail: true,
    stackTraceLimit: 1,
  },
  streams: { events: { maxLen: 100 } },
}

/** `maxStalledCount`: a worker that dies on an envelope, however often, must not fail it. */
export const workerOptions = {
  autorun: false,
  concurrency: envelopesAtATime,
  lockDuration: jobLockMs,
  stalledInterval: stalledCheckMs,
  maxStalledCount: 1_000_000_000,
  runRetryDelay: 1_000,
  drainDelay: 2,
  settings: { backoffStrategy: retryDelayMs },
}

/** Full jitter on a doubling bound, so that workers don't come back all at once. */
function retryDelayMs(attemptsMade: number, _type?: string, error?: Error): number {
  const max = error?.message === fixedByTime ? transientRetryMsMax : postRetryMsMax
  return randomInt(50, Math.min(max, 100 * 2 ** Math.min(attemptsMade, 10)) + 1)
}

/** What the lanes need of a BullMQ queue; both backends' queues have it. */
export type BullQueue = Buildable & {
  addBulk(
    jobs: { name: string; data: EnvelopeReference; opts: { jobId: string } }[],
  ): Promise<unknown>
  getJobCountByTypes(...types: ('wait' | 'active' | 'delayed')[]): Promise<number>
}

/** And of a BullMQ worker, which is made without running. */
export type BullWorker = Buildable & { run(): Promise<unknown> }

/** Builds the producer's end of a lane; what is asked of it before it is ready waits a little. */
export function laneQueue(
  build: () => BullQueue,
  onError: (error: Error) => void,
  isFull: () => boolean = () => false,
): LaneQueue {
  const built = buildUntilReady(build, onError)
  // A call whose caller has given up is not made: all of them at once would flood the queue.
  const ask = <T>(question: (queue: BullQueue) => Promise<T>) => {
    const until = performance.now() + enqueueMsMax
    const asked = built.ready.then((queue) => {
      if (performance.now() > until) throw new QueueDeadlineError('it was not ready in time')
      return question(queue)
    })
    return withDeadline(asked, enqueueMsMax)
  }
  const count = () => ask((queue) => queue.getJobCountByTypes('wait', 'active', 'delayed'))
  return {
    add: async (envelopes) => {
      // What fills Redis may be another's: a few jobs always go in, so that posting goes on.
      const room = isFull() ? Math.max(0, redisFullJobs - (await count())) : envelopes.length
      // Not atomic on Redis: some may be in and others not when it throws. The sweeper evens it out.
      const jobs = envelopes.slice(0, room).map((envelope) => ({
        name: 'post',
        data: { envelope: `${envelope}` },
        opts: { jobId: jobId(envelope) },
      }))
      if (jobs.length > 0) await ask((queue) => queue.addBulk(jobs))
      if (jobs.length < envelopes.length) throw new QueueFullError('Redis has too little room')
    },
    count,
    waiting: () => ask((queue) => queue.getJobCountByTypes('wait')),
    close: () => built.close(),
  }
}

/** Builds the consumer's end of a lane, and runs it when it is ready. */
export function laneWorker(build: () => BullWorker, onError: (error: Error) => void): LaneWorker {
  const built = buildUntilReady(build, onError)
  void built.ready.then((worker) => worker.run()).catch(onError)
  return { close: () => built.close() }
}

/** What BullMQ asks for the next job. */
type Taking = { moveToActive(token: string, name?: string): Promise<unknown[]> }

/**
 * BullMQ's worker asks for its next job again at once after an error: thousands of times a second where a
 * right is missing or the store takes nothing. This makes it pause first.
 */
export function withPauseAfterRefusal<A extends unknown[], B extends Taking>(
  factory: (...args: A) => B,
): (...args: A) => B {
  return (...args) => {
    const backend = factory(...args)
    const take = backend.moveToActive.bind(backend)
    backend.moveToActive = async (token, name) => {
      try {
        return await take(token, name)
      } catch (error) {
        await pause(takeAgainMs)
        throw error
      }
    }
    return backend
  }
}

export function processor(post: PostEnvelope) {
  return (job: { readonly data: EnvelopeReference }) => post(BigInt(job.data.envelope))
}

export class QueueDeadlineError extends Error {
  override name = 'QueueDeadlineError'
}

async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QueueDeadlineError(`no answer in ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
    promise.catch(() => {}) // it may still fail, long after nobody waits
  }
}
