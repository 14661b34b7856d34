/**
 * Receipts of files: signed proof that all bytes of a file were here, and when. The signature is over the
 * statement itself, as a file has a signature of its own; it is made once, and kept.
 */
import { formatInstant } from '../../declaration/period.ts'
import { openCompact, type PublicJwk, type Signer, signCompact } from './compact-jws.ts'

/** What is stated of a file. Instants in microseconds since 1970. */
export type BatchStatement = {
  readonly id: string
  /** Undefined: its lines are of several employers. */
  readonly employer: string | undefined
  readonly period: string
  readonly region: string
  readonly kind: string
  readonly digest: Buffer
  readonly size: number
  readonly receivedAtMicros: number
  /**
   * Of the period that it was sent for; undefined where the region has no rules for it. Whether a
   * declaration in it is on time, its own receipt says: it may be of another period.
   */
  readonly deadlineMicros: number | undefined
}

/** The type of a file's receipt. */
const type = 'spillway-batch+jws'

/** Signs what is stated of a file; the statement is RFC 8785 text. */
export function signBatchReceipt(
  signer: Signer,
  statement: BatchStatement,
  environment: string,
): string {
  const { deadlineMicros: deadline, receivedAtMicros: receivedAt } = statement
  const { id, employer, kind, period, region, digest, size } = statement
  const members = {
    ...(deadline !== undefined && { deadline: formatInstant(deadline) }),
    ...(employer !== undefined && { employer }),
    ...{ environment, id, kind },
    ...{ period, receivedAt: formatInstant(receivedAt), region },
    ...{ sha256: digest.toString('hex'), size },
  }
  return signCompact(signer, type, JSON.stringify(members))
}

/** The receipt as JSON text. */
export function batchReceiptText(signed: string): string {
  const [, payload = ''] = signed.split('.')
  return `{"statement":${Buffer.from(payload, 'base64url').toString()},"signed":"${signed}"}`
}

/** @returns the statement, or a sentence that says why it can't be trusted */
export function openBatchReceipt(
  { statement, signed }: { readonly statement?: unknown; readonly signed: string },
  keys: readonly PublicJwk[],
): { readonly kid: string; readonly statement: Record<string, unknown> } | string {
  const opened = openCompact(signed, type, keys)
  if (typeof opened === 'string') return opened
  const { kid, payload } = opened
  const same = statement === undefined || isSame(statement, payload)
  return same ? { kid, statement: payload } : 'The statement is not what was signed.'
}

function isSame(statement: unknown, signed: Record<string, unknown>): boolean {
  if (typeof statement !== 'object' || statement === null) return false
  const sorted = (record: object) => JSON.stringify(Object.entries(record).sort())
  return sorted(statement) === sorted(signed)
}
