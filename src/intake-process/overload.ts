/**
 * What an intake process has against overload, put together: the limit that is found, admission by
 * classes and shares, attempt tickets, and the ledger of outages, which is written now and then.
 */
import { type KeyObject, randomUUID } from 'node:crypto'
import type pg from 'pg'
import { RefusedLately } from '../intake/bodies/refused-lately.ts'
import { Admission, type Shed, type ShedAt, type Signals } from '../intake/overload/admission.ts'
import { createAttempts } from '../intake/overload/attempts.ts'
import { watchBacklogAge } from '../intake/overload/backlog-age.ts'
import { LoopTurn } from '../intake/overload/event-loop-budget.ts'
import { FairShares, type SharesTold } from '../intake/overload/fair-shares.ts'
import { FilingLimit } from '../intake/overload/filing-limit.ts'
import { HeldBodies } from '../intake/overload/held-bodies.ts'
import { OutageWatch } from '../intake/overload/outage-watch.ts'
import { ProcessRate } from '../intake/overload/process-rate.ts'
import { type Exchange, startSharesExchange } from '../intake/overload/shares-exchange.ts'
import { CommitTimes } from '../journal/commit-times.ts'
import {
  type OutageCause,
  type OutageWindow,
  type RecordedAttempts,
  saveOutages,
} from '../journal/outages.ts'
import { readBacklog, readOldestWaitSeconds } from '../journal/reading/unposted.ts'
import { ticketKeyFrom } from '../journal/receipts/attempt-ticket.ts'
import {
  outageQuietMs,
  outageWriteEveryMs,
  requestsUnderWayMax,
  shareReportMsMax,
} from '../limits.ts'
import type { KeptOutages } from './kept-outages.ts'

export type OverloadDependencies = {
  readonly signals: Signals
  /** Bytes of bodies that all requests may hold together. */
  readonly bodiesHeldBytesMax: number
  readonly shedAt: ShedAt
  /** Seconds that the oldest unposted envelope may wait; then files are given up. */
  readonly backlogSecondsMax: number
  /** Another key is made of it, for tickets. */
  readonly secret: KeyObject
  /** For writing down outages and looking at the backlog: not acceptance's. */
  readonly pool: pg.Pool
  /** For outages while the database can't take them; of the process with this id. */
  readonly kept?: (process: string) => KeptOutages
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
  readonly onShed: (shed: Shed) => void
  /** Why nothing can be accepted now, as far as the process finds by itself. */
  readonly unable: () => OutageCause | undefined
  /** With the other intake processes, where they have a store. */
  readonly exchange?: Exchange
}

export type Overload = ReturnType<typeof openOverload>

export function openOverload(given: OverloadDependencies) {
  const { shedAt, secret, pool, nowMicros, onShed } = given
  const [turn, bodies] = [new LoopTurn(), new HeldBodies(given.bodiesHeldBytesMax)]
  const clock = () => performance.now()
  const times = new CommitTimes(clock, () => turn.busySince(clock()))
  const limit = new FilingLimit(times)
  const shares = new FairShares(limit)
  const requestsMax = requestsUnderWayMax
  const signals = () => {
    const machine = given.signals()
    return { ...machine, memory: Math.max(machine.memory, bodies.share) }
  }
  const age = watchBacklogAge(() => readOldestWaitSeconds(pool), given.backlogSecondsMax)
  const backlog = () => age.share()
  const rules = { signals, backlog, shedAt, requestsMax }
  const admission = new Admission({ limit, shares, turn, rate: new ProcessRate(), ...rules })
  const outages = new OutageWatch()
  const ticketKey = ticketKeyFrom(secret)
  const nowMs = () => nowMicros() / 1_000
  const keeper = keepOutages(outages, nowMs, given)
  let shedMs = Number.NEGATIVE_INFINITY
  const exchanging = startSharesExchange(shares, given.exchange)
  return {
    limit,
    shares,
    /** What the app needs of it. */
    dependencies: {
      admission,
      bodies,
      outages,
      refusedLately: new RefusedLately(),
      ticketKey,
      ticketOf: createAttempts(ticketKey, nowMicros, (ticket) => outages.noteAttempt(ticket)),
      onShed: (shed: Shed, filer: string | undefined) => {
        onShed(shed)
        shedMs = nowMs()
        const { class: of, reason } = shed
        const isOutage = of.startsWith('filings') && reason !== 'share' && reason !== 'backlog'
        if (isOutage && filer !== undefined) outages.note(reason, nowMs(), filer)
      },
      onFailed: (filer: string | undefined) => {
        if (filer !== undefined) outages.note('commit', nowMs(), filer)
      },
      readBacklog: () => readBacklog(pool),
      refusesSome: () => nowMs() - shedMs < outageQuietMs,
      acceptedLastMinute: () => admission.acceptedLastMinute(performance.now()),
      answerMs: () => limit.answerMs,
    },
    stop: async () => {
      age.stop()
      exchanging.stop()
      await keeper.stop()
    },
  }
}

/** Writes down what was seen of outages, now and then, and once more at the end. */
function keepOutages(
  outages: OutageWatch,
  nowMs: () => number,
  { pool, kept, unable }: Pick<OverloadDependencies, 'pool' | 'kept' | 'unable'>,
): { stop(): Promise<void> } {
  const process = randomUUID()
  const here = kept?.(process)
  const save = async (
    windows: readonly OutageWindow[],
    attempts: readonly RecordedAttempts[],
  ): Promise<void> => {
    try {
      await saveOutages(pool, process, windows, attempts)
    } catch (error) {
      here?.keep(windows)
      throw error
    }
    here?.drop()
  }
  let writing: Promise<void> | undefined
  /** One at a time: a late one would put back what a later one wrote. */
  const write = () => {
    writing ??= outages.write(save, nowMs()).finally(() => {
      writing = undefined
    })
    return writing
  }
  // The database was there a moment ago; else the next process takes them.
  const taking = here?.take((of, windows) => saveOutages(pool, of, windows, []))
  const look = () => {
    const cause = unable()
    if (cause !== undefined) outages.unable(cause, nowMs())
    return write()
  }
  const timer = setInterval(look, outageWriteEveryMs)
  timer.unref()
  return {
    stop: async () => {
      clearInterval(timer)
      await taking
      await writing
      await write()
    },
  }
}

/** Shares are told as JSON; what is none is not heard. */
export function exchangeOver(
  store: ((name: string, text: string, msMax: number) => Promise<string[]>) | undefined,
): Exchange {
  if (store === undefined) return undefined
  return async (told) => {
    const heard = await store('shares', JSON.stringify(told), shareReportMsMax)
    return heard.map((text) => JSON.parse(text) as SharesTold)
  }
}
