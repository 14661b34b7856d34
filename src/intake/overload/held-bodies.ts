/**
 * Bytes of bodies that all requests of a process hold together, from their first byte until they are
 * answered. Each body has a limit of its own; this one is of their sum, so that many which come slowly
 * can't fill the memory. One filer has half of it at most, and a quarter is kept for small bodies: who
 * sends large ones keeps nobody else from filing.
 */
import { smallBodyBytesMax } from '../../limits.ts'

/** Why there is no room: for anybody now, or for this filer. */
export type NoRoom = 'memory' | 'share'

const largeShare = 0.75
const filerShare = 0.5

/** What one request holds. */
export type HeldBody = {
  /** Makes it hold so many bytes in all; or says why it can't, and holds what it held. */
  grow(to: number): NoRoom | undefined
  /** What `grow` would say. */
  lacks(to: number): NoRoom | undefined
  /** Holds nothing from now on, whatever still comes; may be called again. */
  release(): void
}

export class HeldBodies {
  readonly #most: number
  readonly #of = new Map<string, number>()
  #bytes = 0

  /** @param most bytes of all bodies together */
  constructor(most: number) {
    this.#most = most
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Of what may be held: 1 is all. */
  get share(): number {
    return this.#bytes / this.#most
  }

  /** @param who sends it; all without a token are one */
  open(who: string): HeldBody {
    let held = 0
    let isOver = false
    const lacks = (to: number) => this.#lacks(who, to - held, to > smallBodyBytesMax)
    return {
      lacks,
      grow: (to) => {
        const reason = isOver ? undefined : lacks(to)
        if (isOver || reason !== undefined) return reason
        this.#add(who, to - held)
        held = to
        return undefined
      },
      release: () => {
        this.#add(who, -held)
        held = 0
        isOver = true
      },
    }
  }

  #lacks(who: string, more: number, isLarge: boolean): NoRoom | undefined {
    if ((this.#of.get(who) ?? 0) + more > filerShare * this.#most) return 'share'
    return this.#bytes + more > (isLarge ? largeShare : 1) * this.#most ? 'memory' : undefined
  }

  #add(who: string, bytes: number): void {
    this.#bytes += bytes
    const left = (this.#of.get(who) ?? 0) + bytes
    if (left > 0) this.#of.set(who, left)
    else this.#of.delete(who)
  }
}
