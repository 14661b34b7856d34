/**
 * Entry point of an intake process: configuration → resources → app → listen → stop. Any number of
 * them may run, on any number of hosts.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { dispatch, type Handler, InnerServer } from './intake/dispatch.ts'
import { serveOperators } from './intake/operators-port.ts'
import { openRoom } from './intake/overload.ts'
import { type IntakeProcess, type IntakeSide, openIntakeSide } from './intake-side/open.ts'
import { connectionsWaitingMax } from './limits.ts'
import { expectNoArguments } from './platform/arguments.ts'
import { tellParent } from './platform/child.ts'
import { type Config, readConfig } from './platform/config.ts'
import { reportFailure } from './platform/failure.ts'
import { createLogger, type Logger } from './platform/logger.ts'
import { watchLoop } from './platform/loop-watch.ts'
import { readPolicies } from './platform/packs.ts'
import { type Rehearsal, readRehearsal, rehearsalKidPrefix } from './platform/rehearsal.ts'
import { RehearsalKeeper, stopBoth } from './platform/rehearsal-keeper.ts'
import { openLive } from './platform/sides.ts'
import { watchSignals } from './platform/signals.ts'
import { endWhenStuck, stopOnSignal } from './platform/stop.ts'

main().catch(reportFailure)

async function main(): Promise<void> {
  expectNoArguments(
    process.argv.slice(2),
    'Usage: npm run intake (settings are in the environment)',
  )
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'intake')
  const live = await openLive(config, 'intake')
  watchLoop()
  const rehearsal = readRehearsal(live)
  const signals = watchSignals(folderOfPostgres(config))
  let draining = false
  const shared: IntakeProcess = {
    policies: readPolicies(config.policyDir),
    room: openRoom(config.http.bodiesHeldBytesMax),
    signals: signals.read,
    isDraining: () => draining,
  }
  const keeper = rehearsal && keeperOf(rehearsal, shared, logger)
  const stuck = endWhenStuck(logger)
  const side = await openIntakeSide(live, shared, {
    logger,
    onStuck: stuck.onStuck,
    stuck: stuck.reason,
    rehearsalKeys: rehearsal && publicKeysOf(rehearsal),
  })
  if (keeper !== undefined) {
    const isRehearsal = (kid: string) => kid.startsWith(rehearsalKidPrefix)
    dispatch(side.app.server, isRehearsal, () => keeper.side?.handle)
  }
  const readMetrics = async () =>
    [await side.readMetrics(), ...(await readOthers(config, keeper))].join('\n')
  let http: Awaited<ReturnType<typeof serveOperators>>
  stopOnSignal(logger, async () => {
    draining = true
    signals.stop()
    await stopBoth(side, keeper)
    await http?.close()
  })
  const address = await listen(side, config)
  http = await serveOperators(config.operators, side.readiness, readMetrics)
  const operators = http?.listeningOrigin
  keeper?.start()
  logger.info({ address, operators, queue: side.queue }, 'intake takes declarations')
  tellParent({ ready: true, address, operators })
}

function listen({ app }: IntakeSide, { host, port }: Config): Promise<string> {
  return app.listen({ host, port, backlog: connectionsWaitingMax })
}

type RehearsalSide = IntakeSide & { readonly handle: Handler }

/** Opens the rehearsal's side beside the live one, whenever there is a rehearsal. */
function keeperOf(
  rehearsal: Rehearsal,
  shared: IntakeProcess,
  parent: Logger,
): RehearsalKeeper<RehearsalSide> {
  const logger = parent.child({ rehearsal: true })
  return new RehearsalKeeper<RehearsalSide>({
    rehearsal,
    logger,
    open: async (side, onStuck) => {
      const inner = new InnerServer()
      const opened = await openIntakeSide(side, shared, {
        logger,
        inner,
        onStuck,
        stuck: () => undefined,
        rehearsalKeys: publicKeysOf(rehearsal),
      })
      return { ...opened, handle: inner.handle }
    },
  })
}

function publicKeysOf({ keyring }: Rehearsal): readonly object[] {
  return keyring.receiptKeys.map(({ publicJwk }) => publicJwk)
}

/** The disk that a Postgres of the engine's own writes to. */
function folderOfPostgres({ dataDir }: Config): string | undefined {
  const folder = path.join(dataDir, 'postgres')
  return existsSync(folder) ? folder : undefined
}

/** Others' metrics are waited for so long. */
const othersMsMax = 1_000

/** The metrics of the rehearsal, and those of workers beside this process that are named. */
function readOthers(
  { workerMetricsUrls }: Config,
  keeper: RehearsalKeeper<RehearsalSide> | undefined,
): Promise<string[]> {
  const rehearsal = keeper?.side?.readMetrics()
  return Promise.all([
    ...(rehearsal === undefined ? [] : [orNote(rehearsal, 'the rehearsal')]),
    ...workerMetricsUrls.map((url) =>
      orNote(
        fetch(url, { signal: AbortSignal.timeout(othersMsMax) }).then((answer) => answer.text()),
        'a worker',
      ),
    ),
  ])
}

function orNote(metrics: Promise<string>, whose: string): Promise<string> {
  const note = `# ${whose} does not answer\n`
  const late = new Promise<string>((resolve) => setTimeout(resolve, othersMsMax, note).unref())
  return Promise.race([metrics.catch(() => note), late])
}
