/**
 * The rows of a file, whatever format it came in: of a table, or of NDJSON, whose rows are declarations.
 */

import { kindOfFile } from '../../formats/detect-format.ts'
import type { FileSource, NdjsonPosition } from '../../formats/rows.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import { findingOfThrown, marked, type ReaderDefect } from './content-faults.ts'
import type { FileBatch, FilePosition } from './file-batch.ts'
import type { FileDefaults } from './header.ts'
import { readNdjson } from './ndjson.ts'
import { readTable, type TablePosition } from './table.ts'

/** What is said of a whole file, as far as reading it asks for that. */
export type FileRequest = Pick<FileDefaults, 'employer' | 'period' | 'region'> &
  Pick<LeasedBatch, 'format'>

/**
 * Reads a batch's file, from a position on. Its first bytes decide how: what was said of it, or how it is
 * named, tells one kind of text from another, no more.
 * @param onDefect told of what a reader threw that is no finding of its own
 * @throws what the source throws; whatever else is thrown is a finding
 */
export async function* readRows(
  source: FileSource,
  work: FileRequest,
  from: FilePosition | undefined,
  onDefect: (defect: ReaderDefect) => void = () => {},
): AsyncGenerator<FileBatch> {
  let next = from
  try {
    for await (const batch of readKind(marked(source), work, from)) {
      next = batch.next
      yield batch
    }
  } catch (thrown) {
    yield { rows: [], findings: [findingOfThrown(thrown, onDefect)], next }
  }
}

async function* readKind(
  source: FileSource,
  { employer, period, region, format }: FileRequest,
  from: FilePosition | undefined,
): AsyncGenerator<FileBatch> {
  const kind = kindOfFile(await firstBytes(source))
  if (typeof kind !== 'string') yield { rows: [], findings: [kind], next: from }
  else if (kind === 'ndjson' || (kind === 'csv' && format === 'ndjson'))
    yield* readNdjson(source, from as NdjsonPosition | undefined)
  else {
    const defaults = { employer, region, period }
    yield* readTable(source, { format: kind, defaults, from: from as TablePosition | undefined })
  }
}

/** As many as tell a kind. */
const firstBytesMin = 256

async function firstBytes(source: FileSource): Promise<Uint8Array> {
  let bytes = Buffer.alloc(0)
  for await (const piece of source.read(0)) {
    bytes = Buffer.concat([bytes, piece])
    if (bytes.length >= firstBytesMin) break
  }
  return bytes
}

/** Whether the rows of a file are declarations. */
export function isOfDeclarations(position: FilePosition): position is NdjsonPosition {
  return 'format' in position
}
