/** A sum that is forgotten by half in a time, and the rate that follows from it. */
export class Decaying {
  readonly #halfLifeMs: number
  #value = 0
  #at = 0

  constructor(halfLifeMs: number) {
    this.#halfLifeMs = halfLifeMs
  }

  add(amount: number, now: number): void {
    this.#value = this.value(now) + amount
    this.#at = now
  }

  value(now: number): number {
    return this.#value * 2 ** ((this.#at - now) / this.#halfLifeMs)
  }

  /** How much is added in a millisecond, of late: what the sum would settle at, divided by its time. */
  rate(now: number): number {
    return (this.value(now) * Math.LN2) / this.#halfLifeMs
  }
}
