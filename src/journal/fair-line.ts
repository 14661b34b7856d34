/**
 * A waiting line in which filers take turns: who has one filing here goes before the second filing of who has
 * many. So a filer's burst delays the filings of that burst, and not those of others. (Start-time fair queueing:
 * Goyal, Vin, Cheng, "Start-Time Fair Queueing", SIGCOMM 1996, with every filing of the same cost.)
 *
 *   turn of a filing = the later of: the lowest turn that waits; one after the last turn of its filer
 *
 * Filings of one filer keep their order, and so do filings of one turn.
 */
export class FairLine<Item extends { readonly filer: string }> {
  #entries: { readonly item: Item; readonly turn: number }[] = []
  #isSorted = true
  #turn = 0
  /** Of filers that are ahead of the line's turn. */
  readonly #lastTurns = new Map<string, number>()

  get length(): number {
    return this.#entries.length
  }

  push(item: Item): void {
    const turn = Math.max(this.#turn, (this.#lastTurns.get(item.filer) ?? -1) + 1)
    this.#lastTurns.set(item.filer, turn)
    if (turn < (this.#entries.at(-1)?.turn ?? 0)) this.#isSorted = false
    this.#entries.push({ item, turn })
  }

  /** Takes out as many as are wanted, one after the other, as their turns come. */
  take(wants: (item: Item) => boolean): Item[] {
    // Stable: of one turn, the first to come stays the first.
    if (!this.#isSorted) this.#entries.sort((one, other) => one.turn - other.turn)
    this.#isSorted = true
    const end = this.#entries.findIndex(({ item }) => !wants(item))
    const taken = this.#entries.splice(0, end < 0 ? this.#entries.length : end)
    this.#moveOn()
    return taken.map(({ item }) => item)
  }

  /** Takes out all that are like this, wherever they stand. */
  remove(isLike: (item: Item) => boolean): Item[] {
    const removed = this.#entries.filter(({ item }) => isLike(item))
    if (removed.length === 0) return []
    this.#entries = this.#entries.filter(({ item }) => !isLike(item))
    this.#moveOn()
    return removed.map(({ item }) => item)
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const { item } of this.#entries) yield item
  }

  #moveOn(): void {
    if (this.#entries.length === 0) {
      this.#lastTurns.clear()
      this.#turn = 0
      return
    }
    const lowest = this.#entries.reduce((least, { turn }) => Math.min(least, turn), Infinity)
    if (lowest === this.#turn) return
    this.#turn = lowest
    for (const [filer, last] of this.#lastTurns) if (last < lowest) this.#lastTurns.delete(filer)
  }
}
