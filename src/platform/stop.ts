/**
 * The end of a process: on SIGTERM, SIGINT, an error nobody caught, or the supervisor's death, stop
 * in order, once, within a deadline; a second signal ends at once.
 */
import closeWithGrace from 'close-with-grace'
import { stopMsMax } from '../limits.ts'
import { onParentGone } from './child.ts'
import type { Logger } from './logger.ts'

/** Runs `stop` when the process is to end. */
export function stopOnSignal(logger: Logger, stop: () => Promise<void>): void {
  const grace = closeWithGrace({ delay: stopMsMax, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'stopping after an error')
    else logger.info({ signal }, 'stopping')
    await stop()
    logger.info('stopped')
  })
  onParentGone(() => grace.close())
}
