/**
 * Findings of rows that can't be filed because of the current declaration of their employer, period and
 * region.
 */
import { formatInstant } from '../../declaration/period.ts'
import type { LatestDeclaration } from '../../journal/latest-declaration.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'

/** A declaration newer than the rows was accepted. */
export function filedSince({ id, acceptedAtMicros }: LatestDeclaration): FileFinding {
  return fileFinding('FILED_SINCE', {}, { id, at: formatInstant(acceptedAtMicros) })
}

/** A regular declaration meets one in force. */
export function unitInForce(
  { id, acceptedAtMicros, lines }: LatestDeclaration,
  sameContent: boolean,
): FileFinding {
  const params = { id, at: formatInstant(acceptedAtMicros) }
  if (sameContent) return fileFinding('UNIT_FILED', {}, params)
  return fileFinding('UNIT_STANDS', {}, { ...params, persons: lines ?? '?' })
}

/** A correction or cancellation names another declaration than the one in force. */
export function supersededBy(
  { id, acceptedAtMicros }: LatestDeclaration,
  place: FileFinding['place'],
): FileFinding {
  return fileFinding('REPLACES_SUPERSEDED', place, { id, at: formatInstant(acceptedAtMicros) })
}
