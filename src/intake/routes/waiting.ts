/**
 * Waiting for statuses: all answers of a process that wait are looked up together, in one statement
 * for all their declarations, so that fifteen readers for each filer cost one more row to look at.
 * Nothing is remembered of a look, so no answer is older than its request.
 *
 *   idle      nobody waits, and nothing is asked of the database
 *   looking   somebody waits; a look, a pause, a look …
 *   stopped   the process is on its way out; whoever waits is let go, nobody waits again
 */
import type { Standing } from '../../ledger/status.ts'
import {
  statusLookMsMax,
  statusLookMsMin,
  statusLookShareMax,
  statusWaitersShareMax,
} from '../../limits.ts'

export type WaitingDependencies = {
  /** Of these ids, the declarations that are no longer merely accepted. */
  readonly findSettled: (ids: readonly string[]) => Promise<readonly Standing[]>
  readonly waitersMax: number
}

/** What is waited for, by whom, and for how long. */
export type Wait = {
  readonly id: string
  readonly filer: string
  readonly msMax: number
  /** Aborted when nobody is there to be told any more; the wait then ends as stopped. */
  readonly gone: AbortSignal
}

/** How a wait ended: settled, not in time, let go (look again), or not begun: too many wait. */
export type WaitOutcome = Standing | 'elapsed' | 'stopped' | 'full'

type Waiter = (outcome: WaitOutcome) => void

export class StatusWaiting {
  readonly #findSettled: WaitingDependencies['findSettled']
  readonly #waitersMax: number
  /** By the declaration's id. */
  readonly #waiters = new Map<string, Set<Waiter>>()
  readonly #countOf = new Map<string, number>()
  #count = 0
  #stopped = false
  /** Undefined: idle, or a look is under way. */
  #timer: NodeJS.Timeout | undefined
  #looking = false
  #pauseMs = statusLookMsMin

  constructor({ findSettled, waitersMax }: WaitingDependencies) {
    this.#findSettled = findSettled
    this.#waitersMax = waitersMax
  }

  /** How many wait now. */
  get count(): number {
    return this.#count
  }

  wait({ id, filer, msMax, gone }: Wait): Promise<WaitOutcome> {
    if (this.#stopped || this.#isFull(filer)) return Promise.resolve('full')
    if (gone.aborted) return Promise.resolve('stopped')
    return new Promise((resolve) => {
      const waiter: Waiter = (outcome) => {
        clearTimeout(deadline)
        gone.removeEventListener('abort', leave)
        this.#remove(id, filer, waiter)
        resolve(outcome)
      }
      const leave = () => waiter('stopped')
      const deadline = setTimeout(waiter, msMax, 'elapsed')
      gone.addEventListener('abort', leave)
      this.#add(id, filer, waiter)
    })
  }

  /** Lets everybody go. */
  stop(): void {
    this.#stopped = true
    for (const waiter of [...this.#waiters.values()].flatMap((all) => [...all])) waiter('stopped')
  }

  #isFull(filer: string): boolean {
    const own = this.#countOf.get(filer) ?? 0
    const ownMax = Math.ceil(this.#waitersMax * statusWaitersShareMax)
    return this.#count >= this.#waitersMax || own >= ownMax
  }

  #add(id: string, filer: string, waiter: Waiter): void {
    const others = this.#waiters.get(id)
    if (others === undefined) this.#waiters.set(id, new Set([waiter]))
    else others.add(waiter)
    this.#count += 1
    this.#countOf.set(filer, (this.#countOf.get(filer) ?? 0) + 1)
    if (this.#timer !== undefined || this.#looking) return
    this.#pauseMs = statusLookMsMin
    this.#timer = setTimeout(() => void this.#look(), this.#pauseMs)
  }

  #remove(id: string, filer: string, waiter: Waiter): void {
    const all = this.#waiters.get(id)
    if (all?.delete(waiter) !== true) return
    this.#count -= 1
    if (all.size === 0) this.#waiters.delete(id)
    const own = (this.#countOf.get(filer) ?? 1) - 1
    if (own > 0) this.#countOf.set(filer, own)
    else this.#countOf.delete(filer)
    if (this.#count > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    this.#timer = undefined
    this.#looking = true
    const startedAt = performance.now()
    // A look that fails says nothing: the next one may not, and who waits has a deadline.
    const settled = await this.#findSettled([...this.#waiters.keys()]).catch(() => [])
    for (const standing of settled) {
      for (const waiter of [...(this.#waiters.get(standing.id) ?? [])]) waiter(standing)
    }
    this.#looking = false
    if (this.#count === 0) return
    const tookMs = performance.now() - startedAt
    // Where something settles, more will soon.
    const grownMs = Math.min(1.5 * this.#pauseMs, statusLookMsMax)
    this.#pauseMs = settled.length > 0 ? statusLookMsMin : grownMs
    const pauseMs = Math.max(this.#pauseMs, tookMs / statusLookShareMax - tookMs)
    this.#timer = setTimeout(() => void this.#look(), pauseMs)
  }
}
