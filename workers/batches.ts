/**
 * Entry point of a batch worker: takes uploaded files, reads and checks them, and files what they say
 * in the lanes of files. Any number of them may run, on any number of hosts. A process of its own, because
 * reading a large file keeps a thread busy that posting needs.
 */
import { places } from '../src/batch/places.ts'
import { readBytes } from '../src/batch/read.ts'
import { type BatchWorkerDependencies, startBatchWorker } from '../src/batch/run.ts'
import { serveWorker } from '../src/intake/worker-http.ts'
import { createAcceptGroup } from '../src/journal/accept.ts'
import type { Lane } from '../src/journal/lanes.ts'
import { recordPacks } from '../src/journal/policy-packs.ts'
import { readCommitMs } from '../src/journal/unposted.ts'
import { acceptStatementMsMax, postStatementMsMax } from '../src/limits.ts'
import { tellParent } from '../src/platform/child.ts'
import { readConfig } from '../src/platform/config.ts'
import { findDatabaseUrl } from '../src/platform/database.ts'
import {
  DurabilityError,
  environmentText,
  namesOf,
  watchDurability,
} from '../src/platform/durability.ts'
import { reportFailure } from '../src/platform/failure.ts'
import { activeKeys, readKeyring } from '../src/platform/keyring.ts'
import { createLogger, type Logger } from '../src/platform/logger.ts'
import { type BatchMetrics, countRows, createBatchMetrics } from '../src/platform/metrics.ts'
import { assertMigrated, assertSchema } from '../src/platform/migrations.ts'
import { readPolicies } from '../src/platform/packs.ts'
import { inTransaction, openPool } from '../src/platform/postgres.ts'
import { openQueueBackend } from '../src/platform/queue.ts'
import { endWhenStuck, stopOnSignal } from '../src/platform/stop.ts'
import { createEnqueue } from '../src/queue/enqueue.ts'
import { GiveWay, startGivingWay } from '../src/queue/give-way.ts'
import { startWatchdog } from '../src/queue/watchdog.ts'

const lanes: readonly Lane[] = ['bulk', 'large']

main().catch(reportFailure)

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const keyring = readKeyring(config.keyringFile)
  const logger = createLogger(config.logLevel, 'batches')
  const url = await findDatabaseUrl(config)
  const { acceptPool, pool, warnings } = openPools(url)
  await assertSchema(pool)
  const policies = readPolicies(config.policyDir)
  await recordPacks(pool, policies)
  const metrics = createBatchMetrics()
  const backend = openQueueBackend(config, url, logger)
  const queues = new Map(lanes.map((lane) => [lane, backend.openQueue(lane)]))
  const enqueue = createEnqueue(queues, (lane, err) =>
    logger.warn({ lane, err }, 'an envelope was left to the sweeper'),
  )
  const durability = await watchDurability({
    pools: [acceptPool, pool],
    backend,
    mode: config.durability,
    standbys: config.standbys,
    onAdvice: (advice) => logger.warn(advice),
    onChange: (faults) => logger.error({ faults }, 'what a receipt promises could be lost'),
    onQueueEmptied: () => {},
  })
  const givingWay = startGivingWay(new GiveWay(config.acceptCommitMs), {
    readCommitMs: () => readCommitMs(pool),
    onChange: (share) => metrics.share.set(share),
  })
  const { sealingKeys } = keyring
  const { signer, sealingKey } = activeKeys(keyring)
  const openAccepting = (lane: Lane) => {
    const environment = () => environmentText(config, durability.faults)
    const accepting = { pool: acceptPool, signer, sealingKey, environment, lane, warnings }
    return createAcceptGroup(accepting)
  }
  const worker = startBatchWorker({
    pool,
    // Filers wait for acceptance, and nobody for a file: each of its steps gives way.
    inTransaction: (of, work) => givingWay.run(() => inTransaction(of, work)),
    keys: { sealing: sealingKey, all: sealingKeys },
    policies,
    sourceOf: (batch) => (offset) => readBytes({ pool, sealingKeys }, batch, offset),
    openFiling: (lane) => {
      const acceptGroup = openAccepting(lane)
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
  const stuck = endWhenStuck(logger)
  const watchdog = startWatchdog(worker.checks, stuck.onStuck)
  let draining = false
  const readiness = {
    checkDatabase: () => assertMigrated(pool),
    isDraining: () => draining,
    stuck: stuck.reason,
    durability: () => ({ refuses: durability.refuses, settings: namesOf(durability.faults) }),
  }
  const http = await serveWorker(config.host, config.workerPort, readiness, metrics.registry)
  stopOnSignal(logger, async () => {
    draining = true
    durability.stop()
    watchdog.stop()
    await worker.stop()
    givingWay.stop()
    await Promise.all([...queues.values()].map((queue) => queue.close()))
    await backend.close()
    await http?.close()
    await Promise.all([acceptPool.end(), pool.end()])
  })
  logger.info({ queue: backend.kind }, 'worker takes batches')
  tellParent({ ready: true })
}

/** Who is told of files. */
function telling(
  logger: Logger,
  metrics: BatchMetrics,
): Pick<BatchWorkerDependencies, 'onStep' | 'onFinished' | 'onError'> {
  return {
    onStep: (counts) => countRows(metrics, counts),
    onFinished: ({ batch, stage }) => {
      metrics.finished.inc({ stage })
      logger.info({ batch, stage }, 'a batch needs no more work')
    },
    onError: (err, batch) =>
      logger.warn({ err, batch }, 'work on a batch failed; it will be tried again'),
  }
}

/** Acceptance has connections of its own. */
function openPools(url: string) {
  let warnings = 0
  const acceptPool = openPool({
    url,
    name: 'spillway-accept-batches',
    connectionsMax: places.length,
    statementMsMax: acceptStatementMsMax,
    onWarning: () => {
      warnings += 1
    },
  })
  const pool = openPool({
    url,
    name: 'spillway-batches',
    // For each batch at a time: its file, its steps; one for what is posted, one for readiness and giving
    // way, one for the watchdog and the rate.
    connectionsMax: 2 * places.length + 3,
    statementMsMax: postStatementMsMax,
  })
  return { acceptPool, pool, warnings: () => warnings }
}
