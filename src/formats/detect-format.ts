/** Which kind of file this is, by its first bytes: names and types that browsers send are not relied on. */
import { type FormatFinding, formatFinding } from './findings.ts'

export type FileKind = 'csv' | 'xlsx' | 'ndjson'

/** Beginnings of workbooks, also of those that are refused: their reader says how to save them. */
const workbooks = ['PK\u0003\u0004', 'PK\u0005\u0006', '\u00d0\u00cf\u0011\u00e0']
/** Of PDF, pictures, other archives, and pages of HTML that call themselves workbooks. */
const others = [
  '%PDF',
  '\u0089PNG',
  '\u00ff\u00d8\u00ff',
  'GIF8',
  'Rar!',
  '7z',
  '\u001f\u008b',
  '<',
]

/** @param start the file's first bytes, as many as there are up to some hundred */
export function kindOfFile(start: Uint8Array): FileKind | FormatFinding {
  const text = Buffer.from(start.subarray(0, 256)).toString('latin1')
  if (text === '') return formatFinding('FILE_EMPTY')
  if (workbooks.some((beginning) => text.startsWith(beginning))) return 'xlsx'
  if (others.some((beginning) => text.trimStart().startsWith(beginning)))
    return formatFinding('FILE_KIND_UNKNOWN')
  // A list of declarations, too: each of its lines is told to be none.
  return /^(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{/.test(text) ? 'ndjson' : 'csv'
}
