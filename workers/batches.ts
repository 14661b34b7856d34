/**
 * Entry point of a batch worker: takes uploaded files, reads and checks them, and files what they say
 * in the lanes of files. Any number of them may run, on any number of hosts. A process of its own, because
 * reading a large file keeps a thread busy that posting needs; and one that the machine runs after others,
 * as filers wait for those.
 */
import { readdirSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { batchNice } from '../src/limits.ts'
import { expectNoArguments } from '../src/platform/arguments.ts'
import { readConfig } from '../src/platform/config.ts'
import { reportFailure } from '../src/platform/failure.ts'
import { createLogger } from '../src/platform/logger.ts'
import { openBatchSide } from './batches-side.ts'
import { runWorker } from './worker.ts'

main().catch(reportFailure)

async function main(): Promise<void> {
  const usage = 'Usage: npm run batch-worker (settings are in the environment)'
  expectNoArguments(process.argv.slice(2), usage)
  goAfterOthers()
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'batches')
  await runWorker(
    config,
    logger,
    { kind: 'batch-worker', takes: 'worker takes batches' },
    openBatchSide,
  )
}

/** Linux has a `nice` for each thread; those that start later have that of the one that starts them. */
function goAfterOthers(): void {
  const nice = Math.min(constants.priority.PRIORITY_LOW, getPriority() + batchNice)
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0]
  for (const thread of threads) setPriority(thread, nice)
}
