/**
 * What the upload store needs, and the outcomes of its calls.
 */
import type pg from 'pg'
import type { Confirm } from '../../journal/durable.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { BatchStatement } from '../../journal/receipts/batch-receipt.ts'
import type { Salts } from '../../journal/salting.ts'
import type { SlotRefusal } from '../slots/reserve-slot.ts'
import type { Upload } from '../state/upload.ts'
import type { RunningDigest } from './running-digest.ts'

export type FinalizeDependencies = {
  /** The first key seals; all of them open. */
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly salts: Salts
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
  /** Signs the receipt of a received file. */
  readonly receiptOf: (file: Omit<BatchStatement, 'deadlineMicros'>) => string
}

export type StoreDependencies = FinalizeDependencies & {
  readonly pool: pg.Pool
  /** Waits until everything visible is durable, before it is reported to anybody. */
  readonly confirm: Confirm
  readonly inTransaction: <T>(
    pool: pg.Pool,
    work: (client: pg.PoolClient) => Promise<T>,
  ) => Promise<T>
  readonly runningDigest: RunningDigest
  /** Called with bytes that became durable. */
  readonly onReceived?: (bytes: number) => void
}

/** In order of precedence. */
export type CreateOutcome =
  | { readonly kind: 'tooMany' | 'tooManyBytes' | SlotRefusal }
  /** The key was used for another file. */
  | { readonly kind: 'conflicting'; readonly upload: Upload }
  | { readonly kind: 'replayed'; readonly upload: Upload }
  | { readonly kind: 'created'; readonly upload: Upload }

export type CancelOutcome = 'cancelled' | 'absent' | 'tooLate'
