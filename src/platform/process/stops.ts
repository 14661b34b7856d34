/**
 * What was started, to be stopped in reverse: all of it at the end, or as much as there is when a start
 * fails on its way. What can't be stopped keeps nothing else from it.
 */
export type Stop = () => Promise<unknown> | unknown

export class Stops {
  readonly #stops: Stop[] = []

  add(stop: Stop): void {
    this.#stops.push(stop)
  }

  /** Rejects with what failed first, once all were told. May be called again. */
  async run(): Promise<void> {
    const failures: unknown[] = []
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** Starts, and stops what was started where that fails. */
export async function startOrStop<T>(start: (stops: Stops) => Promise<T>): Promise<T> {
  const stops = new Stops()
  try {
    return await start(stops)
  } catch (error) {
    await stops.run().catch(() => {}) // the first failure is the one to tell
    throw error
  }
}
