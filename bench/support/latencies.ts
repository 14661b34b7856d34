/**
 * Latencies in buckets a hundredth wide: percentiles to 1%, whatever the number of them. A bucket is a
 * number, so that those of several processes and seconds add up without loss, as plain lists of pairs.
 */
const perDoubling = 70

/** Bucket and count. */
export type Counted = readonly (readonly [bucket: number, count: number])[]

export class Latencies {
  readonly #buckets = new Map<number, number>()
  #count = 0

  add(ms: number): void {
    this.#put(Math.round(perDoubling * Math.log2(Math.max(0.01, ms))), 1)
  }

  /** Takes what another one, perhaps of another process, has counted. */
  merge(counted: Counted): void {
    for (const [bucket, count] of counted) this.#put(bucket, count)
  }

  counted(): Counted {
    return [...this.#buckets]
  }

  get count(): number {
    return this.#count
  }

  /** @returns milliseconds; NaN when there are none */
  percentile(share: number): number {
    let left = share * this.#count
    for (const [bucket, count] of [...this.#buckets].sort(([one], [other]) => one - other)) {
      left -= count
      if (left <= 0) return msOf(bucket)
    }
    return Number.NaN
  }

  /** How many took longer. */
  above(ms: number): number {
    let count = 0
    for (const [bucket, times] of this.#buckets) if (msOf(bucket) > ms) count += times
    return count
  }

  #put(bucket: number, count: number): void {
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count)
    this.#count += count
  }
}

export function msOf(bucket: number): number {
  return 2 ** (bucket / perDoubling)
}
