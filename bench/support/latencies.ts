/** Latencies in buckets a twentieth wide: percentiles to 5%, whatever the number of them. */
const perDoubling = 14

export class Latencies {
  readonly #buckets = new Map<number, number>()
  #count = 0

  add(ms: number): void {
    const bucket = Math.round(perDoubling * Math.log2(Math.max(0.01, ms)))
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
    this.#count += 1
  }

  get count(): number {
    return this.#count
  }

  /** @returns milliseconds; NaN when there are none */
  percentile(share: number): number {
    let left = share * this.#count
    for (const [bucket, count] of [...this.#buckets].sort(([one], [other]) => one - other)) {
      left -= count
      if (left <= 0) return 2 ** (bucket / perDoubling)
    }
    return Number.NaN
  }
}
