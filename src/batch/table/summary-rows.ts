/**
 * Recognises rows of a table that are not lines: totals and signatures below them, and a repeated
 * header. Only a row without an identity number can be one of the first two, so nobody is left out by
 * mistake.
 */

import type { Row } from '../../formats/rows.ts'
import { fieldOfTitle, isHeader } from './columns.ts'
import { type Header, readHeader } from './header.ts'

export type RowKind = 'line' | 'totals' | 'sums' | 'note' | 'sameHeader' | 'otherHeader'

/** It must match the full cell, because a person may be called Total. */
const totals = /^\s*(?:[合总小共]\s*计|(?:grand |sub)?total|sum)\s*(?:[:：(（].*)?$/i
const note =
  /^\s*(填表|制表|填报|审核|复核|经办|单位负责人|负责人|单位盖章|备注|说明|注\s*[:：]|联系|日期|note|prepared|signed)/i
/** Labels of a row for signatures, one after another: `制表 | 审核 | 日期`. */
const signature =
  /^\s*(?:[填制]\s*[表单]|填报|[审复]\s*核|审批|经\s*办|(?:单位)?负责人|主管|领导|财务|单位盖章|签[字名章]|日\s*期|prepared|checked|approved|signed|date)/i
const amount = /^\s*[¥￥]?[0-9][0-9,]*(\.[0-9]+)?\s*[元人]?\s*$/

/** A shorter number may be a count of persons below that column. */
const identityDigitsMin = 15

/** `sums` are totals if only such rows follow. */
export function classifyRow(row: Row, header: Header): RowKind {
  const { idNumber = -1, name = -1 } = header.columns
  const number = row.cells[idNumber] ?? ''
  const first = number.charCodeAt(0)
  // Nearly every row: an identity number, which begins with a digit.
  if (first >= 48 && first <= 57 && number.length >= identityDigitsMin) return 'line'
  if (fieldOfTitle(number) !== undefined || fieldOfTitle(row.cells[name] ?? '') !== undefined) {
    if (isHeader(row.cells)) return isSameHeader(row, header) ? 'sameHeader' : 'otherHeader'
  }
  const filled = row.cells.filter((cell) => cell.trim() !== '')
  if (filled.some((cell) => totals.test(cell))) return 'totals'
  if (isSignature(filled, number)) return 'note'
  if (number.trim() !== '') return 'line'
  if (filled.every(isAmount)) return 'sums'
  return note.test(filled[0] ?? '') ? 'note' : 'line'
}

/** Not if the row has a number: somebody may have such a name. */
function isSignature(filled: readonly string[], number: string): boolean {
  return signature.test(filled[0] ?? '') && (signature.test(number) || !/[0-9０-９]/.test(number))
}

/** The length limit keeps a long run of spaces from slowing the pattern. */
function isAmount(cell: string): boolean {
  return cell.length <= 40 && amount.test(cell)
}

function isSameHeader(row: Row, { columns }: Header): boolean {
  const again = readHeader(row, {}).header.columns
  const entries = Object.entries(again)
  return (
    entries.length === Object.keys(columns).length &&
    entries.every(([field, column]) => columns[field as keyof typeof columns] === column)
  )
}
