/**
 * Who may send a file now. An intake process receives so many at a time and holds so many of their
 * bytes. One filer has half of the places at most; where half are taken, each of those who send has an
 * equal share, and at least one.
 */
import { chunkBytesMax, uploadBytesHeldMax } from '../../limits.ts'
import type { HeldBodies } from '../overload/held-bodies.ts'

/** One chunk being read, and one being sealed. */
export const chunksHeldBytes = 2 * chunkBytesMax

export class UploadPlaces {
  readonly #most: number
  readonly #held = new Map<string, number>()
  #taken = 0
  #bytes = 0

  readonly #bodies: HeldBodies

  /**
   * @param most files received at a time
   * @param bodies what all requests hold, these among them
   */
  constructor(most: number, bodies: HeldBodies) {
    this.#most = most
    this.#bodies = bodies
  }

  get taken(): number {
    return this.#taken
  }

  /**
   * Takes a place, or says why there is none: `full`, or the filer has its share.
   * @param bytes that will be held
   * @returns what to call once the file's part is here
   */
  enter(filer: string, bytes: number): (() => void) | 'full' | 'share' {
    if (this.#taken >= this.#most || this.#bytes + bytes > uploadBytesHeldMax) return 'full'
    const own = this.#held.get(filer) ?? 0
    if (own >= this.#share(filer)) return 'share'
    const body = this.#bodies.open(filer)
    const noRoom = body.grow(bytes)
    if (noRoom !== undefined) return noRoom === 'memory' ? 'full' : 'share'
    this.#held.set(filer, own + 1)
    this.#taken += 1
    this.#bytes += bytes
    let left = false
    return () => {
      if (left) return
      left = true
      body.release()
      this.#leave(filer, bytes)
    }
  }

  #share(filer: string): number {
    const half = Math.max(1, this.#most / 2)
    if (this.#taken < half) return half
    const senders = this.#held.size + (this.#held.has(filer) ? 0 : 1)
    return Math.max(1, Math.floor(this.#most / Math.max(2, senders)))
  }

  #leave(filer: string, bytes: number): void {
    const own = (this.#held.get(filer) ?? 1) - 1
    if (own > 0) this.#held.set(filer, own)
    else this.#held.delete(filer)
    this.#taken -= 1
    this.#bytes -= bytes
  }
}
