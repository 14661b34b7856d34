/**
 * Entry point of a batch worker. It takes uploaded files, reads and checks them, and files their declarations
 * in the lanes of files. Any number of them may run, on any number of hosts. It is a process of its own,
 * because reading a large file blocks a thread that posting needs. It runs at a lower priority, because
 * filers wait for the other processes.
 */
import { sizeLanes } from '../src/batch/lease/size-lanes.ts'
import { readBytes } from '../src/batch/uploads/chunk-reader.ts'
import { type BatchWorkerDependencies, startBatchWorker } from '../src/batch/worker/batch-worker.ts'
import { createAcceptGroup } from '../src/journal/accept.ts'
import type { Lane } from '../src/journal/lanes.ts'
import { recordPacks } from '../src/journal/policy-packs.ts'
import {
  acceptStatementMsMax,
  batchNice,
  leftWarnedEveryMs,
  postStatementMsMax,
} from '../src/limits.ts'
import { expectNoArguments, helpText } from '../src/platform/command/arguments.ts'
import { reportFailedStart } from '../src/platform/command/failure.ts'
import { type Config, readConfig } from '../src/platform/config/config.ts'
import { activeKeys, sealerOf } from '../src/platform/config/key-store.ts'
import { readPolicies } from '../src/platform/config/packs.ts'
import type { Installation } from '../src/platform/installation/installation.ts'
import { openQueues } from '../src/platform/installation/queue.ts'
import {
  DurabilityError,
  type DurabilityWatch,
  environmentText,
  watchDurability,
} from '../src/platform/postgres/durability.ts'
import { assertSchema } from '../src/platform/postgres/migrations.ts'
import { inTransaction, openPool } from '../src/platform/postgres/postgres.ts'
import { createLogger, type Logger } from '../src/platform/process/logger.ts'
import {
  type BatchMetrics,
  countRows,
  createBatchMetrics,
} from '../src/platform/process/metrics.ts'
import { goAfterOthers } from '../src/platform/process/nice.ts'
import type { Stops } from '../src/platform/process/stops.ts'
import { warnSeldom } from '../src/platform/process/warn-seldom.ts'
import { createEnqueue } from '../src/queue/enqueue.ts'
import { startWatchdog } from '../src/queue/watchdog.ts'
import { giveWay, type Opened, runWorker, type WorkerOptions } from './worker.ts'

const lanes: readonly Lane[] = ['bulk', 'large']

main().catch(reportFailedStart)

async function main(): Promise<void> {
  const usage = 'Usage: npm run batch-worker (settings are in the environment)'
  expectNoArguments(process.argv.slice(2), helpText(usage, {}, 'npm run batch-worker'))
  goAfterOthers(batchNice)
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'batches')
  await runWorker(config, logger, { kind: 'batch-worker', takes: 'worker takes batches', open })
}

async function open(
  installation: Installation,
  { logger, onStuck }: WorkerOptions,
  stops: Stops,
): Promise<Opened> {
  const { config, keyring } = installation
  const pools = openPools(installation, stops)
  const { pool } = pools
  await assertSchema(pool)
  const policies = readPolicies(config.policyDir)
  await recordPacks(pool, policies)
  const metrics = createBatchMetrics()
  const onTroubles = (count: number) => metrics.queueTroubles.set(count)
  const { backend, queues, watch } = openQueues(installation, lanes, logger, onTroubles, stops)
  const warn = warnSeldom(logger, 'envelopes were left to the sweeper', leftWarnedEveryMs)
  const enqueue = createEnqueue(queues, (lane, err) => warn({ lane, err }))
  const durability = await watchSettings(config, pools, logger)
  stops.add(() => durability.stop())
  const onChange = (share: number) => metrics.share.set(share)
  const givingWay = giveWay(config, pool, onChange, stops)
  const worker = startBatchWorker({
    pool,
    // Filers wait for acceptance, and nobody waits for a file: each of its steps is throttled.
    inTransaction: (of, work) => givingWay.run(() => inTransaction(of, work)),
    keys: {
      sealing: sealerOf(keyring),
      all: keyring.sealingKeys,
      salts: keyring.salts,
    },
    policies,
    sourceOf: ({ batch, bytes }) => ({
      bytes,
      read: (offset) => readBytes({ pool, sealingKeys: keyring.sealingKeys }, batch, offset),
    }),
    openFiling: (lane) => {
      const acceptGroup = openAccepting(installation, pools, durability, lane)
      return {
        acceptGroup: async (group) => {
          if (durability.refuses) throw new DurabilityError('what is accepted now could be lost')
          return givingWay.run(() => acceptGroup(group))
        },
        enqueue: (envelope) => enqueue(lane, envelope),
      }
    },
    ...telling(logger, metrics),
  })
  stops.add(() => worker.stop())
  const watchdog = startWatchdog(worker.checks, onStuck)
  stops.add(() => watchdog.stop())
  return { pool, backend, queue: watch, durability, metrics }
}

function watchSettings(
  { durability: mode, standbys }: Config,
  { acceptPool, pool }: ReturnType<typeof openPools>,
  logger: Logger,
): Promise<DurabilityWatch> {
  return watchDurability({
    pools: [acceptPool, pool],
    mode,
    standbys,
    onChange: (faults) => logger.error({ faults }, 'what a receipt promises could be lost'),
  })
}

function openAccepting(
  { config, keyring }: Installation,
  { acceptPool }: ReturnType<typeof openPools>,
  durability: DurabilityWatch,
  lane: Lane,
) {
  const environment = () => environmentText(config, durability.faults)
  return createAcceptGroup({
    ...activeKeys(keyring),
    pool: acceptPool,
    environment,
    lane,
    judge: durability.judge,
  })
}

/** Reports the progress of files to metrics and the log. */
function telling(
  logger: Logger,
  metrics: BatchMetrics,
): Pick<BatchWorkerDependencies, 'onStep' | 'onFinished' | 'onTriedOften' | 'onError'> {
  return {
    onStep: (counts) => countRows(metrics, counts),
    onFinished: ({ batch, stage }) => {
      metrics.finished.inc({ stage })
      logger.info({ batch, stage }, 'a batch needs no more work')
    },
    onTriedOften: ({ batch, tries, format, bytes }) =>
      logger.error(
        { batch, tries, format, bytes },
        'workers end on a batch, one after another: look why they did; it waits ever longer',
      ),
    onError: (err, batch) =>
      logger.warn({ err, batch }, 'work on a batch failed; it will be tried again'),
  }
}

/** Acceptance has connections of its own. */
function openPools({ url }: Installation, stops: Stops) {
  const acceptPool = openPool({
    url,
    name: 'spillway-accept-batches',
    connectionsMax: sizeLanes.length,
    statementMsMax: acceptStatementMsMax,
    pipeline: true,
  })
  const pool = openPool({
    url,
    name: 'spillway-batches',
    // For each batch at a time: its file, its steps; one for what is posted, one for readiness and giving
    // way, one for the watchdog and the rate.
    connectionsMax: 2 * sizeLanes.length + 3,
    statementMsMax: postStatementMsMax,
  })
  stops.add(() => Promise.all([acceptPool.end(), pool.end()]))
  return { acceptPool, pool }
}
