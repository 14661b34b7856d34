/**
 * Entry point of an intake process: configuration → resources → app → listen → stop. Any number of them
 * may run, on any number of hosts.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { dayOf } from '../declaration/period.ts'
import { serveOperators } from '../intake/routes/operators-port.ts'
import { openIntake } from '../intake-process/open.ts'
import { connectionsWaitingMax, rehearsalNice } from '../limits.ts'
import { expectNoArguments, helpText } from '../platform/command/arguments.ts'
import { reportFailedStart } from '../platform/command/failure.ts'
import { type Config, readConfig } from '../platform/config/config.ts'
import { readPacks, readPolicies, shippedPacks } from '../platform/config/packs.ts'
import { openInstallation } from '../platform/installation/installation.ts'
import { tellParent } from '../platform/process/child.ts'
import { createLogger, type Logger } from '../platform/process/logger.ts'
import { watchLoop } from '../platform/process/loop-watch.ts'
import { goAfterOthers } from '../platform/process/nice.ts'
import { watchSignals } from '../platform/process/signals.ts'
import { endWhenStuck, stopOnSignal } from '../platform/process/stop.ts'
import { assumptionsIn } from '../policy/assumptions.ts'

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
  const policies = readPolicies(config.policyDir)
  if (config.isRehearsal) goAfterOthers(rehearsalNice)
  const logger = createLogger(config.logLevel, 'intake')
  if (config.environment === 'production') warnOfAssumptions(logger, config)
  const installation = await openInstallation(config, 'intake')
  watchLoop()
  const signals = watchSignals(folderOfPostgres(config))
  const stuck = endWhenStuck(logger)
  let draining = false
  const intake = await openIntake(installation, {
    logger,
    policies,
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

/** Where it counts, nobody should learn from a complaint that a value was assumed. */
function warnOfAssumptions(logger: Logger, { policyDir }: Config): void {
  const period = dayOf(Date.now() * 1_000).slice(0, 7)
  for (const pack of readPacks(policyDir ?? shippedPacks)) {
    const assumed = assumptionsIn(pack, period)
    if (assumed.length === 0) continue
    const region = pack.region.code
    logger.warn(
      { region, assumed },
      'a policy pack has values that nobody has published: "npm run policy -- lint" says which to confirm',
    )
  }
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
