/**
 * The check of a declaration by itself: all faults at once, of shape and of rules, also in the
 * well-formed parts of a malformed body. Whatever the body is, it answers with findings and never
 * throws. A faultless one costs the compiled header and one pass over its lines.
 *
 * What depends on a region's policy is checked by the policy room.
 */
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { FindingList, type Report } from './findings.ts'
import { formats } from './formats.ts'
import { maskIdNumber, normaliseIdNumber } from './identity.ts'
import { type LineParts, readLine } from './line.ts'
import { readYuan } from './money.ts'
import { readPlainLine } from './plain-line.ts'
import { type Declaration, declarationSchema, linesMax, type Person } from './schema.ts'
import { isObject, readShape, type Schema, type WellFormed } from './shape.ts'
import { checkSocialCreditCode } from './social-credit-code.ts'

export type CheckContext = {
  /** `YYYY-MM-DD` in Asia/Shanghai. */
  readonly today: string
  /** Errors kept, and other findings kept; all are counted. */
  readonly keptMax: number
  /** Lines looked at; above it the declaration is refused. */
  readonly linesMax?: number | undefined
}

export type CheckedDeclaration = {
  readonly findings: FindingList
  readonly header: WellFormed<Omit<Declaration, 'lines'>>
  /** As many as were looked at: their well-formed parts; undefined for a line of no known category. */
  readonly lines: readonly (LineParts | undefined)[]
  /** Of employees: the declared wage in fen by line; -1 for other lines. */
  readonly wagesFen: readonly number[]
}

const headerSchema = Type.Object(
  { ...declarationSchema.properties, lines: Type.Optional(Type.Unknown()) },
  { additionalProperties: false },
)
const header = Compile(headerSchema)
const fullSchema = Compile(declarationSchema)

/** Whether a body has the shape of a declaration. Its rules may still be broken. */
export function isDeclaration(body: unknown): body is Declaration {
  return fullSchema.Check(body)
}

/** Every fault of a body. Only those of severity `error` refuse it. */
export function checkDeclaration(body: unknown, context: CheckContext): CheckedDeclaration {
  const findings = new FindingList(context.keptMax)
  const report = findings.reportAt(-1)
  if (!isObject(body)) {
    report('', 'BODY_NOT_OBJECT')
    return { findings, header: {}, lines: [], wagesFen: [] }
  }
  const parts = readHeader(body, report)
  checkHeader(parts, context.today, report)
  const filed = body as Filed
  if (parts.kind !== undefined) checkAgainstKind(parts, filed, report)
  const lines = readLines(filed.lines, context, findings)
  return { findings, header: parts, ...lines }
}

/** A body that is an object, before its shape is known. */
type Filed = { readonly replaces?: unknown; readonly lines?: unknown }

type Header = CheckedDeclaration['header']

function readHeader(body: object, report: Report): Header {
  if (header.Check(body)) return body as Header
  // An employer's code has faults of its own, which tell more than the pattern does.
  const telling: Report = (field, code, params, suggestion) => {
    const { employer } = body as { employer?: unknown }
    const fault =
      field === '/employer' && code === 'FIELD_FORMAT'
        ? checkSocialCreditCode(employer as string)
        : undefined
    report(field, fault ?? code, fault === undefined ? params : undefined, suggestion)
  }
  return readShape(headerSchema as unknown as Schema, body, formats, telling) as Header
}

function checkHeader({ employer, period, replaces }: Header, today: string, report: Report): void {
  if (employer !== undefined) {
    const fault = checkSocialCreditCode(employer)
    if (fault !== undefined) report('/employer', fault)
  }
  if (period === undefined) return
  const current = today.slice(0, 7)
  if (period > current) report('/period', 'PERIOD_IN_FUTURE', { current })
  if (replaces !== undefined && !replaces.startsWith(period.slice(0, 4) + period.slice(5))) {
    report('/replaces', 'REPLACES_OTHER_PERIOD')
  }
}

/**
 * What a kind demands and forbids. Looks at the body as filed, as a malformed field is there all the
 * same and has its own finding.
 */
function checkAgainstKind({ kind }: Header, { replaces, lines }: Filed, report: Report): void {
  if (kind === 'regular') {
    if (replaces !== undefined) report('/replaces', 'REPLACES_NOT_ALLOWED')
  } else if (replaces === undefined) report('/replaces', 'REPLACES_MISSING')

  const count = Array.isArray(lines) ? lines.length : 0
  if (kind === 'cancellation') {
    if (count > 0) report('/lines', 'LINES_NOT_ALLOWED')
  } else if (lines === undefined || (Array.isArray(lines) && count === 0)) {
    report('/lines', 'LINES_MISSING')
  }
}

