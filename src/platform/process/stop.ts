/**
 * The end of a process: on SIGTERM, SIGINT, an error nobody caught, or the supervisor's death, stop
 * in order, once, within a deadline. A second signal ends at once, unless it is an echo: Ctrl-C
 * reaches a process from the terminal, and again from npm and whatever else passes signals on.
 */
import closeWithGrace from 'close-with-grace'
import { stopMsMax } from '../../limits.ts'
import { onParentGone } from './child.ts'
import type { Logger } from './logger.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** A signal this soon after the first one is its echo. */
const echoMsMax = 1_000

/**
 * Runs `stop` when the process is to end.
 * @returns what ends it at once
 */
export function stopOnSignal(logger: Logger, stop: () => Promise<void>): () => void {
  const options = { delay: stopMsMax, logger: false as const, skip: [...signals] }
  let stopped: Promise<void> | undefined
  const grace = closeWithGrace(options, async ({ err }) => {
    if (err !== undefined) logger.fatal({ err }, 'stopping after an error')
    stopped ??= stop()
    await stopped
    logger.info('stopped')
  })
  let firstAt: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (firstAt !== undefined && now - firstAt > echoMsMax) process.exit(1)
    if (firstAt !== undefined) return
    firstAt = now
    logger.info({ signal }, 'stopping')
    grace.close()
  }
  for (const signal of signals) process.on(signal, onSignal)
  const end = () => void grace.close()
  onParentGone(end)
  return end
}

/** A log line takes a moment to leave. */
const stuckExitMs = 500

/**
 * Makes what to do when nothing moves any more: says why and ends the process, as whatever holds it
 * may hold its way out too; its supervisor starts another.
 */
export function endWhenStuck(logger: Logger) {
  let stuck: string | undefined
  return {
    reason: () => stuck,
    onStuck: (reason: string) => {
      stuck = reason
      logger.fatal({ reason }, 'nothing moves; ending, to be started again')
      setTimeout(() => process.exit(1), stuckExitMs)
    },
  }
}
