/**
 * The faults of shape of a body that the compiled schema refuses: a walk over the schema itself, as
 * TypeBox's own `Errors` stops after 8 and names neither missing nor unknown fields one by one. A
 * test holds the two together: the walk finds a fault exactly where the compiled check refuses.
 *
 * What is well-formed is handed on, so that its rules are checked in the same answer.
 */
import type { Text } from './catalogue.ts'
import type { Report } from './findings.ts'
import { type Declaration, declarationSchema } from './schema.ts'
import { checkSocialCreditCode } from './social-credit-code.ts'
import { suggestOneOf, suggestText } from './suggest.ts'

/** The well-formed parts of a `T`: what is missing or malformed is undefined. */
export type WellFormed<T> = T extends readonly (infer Item)[]
  ? readonly (WellFormed<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: WellFormed<T[Key]> | undefined }
    : T

/** As much of JSON Schema as `declarationSchema` uses; objects are closed. */
type Schema = {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly maxItems?: number
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

/** A field's value and where it is. */
type Place = { readonly value: unknown; readonly pointer: string; readonly field: string }

const expected: Readonly<Record<string, Text>> = {
  object: { 'zh-CN': '一个对象 {…}', en: 'an object {…}' },
  array: { 'zh-CN': '一个数组 […]', en: 'an array […]' },
  string: { 'zh-CN': '加引号的文本', en: 'text in quotes' },
  integer: { 'zh-CN': '不加引号的整数', en: 'a whole number without quotes' },
}

/** What a text must be like, by field; the schema says it in a pattern. */
const formats: Readonly<Record<string, Text>> = {
  region: {
    'zh-CN': ' 6 位数字的行政区划代码，如 340100',
    en: 'a code of 6 digits such as 340100',
  },
  period: { 'zh-CN': '“年-月”，如 2024-11', en: 'a year and a month such as 2024-11' },
  replaces: {
    'zh-CN': '原申报回执上的编号（6 位费款所属期、连字符和 26 位小写字母数字）',
    en: 'the id from a receipt: 6 digits, a hyphen, 26 lower-case letters and digits',
  },
  wage: {
    'zh-CN': '以元为单位的金额，如 "6500.00"，小于 10 亿元，最多两位小数',
    en: 'an amount in yuan such as "6500.00", below 1,000,000,000, with at most two decimals',
  },
}

/** A name that can be shown in a pointer: no number, no escapes, short. */
const showableName = /^[\p{L}_-]{1,40}$/u

const patterns = new Map<string, RegExp>()

/** Reports every fault of shape in `body` and returns its well-formed parts. Never throws. */
export function readWellFormed(body: unknown, report: Report): WellFormed<Declaration> {
  if (!isObject(body)) {
    report('', 'BODY_NOT_OBJECT')
    return {}
  }
  return readObject(declarationSchema as Schema, { value: body, pointer: '', field: '' }, report)
}

function read(schema: Schema, place: Place, report: Report): unknown {
  if (schema.enum !== undefined) return readChoice(schema.enum, place, report)
  switch (schema.type) {
    case 'object':
      return isObject(place.value)
        ? readObject(schema, place, report)
        : wrongType(schema, place, report)
    case 'array':
      return Array.isArray(place.value)
        ? readArray(schema, place.value, place, report)
        : wrongType(schema, place, report)
    case 'string':
      return typeof place.value === 'string'
        ? readText(schema, place.value, place, report)
        : wrongType(schema, place, report)
    case 'integer':
      return Number.isInteger(place.value)
        ? readInteger(schema, place.value as number, place, report)
        : wrongType(schema, place, report)
    default:
      throw new Error(`the schema has a type that is not read: ${schema.type}`)
  }
}

function readObject(schema: Schema, { value, pointer }: Place, report: Report): object {
  const { properties = {}, required = [] } = schema
  const filed = value as Readonly<Record<string, unknown>>
  const parts: Record<string, unknown> = {}
  for (const field of Object.keys(properties)) {
    const at = `${pointer}/${field}`
    if (filed[field] !== undefined) {
      const place = { value: filed[field], pointer: at, field }
      parts[field] = read(properties[field] as Schema, place, report)
    } else if (required.includes(field)) report(at, 'FIELD_MISSING', { field })
  }
  for (const name of Object.getOwnPropertyNames(filed)) {
    if (Object.hasOwn(properties, name)) continue
    const at = showableName.test(name) ? `${pointer}/${name}` : pointer
    report(at, 'FIELD_UNKNOWN', undefined, suggestOneOf(name, Object.keys(properties)))
  }
  return parts
}

/** Only as many items as are allowed are looked at, so that the work is bounded. */
function readArray(schema: Schema, items: unknown[], { pointer, field }: Place, report: Report) {
  const max = schema.maxItems ?? 0
  if (items.length > max) report(pointer, 'LINES_TOO_MANY', { max })
  const item = schema.items as Schema
  return items
    .slice(0, max)
    .map((value, i) => read(item, { value, pointer: `${pointer}/${i}`, field }, report))
}

function readText(schema: Schema, text: string, place: Place, report: Report): string | undefined {
  const { pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  const { pointer } = place
  if (pattern !== undefined && !compiled(pattern).test(text))
    wrongFormat(pattern, text, place, report)
  else if (text.length < minLength) report(pointer, 'TEXT_EMPTY')
  else if (isLonger(text, maxLength)) report(pointer, 'TEXT_TOO_LONG', { max: maxLength })
  else return text
  return undefined
}

function wrongFormat(pattern: string, text: string, { pointer, field }: Place, report: Report) {
  const suggestion = suggestText(field, text, compiled(pattern))
  const codeFault = field === 'employer' ? checkSocialCreditCode(text) : undefined
  if (text === '') report(pointer, 'TEXT_EMPTY')
  else if (codeFault !== undefined) report(pointer, codeFault, undefined, suggestion)
  else report(pointer, 'FIELD_FORMAT', { format: formats[field] as Text }, suggestion)
}

function readInteger(schema: Schema, value: number, { pointer }: Place, report: Report) {
  const { minimum: min = -Infinity, maximum: max = Infinity } = schema
  if (value >= min && value <= max) return value
  report(pointer, 'NUMBER_OUT_OF_RANGE', { min, max })
  return undefined
}

function readChoice(allowed: readonly string[], { value, pointer }: Place, report: Report) {
  if (allowed.includes(value as string)) return value
  const params = { allowed: { 'zh-CN': allowed.join('、'), en: allowed.join(', ') } }
  report(pointer, 'VALUE_NOT_ALLOWED', params, suggestOneOf(value, allowed))
  return undefined
}

function wrongType({ type, pattern }: Schema, { value, pointer, field }: Place, report: Report) {
  const params = { expected: expected[type as string] as Text }
  const suggestion = pattern && suggestText(field, value, compiled(pattern))
  report(pointer, 'FIELD_TYPE', params, suggestion)
  return undefined
}

function compiled(pattern: string): RegExp {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  const made = new RegExp(pattern)
  patterns.set(pattern, made)
  return made
}

/** Length in code points, as JSON Schema counts; counted only when that can matter. */
function isLonger(text: string, max: number): boolean {
  if (text.length <= max) return false
  return text.length > max * 2 || [...text].length > max
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
