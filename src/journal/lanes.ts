/**
 * Lanes: queues with workers of their own, so that large files never stand before small ones, and no
 * file before single filings.
 */
export const lanes = [
  'filing', // what portals and apps send
  'bulk', // small files, and reassessments
  'large', // files that are not small
] as const
export type Lane = (typeof lanes)[number]
