/**
 * Bounds of the client library. They are here and not in src/limits.ts, as the library runs without the engine,
 * also in browsers.
 */

/** An attempt without an answer is given up after so long; what became of it is not known then. */
export const attemptMsMax = 30_000
/** Before the second attempt, where the intake does not say when; doubled each time, up to the most. */
export const retryMsMin = 500
export const retryMsMax = 15_000
/** A Retry-After above this is some proxy's: it is cut to this. */
export const retryAfterMsMax = 3_600_000
/** Of a Retry-After, at most this share and so long is added by chance, so that clients come apart. */
export const jitterShare = 0.1
export const jitterMsMax = 2_000
/** A call that is to last ends after so long, unless the caller says otherwise. */
export const giveUpAfterMs = 3_600_000
/** A call that somebody looks at while it lasts, such as a check. */
export const giveUpSoonMs = 15_000
/** Seconds that the intake is asked to wait for a status to change: its most. */
export const statusWaitSeconds = 20
/** Bytes of chance in an Idempotency-Key. */
export const keyBytes = 16
