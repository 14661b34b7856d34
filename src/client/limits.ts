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
/** Seconds that the intake is asked to wait for a change of a file: what a person would not call standing still. */
export const batchWaitSeconds = 5
/** A file is digested in parts of so many bytes. */
export const digestPartBytes = 4 * 1024 * 1024
/** A file is sent in parts: larger ones where they take less than this, smaller ones where they are lost or slow. */
export const partMs = 2_000
export const partBytesMin = 256 * 1024
export const partBytesMax = 8 * 1024 * 1024
/** The same file may end so often, as refused or cancelled, and be sent again. */
export const batchesOfContentMax = 100
