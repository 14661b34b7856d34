/** A bounded number of places, of which one subject has some at most. */
export class Places {
  readonly #most: number
  readonly #mostOfOne: number
  readonly #held = new Map<string, number>()
  #taken = 0

  constructor(most: number, mostOfOne: number) {
    this.#most = most
    this.#mostOfOne = mostOfOne
  }

  get taken(): number {
    return this.#taken
  }

  /** Takes a place, and returns what to call when it is free again; or says why there is none. */
  enter(subject: string): (() => void) | 'full' | 'share' {
    const own = this.#held.get(subject) ?? 0
    if (own >= this.#mostOfOne) return 'share'
    if (this.#taken >= this.#most) return 'full'
    this.#held.set(subject, own + 1)
    this.#taken += 1
    let left = false
    return () => {
      if (left) return
      left = true
      this.#taken -= 1
      const rest = (this.#held.get(subject) ?? 1) - 1
      if (rest > 0) this.#held.set(subject, rest)
      else this.#held.delete(subject)
    }
  }
}
