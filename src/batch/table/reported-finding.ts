/**
 * A finding of a file as a command reports it: where it is, in the terms of the file, and what to do.
 */
import type { Severity, Text } from '../../declaration/catalogue/entry.ts'
import {
  cellOf,
  type FileFinding,
  severityOf,
  writeFileFinding,
} from '../findings/file-findings.ts'
import { writeInSheetWords } from './sheet-words.ts'

/** Whether rows are lines of a sheet, or declarations (NDJSON). */
export type FileContent = 'table' | 'declarations'

export type ReportedFinding = {
  readonly code: FileFinding['code']
  readonly severity: Severity
  readonly row?: number
  readonly sheet?: string
  /** `C3`, or else letter and title. */
  readonly cell?: string
  readonly column?: string
  /** Of a declaration: JSON Pointer. */
  readonly pointer?: string
  readonly message: Text
  readonly fix: Text
  readonly suggestion?: string
}

export function reportedFinding(finding: FileFinding, content: FileContent): ReportedFinding {
  const { sheet, row, column, pointer } = finding.place
  const cell = cellOf(finding.place)
  const { message, fix, suggestion } =
    content === 'table'
      ? writeInSheetWords(finding)
      : { ...writeFileFinding(finding), suggestion: finding.params?.suggestion }
  return {
    code: finding.code,
    severity: severityOf(finding),
    ...(row !== undefined && { row }),
    ...(sheet !== undefined && { sheet }),
    ...(cell !== undefined && { cell }),
    ...(cell === undefined && column && { column }),
    ...(content === 'declarations' && pointer !== undefined && { pointer }),
    message,
    fix,
    ...(suggestion !== undefined && { suggestion: String(suggestion) }),
  }
}
