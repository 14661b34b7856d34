/**
 * Entry point of a batch worker: takes uploaded files, reads and checks them, and files what they say
 * in the lanes of files. Any number of them may run, on any number of hosts. A process of its own, because
 * reading a large file keeps a thread busy that posting needs; and one that the machine runs after others,
 * as filers wait for those.
 */
import { constants, getPriority, setPriority } from 'node:os'
import { batchNice } from '../src/limits.ts'
import { readConfig } from '../src/platform/config.ts'
import { reportFailure } from '../src/platform/failure.ts'
import { createLogger } from '../src/platform/logger.ts'
import { openBatchSide } from './batches-side.ts'
import { runWorker } from './worker.ts'

main().catch(reportFailure)

async function main(): Promise<void> {
  setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + batchNice))
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'batches')
  await runWorker(config, logger, 'worker takes batches', openBatchSide)
}
