/**
 * All findings of a declaration as CSV (RFC 4180), one row each, in both languages; with a byte-order
 * mark, without which spreadsheets read Chinese as something else.
 */
import type { FindingList } from './findings.ts'

const columns = [
  'pointer',
  'line',
  'code',
  'severity',
  'message_zh',
  'fix_zh',
  'message_en',
  'fix_en',
  'suggestion',
  'legal_basis',
]

/** In pieces, so that a hundred thousand findings are never one text. */
export function* csvOf(findings: FindingList): Generator<string> {
  yield `\ufeff${columns.join(',')}\r\n`
  for (const {
    pointer,
    code,
    severity,
    message,
    fix,
    suggestion,
    legalBasis,
  } of findings.written()) {
    const line = /^\/lines\/([0-9]+)/.exec(pointer)?.[1]
    const fields = [
      pointer,
      line === undefined ? '' : String(Number(line) + 1),
      code,
      severity,
      message['zh-CN'],
      fix['zh-CN'],
      message.en,
      fix.en,
      suggestion ?? '',
      legalBasis ?? '',
    ]
    yield csvLine(fields)
  }
}

export function csvLine(fields: readonly string[]): string {
  return `${fields.map(quoted).join(',')}\r\n`
}

/** A field that begins like a formula gets an apostrophe: spreadsheets must not run it. */
function quoted(field: string): string {
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(field) ? `'${field}` : field
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
