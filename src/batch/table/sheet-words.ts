/**
 * Writes findings about a table in the words of a table. The catalogue uses the API's names (`change`,
 * `none`); whoever fills in a sheet knows 变动情况 and 无, and gets those in either language, because that
 * is what to write in the cell.
 */
import type { Text } from '../../declaration/catalogue/entry.ts'
import type { FindingParams } from '../../declaration/findings.ts'
import {
  type FileFinding,
  type WrittenFileFinding,
  writeFileFinding,
} from '../findings/file-findings.ts'
import { columnNames, type Field } from './columns.ts'
import { choiceWords } from './values.ts'

export type SheetFinding = Pick<WrittenFileFinding, 'message' | 'fix'> & {
  readonly suggestion: string | undefined
}

export function writeInSheetWords(finding: FileFinding): SheetFinding {
  const { place, params } = finding
  const field = fieldOf(place.pointer)
  const own = params === undefined ? undefined : sheetParams(params, field)
  const { message, fix } = writeFileFinding({ ...finding, params: own })
  const suggestion = own?.suggestion
  return {
    message: inSheetWords(message),
    fix: inSheetWords(fix),
    suggestion: suggestion === undefined ? undefined : String(suggestion),
  }
}

function fieldOf(pointer = ''): string {
  return pointer.slice(pointer.lastIndexOf('/') + 1)
}

/** Takes the values of the finding's field: `none` is 无 of a change, 不参加 of medical. */
function sheetParams(params: FindingParams, field: string): FindingParams {
  const { allowed, suggestion, field: missing } = params
  const isTitle = typeof missing === 'string' && Object.hasOwn(columnNames, missing)
  return {
    ...params,
    ...(isTitle && { field: { 'zh-CN': columnNames[missing as Field][0], en: missing } }),
    ...(allowed !== undefined && { allowed: sheetValues(allowed, field) }),
    ...(suggestion !== undefined && { suggestion: sheetValues(suggestion, field) }),
  }
}

type Param = FindingParams[string]

function sheetValues(value: Param, field: string): Param {
  if (!Object.hasOwn(choiceWords, field)) return value
  const words: Readonly<Record<string, readonly string[]>> =
    choiceWords[field as keyof typeof choiceWords]
  const own = (text: string) =>
    text.replace(/[a-z]+(?:-[a-z]+)*/g, (value) => words[value]?.[0] ?? value)
  if (typeof value === 'object') return { 'zh-CN': own(value['zh-CN']), en: own(value.en) }
  return own(String(value))
}

/** `change 改为 none`, `set change to none`: the field decides what the value is called. */
const setChinese = /([a-zA-Z]+) 改为 ([a-z-]+)/g
const setEnglish = /\b([Ss]et )([a-zA-Z]+)( to )([a-z-]+)/g
const apiWord = /(?<![\w-])[a-zA-Z]+(?![\w-])/g

function inSheetWords({ 'zh-CN': chinese, en }: Text): Text {
  return {
    'zh-CN': chinese
      .replace(setChinese, (_, field: string, value: string) => {
        return `“${titleOf(field)}”改为“${sheetValues(value, field)}”`
      })
      .replace(apiWord, titleOf),
    en: en.replace(setEnglish, (_, set: string, field: string, to: string, value: string) => {
      return `${set}${titleOf(field)}${to}${sheetValues(value, field)}`
    }),
  }
}

/** The template's title; any other word stays as it is. */
function titleOf(word: string): string {
  return Object.hasOwn(columnNames, word) ? columnNames[word as Field][0] : word
}
