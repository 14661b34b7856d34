/**
 * Fair shares over all intake processes: each tells the others, through the queue's store, who has how
 * many filings under way, by hashes, and its limit. Once a second and in the background: no request
 * waits for it. Without the store, or when it is lost, each goes by what it sees itself.
 */
import { sharesExchangeEveryMs, sharesReportedMax } from '../../limits.ts'
import type { FairShares, SharesTold } from './fair-shares.ts'

/** Tells ours, and hears what the others told lately. Undefined where there is no store. */
export type Exchange = ((told: SharesTold) => Promise<readonly SharesTold[]>) | undefined

export function startSharesExchange(shares: FairShares, exchange: Exchange): { stop(): void } {
  if (exchange === undefined) return { stop: () => {} }
  let asking = false
  const turn = async () => {
    if (asking) return
    asking = true
    const now = performance.now()
    const others = await exchange(shares.told(now, sharesReportedMax)).catch(() => [])
    shares.hear(others)
    asking = false
  }
  const timer = setInterval(turn, sharesExchangeEveryMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
