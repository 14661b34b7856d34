/** What the store of uploads needs, and what comes of its calls. */
import type pg from 'pg'
import type { Confirm } from '../../journal/durable.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { BatchStatement } from '../../journal/receipts/batch-receipt.ts'
import type { Salts } from '../../journal/salting.ts'
import type { SlotRefusal } from '../slots/reserve-slot.ts'
import type { Upload } from '../state/upload.ts'
import type { RunningDigest } from './running-digest.ts'

export type FinalizeDependencies = {
  /** The first seals, all open. */
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly salts: Salts
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
  /** The signed receipt of a file that is here. */
  readonly receiptOf: (file: Omit<BatchStatement, 'deadlineMicros'>) => string
}

export type StoreDependencies = FinalizeDependencies & {
  readonly pool: pg.Pool
  /** Waits until all that can be seen is durable, before somebody is told of it. */
  readonly confirm: Confirm
  readonly inTransaction: <T>(
    pool: pg.Pool,
    work: (client: pg.PoolClient) => Promise<T>,
  ) => Promise<T>
  readonly runningDigest: RunningDigest
  /** Told of bytes that are durable. */
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
