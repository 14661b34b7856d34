/**
 * Watching batches: all streams and waiting answers of a process look together, in one statement for
 * all their batches, at a bounded cadence; nobody holds a connection between looks.
 *
 *   idle      nobody watches, and nothing is asked of the database
 *   looking   somebody watches; a look, a pause, a look …
 *   stopped   the process is on its way out; whoever watches is let go, nobody watches again
 */
import type { BatchProgress } from '../../batch/uploads/progress.ts'
import { batchWatchEveryMs, batchWatchShareMax } from '../../limits.ts'
import type { Places } from '../overload/keyed-semaphore.ts'

export type BatchWatchDependencies = {
  readonly findMarks: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>
  readonly findProgress: (ids: readonly string[]) => Promise<readonly BatchProgress[]>
  readonly places: Places
}

type Change = BatchProgress | 'elapsed' | 'stopped'

/** One who watches a batch. */
export type Watcher = {
  /** Resolves when its state has another mark than this, or in time. One call at a time. */
  changed(mark: string, msMax: number): Promise<Change>
  /** What waits is let go; may be called twice. */
  end(): void
}

type Waiting = { readonly mark: string; readonly resolve: (change: Change) => void }

class OneWatcher implements Watcher {
  readonly batch: string
  waiting: Waiting | undefined
  #ended = false
  readonly #onEnd: () => void

  constructor(batch: string, onEnd: () => void) {
    this.batch = batch
    this.#onEnd = onEnd
  }

  changed(mark: string, msMax: number): Promise<Change> {
    if (this.#ended) return Promise.resolve('stopped')
    return new Promise((done) => {
      const resolve = (change: Change) => {
        clearTimeout(deadline)
        this.waiting = undefined
        done(change)
      }
      const deadline = setTimeout(resolve, msMax, 'elapsed')
      this.waiting = { mark, resolve }
    })
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.waiting?.resolve('stopped')
    this.#onEnd()
  }
}

export class BatchWatch {
  readonly #dependencies: BatchWatchDependencies
  readonly #watchers = new Set<OneWatcher>()
  #stopped = false
  /** Undefined: idle, or a look is under way. */
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(dependencies: BatchWatchDependencies) {
    this.#dependencies = dependencies
  }

  /** How many watch now. */
  get count(): number {
    return this.#watchers.size
  }

  /** A watcher; or why there is none: all places are taken, the subject has its own, or it stops. */
  watch(batch: string, subject: string): Watcher | 'full' | 'share' | 'stopped' {
    if (this.#stopped) return 'stopped'
    const leave = this.#dependencies.places.enter(subject)
    if (typeof leave === 'string') return leave
    const watcher = new OneWatcher(batch, () => {
      leave()
      this.#remove(watcher)
    })
    this.#watchers.add(watcher)
    if (this.#timer === undefined && !this.#looking) this.#lookIn(batchWatchEveryMs)
    return watcher
  }

  /** Lets everybody go. */
  stop(): void {
    this.#stopped = true
    for (const watcher of [...this.#watchers]) watcher.end()
  }

  #remove(watcher: OneWatcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    this.#timer = undefined
    this.#looking = true
    const startedAt = performance.now()
    // A look that fails says nothing: the next one may not.
    await this.#tellChanged().catch(() => {})
    this.#looking = false
    if (this.#watchers.size === 0) return
    const tookMs = performance.now() - startedAt
    this.#lookIn(Math.max(batchWatchEveryMs, tookMs / batchWatchShareMax - tookMs))
  }

  async #tellChanged(): Promise<void> {
    const { findMarks, findProgress } = this.#dependencies
    const batches = [...new Set([...this.#watchers].map(({ batch }) => batch))]
    const marks = await findMarks(batches)
    const others = (mark: string | undefined, { waiting }: OneWatcher) =>
      mark !== undefined && waiting !== undefined && waiting.mark !== mark
    const changed = [...this.#watchers].filter((one) => others(marks.get(one.batch), one))
    if (changed.length === 0) return
    const found = await findProgress([...new Set(changed.map(({ batch }) => batch))])
    const progressOf = new Map(found.map((progress) => [progress.upload.id, progress]))
    for (const one of [...this.#watchers]) {
      const progress = progressOf.get(one.batch)
      if (progress !== undefined && others(progress.mark, one)) one.waiting?.resolve(progress)
    }
  }
}
