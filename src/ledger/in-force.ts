/**
 * What is in force: for each employer, period and region, the posted declaration with the highest sequence
 * (envelope, position), and the highest cancellation, below which everything stays cancelled. A declaration
 * in parts counts once all parts are posted, at its head's sequence.
 *
 * Earlier programs let a correction or cancellation of one region replace a declaration of another. It counts
 * in both regions: in the region of the replaced declaration, nothing below it is in force. That region's row
 * then names the sequence of a declaration of the other region, which is in force only there.
 *
 * If the process dies while it is posted, nothing is stored, as of all that posting writes. If a migration ends
 * between 0110 and 0111, what is posted from then on is right, and what was posted before is as it was; the next
 * run goes on, and both raise only, so that they may be run again.
 */
import { isDeclaration, type Postable } from './rows.ts'

/**
 * The statement that raises both maxima to what an envelope's posted declarations say. They change by this
 * procedure alone (migrations/0114_raising_looks_once.sql): no login may write those tables.
 */
export function raiseInForce(envelope: bigint, posted: readonly Postable[]): readonly string[] {
  const declarations = posted.filter(isDeclaration)
  if (declarations.length === 0) return []
  const parts = declarations.flatMap(({ part, position }) => (part === undefined ? [] : position))
  return [`call raise_in_force(${envelope}, '{${parts.join(',')}}')`]
}
