/**
 * Findings about a table, in the words of a table. The catalogue speaks of fields and values as the API
 * names them (`change`, `none`); who fills in a sheet knows 变动情况 and 无, and is told those in either
 * language, as they are what is to be written in the cell.
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
  const own = params === undefined ? undefined : ownParams(params, field)
  const { message, fix } = writeFileFinding({ ...finding, params: own })
  const suggestion = own?.suggestion
  return {
    message: inOwnWords(message),
    fix: inOwnWords(fix),
    suggestion: suggestion === undefined ? undefined : String(suggestion),
  }
}

function fieldOf(pointer = ''): string {
  return pointer.slice(pointer.lastIndexOf('/') + 1)
}

/** Values that a field can have are those of that field: `none` is 无 of a change, 不参加 of medical. */
function ownParams(params: FindingParams, field: string): FindingParams {
  const { allowed, suggestion, field: missing } = params
  const isTitle = typeof missing === 'string' && Object.hasOwn(columnNames, missing)
  return {
    ...params,
    ...(isTitle && { field: { 'zh-CN': columnNames[missing as Field][0], en: missing } }),
    ...(allowed !== undefined && { allowed: ownValues(allowed, field) }),
    ...(suggestion !== undefined && { suggestion: ownValues(suggestion, field) }),
  }
}

type Param = FindingParams[string]

function ownValues(value: Param, field: string): Param {
  if (!Object.hasOwn(choiceWords, field)) return value
  const words: Readonly<Record<string, readonly string[]>> =
    choiceWords[field as keyof typeof choiceWords]
  const own = (text: string) =>
    text.replace(/[a-z]+(?:-[a-z]+)*/g, (value) => words[value]?.[0] ?? value)
  if (typeof value === 'object') return { 'zh-CN': own(value['zh-CN']), en: own(value.en) }
  return own(String(value))
}

/** `change 改为 none`, `set change to none`: the field tells what the value is. */
const setChinese = /([a-zA-Z]+) 改为 ([a-z-]+)/g
const setEnglish = /\b([Ss]et )([a-zA-Z]+)( to )([a-z-]+)/g
const apiWord = /(?<![\w-])[a-zA-Z]+(?![\w-])/g

function inOwnWords({ 'zh-CN': chinese, en }: Text): Text {
  return {
    'zh-CN': chinese
      .replace(setChinese, (_, field: string, value: string) => {
        return `“${titleOf(field)}”改为“${ownValues(value, field)}”`
      })
      .replace(apiWord, titleOf),
    en: en.replace(setEnglish, (_, set: string, field: string, to: string, value: string) => {
      return `${set}${titleOf(field)}${to}${ownValues(value, field)}`
    }),
  }
}

/** As templates have it; any other word stays as it is. */
function titleOf(word: string): string {
  return Object.hasOwn(columnNames, word) ? columnNames[word as Field][0] : word
}
