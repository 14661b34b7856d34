/** The access log of an intake process, on a connection of its own. */
import { AccessLog } from '../access/log.ts'
import { accessStatementMsMax } from '../limits.ts'
import { sealerOf } from '../platform/config/key-store.ts'
import type { Installation } from '../platform/installation/installation.ts'
import { openPool } from '../platform/postgres/postgres.ts'
import type { Logger } from '../platform/process/logger.ts'
import type { IntakeMetrics } from '../platform/process/metrics.ts'
import type { Stops } from '../platform/process/stops.ts'

/** Undefined where it is switched off. */
export function openAccessLog(
  { url, config, keyring }: Installation,
  { accessWritten, accessLost }: IntakeMetrics,
  logger: Logger,
  stops: Stops,
): AccessLog | undefined {
  if (!config.accessLog) return undefined
  const pool = openPool({
    ...{ url, name: 'spillway-access' },
    connectionsMax: 1,
    statementMsMax: accessStatementMsMax,
  })
  stops.add(() => pool.end())
  const log = new AccessLog({
    pool,
    key: sealerOf(keyring),
    onWritten: (entries) => accessWritten.inc(entries),
    onLost: (entries) => accessLost.inc(entries),
    onTrouble: (what) =>
      logger.error(
        what,
        what.cut === undefined ? 'the access log is not written' : 'the access log was cut',
      ),
  })
  stops.add(() => log.stop())
  return log
}
