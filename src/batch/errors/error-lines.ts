/**
 * What a system gets back of its NDJSON: a line for each declaration that was not taken, as it was filed,
 * with the line it was and everything that is wrong with it, in the words of a refused request. The
 * declarations alone, mended, are a file to send.
 */

import { type FileFinding, severityOf, writeFileFinding } from '../findings/file-findings.ts'
import type { ErrorRow } from './error-rows.ts'

/** Bytes gathered before they are handed on. */
const pieceCharacters = 64 * 1024

export async function* writeErrorLines(rows: AsyncIterable<ErrorRow>): AsyncGenerator<Buffer> {
  let text = ''
  for await (const row of rows) {
    text += `${errorLine(row)}\n`
    if (text.length < pieceCharacters) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text !== '') yield Buffer.from(text)
}

/** The declaration is its own text: what was filed comes back to the character. */
function errorLine({ row, cells: [text = ''], findings }: ErrorRow): string {
  const errors = JSON.stringify(findings.map(written))
  const filed = findings.some(isUnread) ? `"text":${JSON.stringify(text)}` : `"declaration":${text}`
  return `{"row":${row},${filed},"errors":${errors}}`
}

/** That a line was not read as JSON, or may not be by everybody who reads this. */
function isUnread({ code }: FileFinding): boolean {
  return code.startsWith('RECORD_')
}

function written(finding: FileFinding) {
  const { code, message, fix, legalBasis } = writeFileFinding(finding)
  const suggestion = finding.params?.suggestion
  return {
    pointer: finding.place.pointer ?? '',
    code,
    severity: severityOf(finding),
    message,
    fix,
    ...(legalBasis !== undefined && { legalBasis }),
    ...(suggestion !== undefined && { suggestion }),
  }
}