/** Only as many lines as are allowed are looked at, so that the work is bounded. */
function readLines(filed: unknown, context: CheckContext, findings: FindingList) {
  const max = context.linesMax ?? linesMax
  const today = numberOf(context.today)
  if (!Array.isArray(filed)) {
    if (filed !== undefined) wrongLines(filed, findings)
    return { lines: [], wagesFen: [] }
  }
  if (filed.length > max) findings.add(-1, '/lines', 'LINES_TOO_MANY', { max })
  const count = Math.min(filed.length, max)
  const lines = new Array<LineParts | undefined>(count)
  const wagesFen = new Array<number>(count)
  const keys = new Array<number>(count)
  for (let i = 0; i < count; i += 1) {
    const value: unknown = filed[i]
    let wageFen = -1
    let key = readPlainLine(value, today)
    if (key !== 0) wageFen = readYuan((value as { wage: unknown }).wage)
    if (wageFen >= 0) lines[i] = value as LineParts
    else {
      const read = readLine(value, today, findings.reportAt(i))
      key = read.personKey
      lines[i] = read.line
      const { line } = read
      if (line?.category === 'employee' && line.wage !== undefined) wageFen = readYuan(line.wage)
    }
    wagesFen[i] = wageFen
    keys[i] = key
  }
  if (hasRepeated(keys)) reportRepeated(keys, filed, findings)
  return { lines, wagesFen }
}

/** `YYYYMMDD` of a day; asked for the same one all day long. */
function numberOf(day: string): number {
  if (day !== lastDay) {
    lastDay = day
    lastDayNumber = Number(day.replaceAll('-', ''))
  }
  return lastDayNumber
}
let [lastDay, lastDayNumber] = ['', 0]

function wrongLines(filed: unknown, findings: FindingList): void {
  const schema: Schema = { type: 'array', items: {} }
  readShape(schema, filed, formats, (_, code, params) => findings.add(-1, '/lines', code, params))
}

/** Slots for keys, four for each line that a declaration may have; empty between two calls. */
const slots = new Float64Array(65_536)
const slotMask = slots.length - 1

/**
 * Whether a key is there twice: 8 ns each, where sorting takes 40. A few are compared in pairs. Keys
 * that crowd the same slots, which somebody could choose, are sorted: no input makes it slow.
 */
function hasRepeated(keys: readonly number[]): boolean {
  if (keys.length <= 16) return isRepeatedAmongFew(keys)
  if (keys.length > slots.length / 4) return isRepeatedSorted(keys)
  let stepsLeft = keys.length * 8
  let repeated = false
  const used: number[] = []
  for (let i = 0; i < keys.length && !repeated && stepsLeft > 0; i += 1) {
    const key = keys[i] as number
    if (key === 0) continue
    let slot = slotOf(key)
    while (slots[slot] !== 0 && slots[slot] !== key && stepsLeft > 0) {
      slot = (slot + 1) & slotMask
      stepsLeft -= 1
    }
    repeated = slots[slot] === key
    if (slots[slot] === 0) {
      slots[slot] = key
      used.push(slot)
    }
  }
  for (let i = 0; i < used.length; i += 1) slots[used[i] as number] = 0
  return repeated || (stepsLeft === 0 && isRepeatedSorted(keys))
}

function isRepeatedAmongFew(keys: readonly number[]): boolean {
  for (let i = 1; i < keys.length; i += 1) {
    const key = keys[i] as number
    for (let j = 0; j < i && key !== 0; j += 1) if (keys[j] === key) return true
  }
  return false
}

/** Mixes both halves of a key (multiplicative hashing, Knuth 6.4). */
function slotOf(key: number): number {
  const mixed = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 0x1_0000_0000) | 0, 0x85ebca6b)
  return (mixed >>> 15) & slotMask
}

function isRepeatedSorted(keys: readonly number[]): boolean {
  const sorted = Float64Array.from(keys).sort()
  for (let i = 1; i < sorted.length; i += 1) {
    if (sorted[i] === sorted[i - 1] && sorted[i] !== 0) return true
  }
  return false
}

function reportRepeated(keys: readonly number[], filed: unknown[], findings: FindingList): void {
  const firstLines = new Map<number, number>()
  for (const [i, key] of keys.entries()) {
    const first = firstLines.get(key)
    if (key === 0) continue
    if (first === undefined) firstLines.set(key, i)
    else {
      const { idNumber } = (filed[i] as { person: Person }).person
      const person = maskIdNumber(normaliseIdNumber(idNumber))
      const params = { line: i + 1, first: first + 1, person }
      findings.add(i, '/person', 'PERSON_DUPLICATE', params)
    }
  }
}
