/** Counts of single seconds, of as many of them as a window has: what lies before it is forgotten. */
export class SecondCounts {
  /** In turns: a second is at its number's remainder. */
  readonly #counts: Int32Array
  #from = 0
  #sum = 0

  constructor(seconds: number) {
    this.#counts = new Int32Array(seconds)
  }

  /** Of all seconds in the window together. */
  get sum(): number {
    return this.#sum
  }

  /** The window begins at a second, never before where it began. */
  moveTo(from: number): void {
    const passed = Math.min(this.#counts.length, from - this.#from)
    for (let second = this.#from; second < this.#from + passed; second += 1) {
      const at = second % this.#counts.length
      this.#sum -= this.#counts[at] as number
      this.#counts[at] = 0
    }
    this.#from = Math.max(this.#from, from)
  }

  /** Of one second. */
  at(second: number): number {
    const isIn = second >= this.#from && second < this.#from + this.#counts.length
    return isIn ? (this.#counts[second % this.#counts.length] as number) : 0
  }

  /** Adds to a second; to one that is not in the window, nothing. */
  add(second: number, amount: number): void {
    if (second < this.#from || second >= this.#from + this.#counts.length) return
    const at = second % this.#counts.length
    this.#counts[at] = (this.#counts[at] as number) + amount
    this.#sum += amount
  }
}
