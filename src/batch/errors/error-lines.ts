/**
 * The errors file of NDJSON: one line for each rejected declaration, with the declaration as filed, its
 * line number and all of its findings, in the form of a refused request. The declarations alone, once
 * fixed, are a file to send.
 */

import { type FileFinding, severityOf, writeFileFinding } from '../findings/file-findings.ts'
import type { ErrorRow } from './error-rows.ts'

/** Characters buffered before they are passed on. */
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

/** The declaration is inserted as text, so that it comes back to the character. */
function errorLine({ row, cells: [text = ''], findings }: ErrorRow): string {
  const errors = JSON.stringify(findings.map(written))
  const filed = findings.some(isUnread) ? `"text":${JSON.stringify(text)}` : `"declaration":${text}`
  return `{"row":${row},${filed},"errors":${errors}}`
}

/** The line is not JSON, or some readers of JSON would refuse it. */
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
