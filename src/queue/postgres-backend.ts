/** The queue in Postgres: BullMQ's PostgreSQL backend, in schema `bullmq`. */
import { createPostgresBackend, withBackend } from 'bullmq'
import { enqueueMsMax, envelopesAtATime } from '../limits.ts'
import type { QueueBackend } from './backend.ts'
import {
  type EnvelopeReference,
  laneQueue,
  laneWorker,
  processor,
  queueName,
  queueOptions,
  withPauseAfterRefusal,
  workerOptions,
} from './jobs.ts'

const onPostgres = withBackend(withPauseAfterRefusal(createPostgresBackend))

/** Needs a direct connection, as it listens. */
export function openPostgresBackend(options: {
  readonly url: string
  readonly role: string
  readonly onError: (error: Error) => void
}): QueueBackend {
  const { onError } = options
  const connection = {
    connectionString: options.url,
    // What it holds is made again from the journal: its commits need no standby, and wait for none.
    options: `-c role=${options.role} -c synchronous_commit=local`,
    max: envelopesAtATime + 1,
    connectionTimeoutMillis: enqueueMsMax,
    keepAlive: true,
  }
  return {
    kind: 'postgres',
    openQueue: (lane) => {
      const settings = { ...queueOptions, connection }
      const build = () =>
        new onPostgres.Queue<EnvelopeReference>(queueName(lane), settings).on('error', onError)
      return laneQueue(build, onError)
    },
    openWorker: (lane, post) => {
      const settings = { ...workerOptions, connection }
      const build = () =>
        new onPostgres.Worker(queueName(lane), processor(post), settings).on('error', onError)
      return laneWorker(build, onError)
    },
    // It is kept where the journal is, and checked with it.
    check: async () => ({ faults: [], emptied: false, advice: [] }),
    close: async () => {},
  }
}
