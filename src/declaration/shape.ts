/**
 * The faults of shape of a value that its schema refuses: a walk over the schema itself, as
 * TypeBox's own `Errors` stops after 8 and names neither missing nor unknown fields one by one. A
 * test holds the two together: the walk finds a fault exactly where the compiled check refuses.
 *
 * What is well-formed is handed on, so that its rules are checked in the same answer.
 */
import type { Text } from './catalogue/entry.ts'
import { findCharacter, isPlaceholder } from './characters.ts'
import type { Report } from './findings.ts'
import { showableName } from './json-limits.ts'
import { suggestOneOf, suggestText } from './suggest.ts'

/** The well-formed parts of a `T`: what is missing or malformed is undefined. */
export type WellFormed<T> = T extends readonly (infer Item)[]
  ? readonly (WellFormed<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: WellFormed<T[Key]> | undefined }
    : T

/** As much of JSON Schema as the schemas here use; objects are closed. */
export type Schema = {
  readonly type?: string
  readonly const?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

/** Describes the expected format of a field with a pattern. */
export type Formats = Readonly<Record<string, Text>>

/** A field's value and where it is. */
type Place = { readonly value: unknown; readonly pointer: string; readonly field: string }

type Walk = { readonly formats: Formats; readonly report: Report }

const expected: Readonly<Record<string, Text>> = {
  object: { 'zh-CN': '一个对象 {…}', en: 'an object {…}' },
  array: { 'zh-CN': '一个数组 […]', en: 'an array […]' },
  string: { 'zh-CN': '加引号的文本', en: 'text in quotes' },
  integer: { 'zh-CN': '不加引号的整数', en: 'a whole number without quotes' },
  boolean: { 'zh-CN': 'true 或 false', en: 'true or false' },
}

const anyFormat: Text = { 'zh-CN': '接口文档所列的格式', en: 'of the documented form' }

const patterns = new Map<string, RegExp>()

/** Reports every fault of shape in `value` and returns its well-formed parts. Never throws. */
export function readShape(
  schema: Schema,
  value: unknown,
  formats: Formats,
  report: Report,
): unknown {
  return read(schema, { value, pointer: '', field: '' }, { formats, report })
}

function read(schema: Schema, place: Place, walk: Walk): unknown {
  const { value } = place
  if (schema.const !== undefined) return readChoice([schema.const], place, walk)
  if (schema.enum !== undefined) return readChoice(schema.enum, place, walk)
  switch (schema.type) {
    case 'object':
      return isObject(value) ? readObject(schema, place, walk) : wrongType(schema, place, walk)
    case 'array':
      return Array.isArray(value)
        ? readArray(schema, value, place, walk)
        : wrongType(schema, place, walk)
    case 'string':
      return typeof value === 'string'
        ? readText(schema, value, place, walk)
        : wrongType(schema, place, walk)
    case 'integer':
      return Number.isInteger(value)
        ? readInteger(schema, value as number, place, walk)
        : wrongType(schema, place, walk)
    case 'boolean':
      return typeof value === 'boolean' ? value : wrongType(schema, place, walk)
    case undefined:
      return value // anything; whoever asked looks at it
    default:
      throw new Error(`the schema has a type that is not read: ${schema.type}`)
  }
}

function readObject(schema: Schema, { value, pointer }: Place, walk: Walk): object {
  const { properties = {}, required = [] } = schema
  const filed = value as Readonly<Record<string, unknown>>
  const parts: Record<string, unknown> = {}
  for (const field of Object.keys(properties)) {
    const at = `${pointer}/${field}`
    if (filed[field] !== undefined) {
      const place = { value: filed[field], pointer: at, field }
      parts[field] = read(properties[field] as Schema, place, walk)
    } else if (required.includes(field)) walk.report(at, 'FIELD_MISSING', { field })
  }
  for (const name of Object.getOwnPropertyNames(filed)) {
    if (Object.hasOwn(properties, name)) continue
    const at = showableName.test(name) ? `${pointer}/${name}` : pointer
    walk.report(at, 'FIELD_UNKNOWN', undefined, suggestOneOf(name, Object.keys(properties)))
  }
  return parts
}

/** Only as many items as are allowed are looked at, so that the work is bounded. */
function readArray(schema: Schema, items: unknown[], { pointer, field }: Place, walk: Walk) {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
  if (items.length < minItems) walk.report(pointer, 'LIST_TOO_SHORT', { min: minItems })
  if (items.length > maxItems) walk.report(pointer, 'LIST_TOO_LONG', { max: maxItems })
  const item = schema.items as Schema
  return items
    .slice(0, maxItems)
    .map((value, i) => read(item, { value, pointer: `${pointer}/${i}`, field }, walk))
}

function readText(schema: Schema, text: string, place: Place, walk: Walk): string | undefined {
  const { pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  const { pointer } = place
  if (pattern !== undefined && !compiled(pattern).test(text))
    wrongFormat(pattern, text, place, walk)
  else if (text.length < minLength) walk.report(pointer, 'TEXT_EMPTY')
  else if (isLonger(text, maxLength)) walk.report(pointer, 'TEXT_TOO_LONG', { max: maxLength })
  else return text
  return undefined
}

function wrongFormat(pattern: string, text: string, { pointer, field }: Place, walk: Walk) {
  const suggestion = suggestText(field, text, compiled(pattern))
  const found = findCharacter(text)
  if (text === '') walk.report(pointer, 'TEXT_EMPTY')
  else if (found !== undefined) {
    const { position, character } = found
    walk.report(pointer, 'TEXT_CHARACTERS', { position, character }, suggestion)
  } else if (isPlaceholder(text)) walk.report(pointer, 'TEXT_PLACEHOLDER')
  else {
    const format = walk.formats[field] ?? anyFormat
    walk.report(pointer, 'FIELD_FORMAT', { format }, suggestion)
  }
}

function readInteger(schema: Schema, value: number, { pointer }: Place, walk: Walk) {
  const { minimum: min = -Infinity, maximum: max = Infinity } = schema
  if (value >= min && value <= max) return value
  walk.report(pointer, 'NUMBER_OUT_OF_RANGE', { min, max })
  return undefined
}

function readChoice(allowed: readonly string[], { value, pointer }: Place, { report }: Walk) {
  if (allowed.includes(value as string)) return value
  const params = { allowed: { 'zh-CN': allowed.join('、'), en: allowed.join(', ') } }
  report(pointer, 'VALUE_NOT_ALLOWED', params, suggestOneOf(value, allowed))
  return undefined
}

function wrongType({ type, pattern }: Schema, { value, pointer, field }: Place, walk: Walk) {
  const params = { expected: expected[type as string] as Text }
  const suggestion = pattern && suggestText(field, value, compiled(pattern))
  walk.report(pointer, 'FIELD_TYPE', params, suggestion)
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

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
