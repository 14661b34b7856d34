/**
 * Reads the rows of a file of any format: of a table, or of NDJSON, whose rows are declarations.
 */

import { detectFormat } from '../../formats/detect-format.ts'
import type { FileSource, NdjsonPosition } from '../../formats/rows.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import { findingOfThrown, markSourceErrors, type ReaderDefect } from './content-faults.ts'
import type { FileBatch, FilePosition } from './file-batch.ts'
import type { FileDefaults } from './header.ts'
import { readNdjson } from './ndjson.ts'
import { readTable, type TablePosition } from './table.ts'

/** What the sender says of the full file, as far as reading needs it. */
export type FileRequest = Pick<FileDefaults, 'employer' | 'period' | 'region'> &
  Pick<LeasedBatch, 'format'>

/**
 * Reads a file from a position on. Its first bytes decide the format; what the sender says, or the file
 * name, only distinguishes text formats.
 * @param onDefect called with an error of a reader that has no finding of its own
 * @throws what the source throws; any other error becomes a finding
 */
export async function* readRows(
  source: FileSource,
  work: FileRequest,
  from: FilePosition | undefined,
  onDefect: (defect: ReaderDefect) => void = () => {},
): AsyncGenerator<FileBatch> {
  let next = from
  try {
    for await (const batch of readDetected(markSourceErrors(source), work, from)) {
      next = batch.next
      yield batch
    }
  } catch (thrown) {
    yield { rows: [], findings: [findingOfThrown(thrown, onDefect)], next }
  }
}

async function* readDetected(
  source: FileSource,
  { employer, period, region, format }: FileRequest,
  from: FilePosition | undefined,
): AsyncGenerator<FileBatch> {
  const kind = detectFormat(await firstBytes(source))
  if (typeof kind !== 'string') yield { rows: [], findings: [kind], next: from }
  else if (kind === 'ndjson' || (kind === 'csv' && format === 'ndjson'))
    yield* readNdjson(source, from as NdjsonPosition | undefined)
  else {
    const defaults = { employer, region, period }
    yield* readTable(source, { format: kind, defaults, from: from as TablePosition | undefined })
  }
}

/** Enough bytes to detect the format. */
const firstBytesMin = 256

async function firstBytes(source: FileSource): Promise<Uint8Array> {
  let bytes = Buffer.alloc(0)
  for await (const piece of source.read(0)) {
    bytes = Buffer.concat([bytes, piece])
    if (bytes.length >= firstBytesMin) break
  }
  return bytes
}

/** Whether the rows of the file are declarations. */
export function isNdjsonPosition(position: FilePosition): position is NdjsonPosition {
  return 'format' in position
}
