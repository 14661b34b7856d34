/**
 * A batch as it is kept: what was asked for its file, and what is known of it so far.
 */

import type { FiledByToken } from '../../journal/attribution.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import { fileNameCharactersMax, uploadIdleMsMax } from '../../limits.ts'
import { openExpected, openReceived } from './file-digest.ts'
import type { Owner } from './owner.ts'
import type { RequestedKind } from './requested-kind.ts'
import { openBytes } from './seal.ts'
import type { Stage } from './stages.ts'

export const formats = ['csv', 'tsv', 'xlsx', 'ndjson'] as const
/** Of mode check, nothing is filed: what would become of it is told. */
export const modes = ['all-or-nothing', 'accept-good', 'check'] as const

/** What a file is of, as its sender says. */
export type BatchRequest = {
  /** Undefined: its lines are of several employers. */
  readonly employer: string | undefined
  readonly period: string
  readonly region: string
  readonly kind: RequestedKind
  /** Undefined: to be seen from its bytes. */
  readonly format: (typeof formats)[number] | undefined
  readonly mode: (typeof modes)[number]
  /** Bytes of the whole file, where it is known before. */
  readonly size: number | undefined
  /** SHA-256 of the whole file, where it is known before. */
  readonly expectedDigest: Buffer | undefined
  readonly fileName: string | undefined
  /** The slot in which it goes first. */
  readonly slot: string | undefined
  /** The batch whose rows that were set aside it has, mended. */
  readonly amends: string | undefined
}

/** Its owner is the token's: nobody else may see the batch, or send its bytes. */
export type NewUpload = BatchRequest &
  Owner & {
    /** Employers that the token named: only their lines may be filed. */
    readonly mayFileFor: readonly string[]
    /** Patterns of regions: only lines for these; for any unless given. */
    readonly mayFileIn?: readonly string[] | undefined
    readonly idempotencyKey: string | undefined
    /** Who begins it, where that is to be kept. */
    readonly by?: FiledByToken | undefined
  }

/** `mayFileFor` has what every token named that began it or brought bytes. */
export type Upload = Omit<NewUpload, 'idempotencyKey' | 'mayFileIn' | 'by'> & {
  readonly id: string
  /** Employers that any of these tokens named: the file may have rows of theirs. */
  readonly named: readonly string[]
  /** Higher in those that were begun later. */
  readonly number: bigint
  /** Durable bytes. */
  readonly received: number
  readonly stage: Stage
  readonly createdAtMicros: number
  readonly touchedAtMicros: number
  /** When its last byte was taken; once all are here. */
  readonly receivedAtMicros: number | undefined
  readonly digest: Buffer | undefined
  /** The batch that brought the same content first. */
  readonly sameAs: string | undefined
  /** A compact JWS, once it is received. */
  readonly receipt: string | undefined
}

/** A row of the view batch.upload, the slot that is lent to it, and what is sealed of its digests. */
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
  format: (typeof formats)[number] | null
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

/** What a sealed file name is bound to. */
export function fileNameBinding(id: string): string {
  return `batch ${id} file name`
}

export function expiryMicros({ touchedAtMicros }: Upload): number {
  return touchedAtMicros + 1_000 * uploadIdleMsMax
}
