/**
 * A declaration with more lines than one envelope should hold travels as parts: each is filed, kept
 * and posted by itself, and all come into force in one step. The last part is the head: it has the
 * declaration's id, and is accepted when all others are.
 */
export type Part = {
  /** The head's id. */
  readonly of: string
  /** From 1; the head's is `count`. */
  readonly number: number
  readonly count: number
}

export function isHead({ number, count }: Part): boolean {
  return number === count
}
