/**
 * Entry point of a posting worker: takes envelopes from all lanes, posts them, and sweeps. Any
 * number of them may run, on any number of hosts.
 */
import { expectNoArguments } from '../src/platform/arguments.ts'
import { readConfig } from '../src/platform/config.ts'
import { reportFailure } from '../src/platform/failure.ts'
import { createLogger } from '../src/platform/logger.ts'
import { openPostSide } from './post-side.ts'
import { runWorker } from './worker.ts'

main().catch(reportFailure)

async function main(): Promise<void> {
  const usage = 'Usage: npm run worker (settings are in the environment)'
  expectNoArguments(process.argv.slice(2), usage)
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'worker')
  await runWorker(config, logger, { kind: 'worker', takes: 'worker posts envelopes' }, openPostSide)
}
