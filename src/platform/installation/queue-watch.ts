/**
 * What is wrong with the queue, for operators: in readiness, in a metric, and once in the log. Never a
 * reason to refuse an acceptance: the journal has what the queue can't take, and the sweeper finds it.
 */
import { queueLookEveryMs, queueTroubleMsMax } from '../../limits.ts'
import type { QueueBackend, QueueFault } from '../../queue/backend.ts'
import { queueErrorCode } from '../../queue/error-code.ts'
import { tlsFaultOf, tlsSentence } from '../command/tls-fault.ts'
import type { Logger } from '../process/logger.ts'

export type QueueWatch = {
  /** Names of what is wrong now; empty for nothing. */
  readonly trouble: string
  /** Takes an error of its connections. */
  note(error: Error): void
  /** Begins to look at the queue. */
  watch(backend: Pick<QueueBackend, 'check'>): void
  stop(): void
}

/** @param onTroubles told how many things are wrong, whenever that is looked at */
export function createQueueWatch(logger: Logger, onTroubles: (count: number) => void): QueueWatch {
  const advised = new Set<string>()
  let faults: readonly QueueFault[] = []
  /** When an error of the connections was last met, by its code. */
  const met = new Map<string, number>()
  const told = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const names = () => {
    const since = performance.now() - queueTroubleMsMax
    for (const [code, at] of met) if (at < since) met.delete(code)
    return new Set([...faults.map(({ setting }) => setting), ...met.keys()])
  }
  /** Once: connections are tried again every second. */
  const advise = (error: Error) => {
    const fault = tlsFaultOf(error)
    if (fault === undefined || advised.has(fault)) return
    advised.add(fault)
    logger.warn(tlsSentence('The server of REDIS_URL', fault))
  }
  const tell = () => {
    const now = names()
    onTroubles(now.size)
    const fresh = [...now].filter((name) => !told.has(name))
    const wasTold = told.size > 0
    for (const name of told) if (!now.has(name)) told.delete(name)
    for (const name of fresh) told.add(name)
    if (fresh.length > 0) {
      const queue = fresh.join(', ')
      logger.warn({ queue, faults }, 'the queue has trouble; acceptance goes on')
    } else if (wasTold && now.size === 0) logger.info('the queue has no trouble any more')
  }
  const look = async (backend: Pick<QueueBackend, 'check'>) => {
    const found = await backend.check()
    if (found.emptied) logger.warn('the queue was emptied; the sweeper fills it again')
    for (const advice of found.advice) if (!advised.has(advice)) logger.warn(advice)
    for (const advice of found.advice) advised.add(advice)
    faults = found.faults
    tell()
  }
  return {
    get trouble() {
      return [...names()].join(', ')
    },
    note: (error) => {
      met.set(queueErrorCode(error), performance.now())
      advise(error)
      tell()
    },
    watch: (backend) => {
      let looking = false
      const lookOnce = () => {
        if (looking) return
        looking = true
        void look(backend).finally(() => {
          looking = false
        })
      }
      lookOnce()
      timer = setInterval(lookOnce, queueLookEveryMs)
      timer.unref()
    },
    stop: () => clearInterval(timer),
  }
}
