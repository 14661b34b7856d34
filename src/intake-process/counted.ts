/** What an intake process counts: requests and connections at its edge, and what waits. */
import type pg from 'pg'
import { readBatchCounts } from '../batch/status/batch-counts.ts'
import type { AppDependencies } from '../intake/app.ts'
import { type AccessWatch, accessSources } from '../intake/auth/access-watch.ts'
import { cutReasons } from '../intake/bodies/connections.ts'
import { countPutOff } from '../journal/put-off.ts'
import { readBacklog } from '../journal/reading/unposted.ts'
import { countDeadLetters } from '../ledger/dead-letter.ts'
import type { Config } from '../platform/config/config.ts'
import { passes } from '../platform/process/crash-point.ts'
import {
  type IntakeMetrics,
  showBacklog,
  showBatches,
  showDeadLetters,
  showPutOff,
} from '../platform/process/metrics.ts'
import { countDeadJobs } from '../queue/dead-jobs.ts'
import type { Overload } from './overload.ts'

export function countEdge(
  { crashAt }: Config,
  metrics: IntakeMetrics,
): Pick<AppDependencies, 'onAnswered' | 'onCut'> {
  for (const reason of cutReasons) metrics.cut.inc({ reason }, 0) // a rate needs a first value
  return {
    onAnswered: (route, status, seconds) => {
      metrics.requests.observe({ route, status }, seconds)
      if (status === 202) passes(crashAt, 'after-reply')
    },
    onCut: (reason) => metrics.cut.inc({ reason }),
  }
}

/** The text of all of it, with what waits in the database now. */
export async function readCounted(
  metrics: IntakeMetrics,
  { limit, shares, dependencies: { bodies } }: Overload,
  access: AccessWatch,
  pool: pg.Pool,
): Promise<string> {
  metrics.filingsMax.set(limit.limit)
  metrics.filingsUnderWay.set(limit.underWay)
  metrics.sharesHeard.set(shares.heard)
  for (const source of accessSources) metrics.accessAge.set({ source }, access.ageSeconds(source))
  metrics.bodiesHeld.set(bodies.bytes)
  showBacklog(metrics, await readBacklog(pool))
  showDeadLetters(metrics, await countDeadLetters(pool))
  showPutOff(metrics, await countPutOff(pool))
  metrics.deadJobs.set(await countDeadJobs(pool))
  showBatches(metrics, await readBatchCounts(pool))
  return metrics.registry.metrics()
}
