/**
 * Entry point of an intake process: configuration → resources → app → listen → stop. Any number of them
 * may run, on any number of hosts.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serveOperators } from '../intake/routes/operators-port.ts'
import { openIntake } from '../intake-process/open.ts'
import { connectionsWaitingMax, rehearsalNice } from '../limits.ts'
import { expectNoArguments, helpText } from '../platform/command/arguments.ts'
import { reportFailedStart } from '../platform/command/failure.ts'
import { type Config, readConfig } from '../platform/config/config.ts'
import { readPolicies } from '../platform/config/packs.ts'
import { openInstallation } from '../platform/installation/installation.ts'
import { tellParent } from '../platform/process/child.ts'
import { createLogger } from '../platform/process/logger.ts'
import { watchLoop } from '../platform/process/loop-watch.ts'
import { goAfterOthers } from '../platform/process/nice.ts'
import { watchSignals } from '../platform/process/signals.ts'
import { endWhenStuck, stopOnSignal } from '../platform/process/stop.ts'

main().catch(reportFailedStart)

async function main(): Promise<void> {
  expectNoArguments(
    process.argv.slice(2),
    helpText(
      'Usage: npm run intake (settings are in the environment)',
      {},
      'PORT=8080 npm run intake',
    ),
  )
  const config = readConfig(process.env)
  if (config.isRehearsal) goAfterOthers(rehearsalNice)
  const logger = createLogger(config.logLevel, 'intake')
  const installation = await openInstallation(config, 'intake')
  watchLoop()
  const signals = watchSignals(folderOfPostgres(config))
  const stuck = endWhenStuck(logger)
  let draining = false
  const intake = await openIntake(installation, {
    logger,
    policies: readPolicies(config.policyDir),
    signals: signals.read,
    isDraining: () => draining,
    onStuck: stuck.onStuck,
    stuck: stuck.reason,
  })
  const readMetrics = async () =>
    [await intake.readMetrics(), ...(await readOthers(config))].join('\n')
  let http: Awaited<ReturnType<typeof serveOperators>>
  stopOnSignal(logger, async () => {
    draining = true
    signals.stop()
    // Its answers end their connections meanwhile, and a balancer that probes sends the next ones elsewhere.
    await pause(config.drainMs)
    await intake.stop()
    await http?.close()
  })
  const { host, port } = config
  const address = await intake.app.listen({ host, port, backlog: connectionsWaitingMax })
  http = await serveOperators(config.operators, intake.readiness, readMetrics)
  const operators = http?.listeningOrigin
  logger.info({ address, operators, queue: intake.queue }, 'intake takes declarations')
  tellParent({ ready: true, address, operators })
}

/** The disk of the engine's own Postgres, if it has one. */
function folderOfPostgres({ dataDir }: Config): string | undefined {
  const folder = path.join(dataDir, 'postgres')
  return existsSync(folder) ? folder : undefined
}

/** The time to wait for metrics of other processes. */
const othersMsMax = 1_000

/** Metrics of the configured workers. */
function readOthers({ workerMetricsUrls }: Config): Promise<string[]> {
  return Promise.all(
    workerMetricsUrls.map((url) =>
      fetch(url, { signal: AbortSignal.timeout(othersMsMax) })
        .then((answer) => answer.text())
        .catch(() => '# a worker does not answer\n'),
    ),
  )
}
