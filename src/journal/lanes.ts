/**
 * Lanes: queues with workers of their own, so that large files never stand before small filings.
 */
export const lanes = ['filing', 'bulk'] as const
export type Lane = (typeof lanes)[number]
