/**
 * A stored batch: what its sender asked for, and what is known of the file so far.
 */

import type { FiledByToken } from '../../journal/attribution.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import { fileNameCharactersMax, uploadIdleMsMax } from '../../limits.ts'
import { openExpected, openReceived } from './file-digest.ts'
import type { Owner } from './owner.ts'
import type { RequestedKind } from './requested-kind.ts'
import { openBytes } from './seal.ts'
import type { Stage } from './stages.ts'

export const fileFormats = ['csv', 'tsv', 'xlsx', 'ndjson'] as const
/** Mode check files nothing and reports what would be filed. */
export const filingModes = ['all-or-nothing', 'accept-good', 'check'] as const

/** What the sender says about the file. */
export type BatchRequest = {
  /** Undefined: its lines are of several employers. */
  readonly employer: string | undefined
  readonly period: string
  readonly region: string
  readonly kind: RequestedKind
  /** Undefined: detect it from the bytes. */
  readonly format: (typeof fileFormats)[number] | undefined
  readonly mode: (typeof filingModes)[number]
  /** Bytes of the full file, if announced. */
  readonly size: number | undefined
  /** SHA-256 of the full file, if announced. */
  readonly expectedDigest: Buffer | undefined
  readonly fileName: string | undefined
  /** The slot in which the file goes first. */
  readonly slot: string | undefined
  /** The batch whose rejected rows this file fixes. */
  readonly amends: string | undefined
}

/** The token's subject owns the batch; nobody else may see it or send its bytes. */
export type NewUpload = BatchRequest &
  Owner & {
    /** Employers that the token names: only their lines may be filed. */
    readonly mayFileFor: readonly string[]
    /** Region patterns of the token; without them, lines of any region. */
    readonly mayFileIn?: readonly string[] | undefined
    readonly idempotencyKey: string | undefined
    /** Who begins the batch, where that is recorded. */
    readonly by?: FiledByToken | undefined
  }

/** `mayFileFor` has the employers that every token named which began the batch or sent bytes. */
export type Upload = Omit<NewUpload, 'idempotencyKey' | 'mayFileIn' | 'by'> & {
  readonly id: string
  /** Employers that any of these tokens named: the file may contain their rows. */
  readonly named: readonly string[]
  /** Increases with each new batch. */
  readonly number: bigint
  /** Durable bytes. */
  readonly received: number
  readonly stage: Stage
  readonly createdAtMicros: number
  readonly touchedAtMicros: number
  /** When the last byte was stored; undefined before. */
  readonly receivedAtMicros: number | undefined
  readonly digest: Buffer | undefined
  /** The first batch with the same content. */
  readonly sameAs: string | undefined
  /** A compact JWS, once the file is received. */
  readonly receipt: string | undefined
}

/** A row of the view `batch.upload`, with the assigned slot and the sealed digests. */
export type UploadRow = {
  id: string
  number: string
  issuer: string
  subject: string
  may_file_for: string[]
  named: string[]
  employer: string | null
  period: string
  region: string
  kind: BatchRequest['kind']
  format: (typeof fileFormats)[number] | null
  mode: BatchRequest['mode']
  file_name: Buffer | null
  size: string | null
  expected_digest: Buffer | null
  received: string
  stage: Stage
  digest: Buffer | null
  same_as: string | null
  slot: string | null
  received_at: string | null
  created_at: string
  touched_at: string
  amends: string | null
  receipt: string | null
  sealed_expected: Buffer | null
  sealed_received: Buffer | null
}

export function uploadOf(keys: readonly EnvelopeKey[], row: UploadRow): Upload {
  const { id, issuer, subject, named, period, region, kind, mode, stage } = row
  const { sealed_expected: expected, sealed_received: received } = row
  const sealed = received && openReceived(keys, id, received)
  return {
    ...{ id, issuer, subject, named, period, region, kind, mode, stage },
    format: row.format ?? undefined,
    number: BigInt(row.number),
    mayFileFor: row.may_file_for,
    employer: row.employer ?? undefined,
    fileName:
      row.file_name === null
        ? undefined
        : openBytes(keys, fileNameBinding(id), row.file_name, 4 * fileNameCharactersMax).toString(),
    size: row.size === null ? undefined : Number(row.size),
    expectedDigest:
      expected === null ? (row.expected_digest ?? undefined) : openExpected(keys, id, expected),
    received: Number(row.received),
    createdAtMicros: Number(row.created_at),
    touchedAtMicros: Number(row.touched_at),
    receivedAtMicros: row.received_at === null ? undefined : Number(row.received_at),
    digest: sealed?.digest ?? row.digest ?? undefined,
    sameAs: row.same_as ?? undefined,
    slot: row.slot ?? undefined,
    amends: row.amends ?? undefined,
    receipt: sealed?.receipt ?? row.receipt ?? undefined,
  }
}

/** The associated data that a sealed file name is bound to. */
export function fileNameBinding(id: string): string {
  return `batch ${id} file name`
}

export function expiryMicros({ touchedAtMicros }: Upload): number {
  return touchedAtMicros + 1_000 * uploadIdleMsMax
}
