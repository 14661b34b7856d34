/** What the service tells of files: the list of one's own, and the rows set aside of one. */
import type { Batch, BatchStage } from '../../client/client.ts'
import { type Read, read } from '../state/read.ts'
import { files } from '../texts/files.ts'
import type { Text } from '../ui/say.ts'
import type { AsideTable } from './mending.ts'

export type BatchList = {
  readonly batches: readonly Batch[]
  readonly links: { readonly next?: string }
}

export function listBatches(next = '/v1/batches?limit=50'): Promise<Read<BatchList>> {
  return read(next)
}

/** Of an employer: what was sent for it, or for several. */
export function isOf({ employer }: Batch, wanted: string): boolean {
  return employer === undefined || employer === wanted
}

/** More are too many for a page; they are downloaded. */
export const asideRowsMax = 20_000

export function readAside(id: string): Promise<Read<AsideTable>> {
  return read(`/v1/batches/${encodeURIComponent(id)}/errors?format=json`)
}

export type FiledPart = {
  readonly employer: string
  readonly period: string
  readonly id?: string
  readonly lines: number
}

export function readFiled(
  id: string,
): Promise<Read<{ readonly declarations: readonly FiledPart[]; readonly links: object }>> {
  return read(`/v1/batches/${encodeURIComponent(id)}/declarations?limit=20`)
}

export const stageTexts: Readonly<Record<BatchStage, Text>> = {
  receiving: files.receiving,
  received: files.received,
  reading: files.readingStage,
  checking: files.checking,
  filing: files.filing,
  posting: files.posting,
  posted: files.posted,
  checked: files.checked,
  unreadable: files.unreadable,
  refused: files.refused,
  duplicate: files.duplicate,
  damaged: files.damaged,
  cancelled: files.cancelled,
  expired: files.expired,
}

export function toneOf(stage: BatchStage): 'ok' | 'main' | 'error' | '' {
  switch (stage) {
    case 'posted':
    case 'posting':
    case 'checked':
      return 'ok'
    case 'unreadable':
    case 'refused':
    case 'damaged':
      return 'error'
    case 'cancelled':
    case 'expired':
    case 'duplicate':
      return ''
    default:
      return 'main'
  }
}
