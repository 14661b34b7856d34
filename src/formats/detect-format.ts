/**
 * Detects the format of a file by its first bytes. File names and browsers' media types are not
 * reliable.
 */
import { type FormatFinding, formatFinding } from './findings.ts'

export type DetectedFormat = 'csv' | 'xlsx' | 'ndjson'

/** First bytes of workbooks, also of those that are refused: their reader says how to save them. */
const workbooks = ['PK\u0003\u0004', 'PK\u0005\u0006', '\u00d0\u00cf\u0011\u00e0']
/** First bytes of PDF, pictures, other archives, and HTML pages saved as workbooks. */
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

/** @param start the file's first bytes, up to some hundred */
export function detectFormat(start: Uint8Array): DetectedFormat | FormatFinding {
  const text = Buffer.from(start.subarray(0, 256)).toString('latin1')
  if (text === '') return formatFinding('FILE_EMPTY')
  if (workbooks.some((beginning) => text.startsWith(beginning))) return 'xlsx'
  if (others.some((beginning) => text.trimStart().startsWith(beginning)))
    return formatFinding('FILE_KIND_UNKNOWN')
  // Also a JSON list of declarations: each of its lines is reported as invalid.
  return /^(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{/.test(text) ? 'ndjson' : 'csv'
}
