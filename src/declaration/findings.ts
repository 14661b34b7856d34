/**
 * Findings: what to tell the filer, each about one field. A collection keeps at most so many of them
 * and counts the rest, so that the answer to the worst body is bounded.
 */
import {
  type CatalogueEntry,
  catalogue,
  type FindingCode,
  type Severity,
  type Text,
} from './catalogue.ts'

export type Finding = {
  /** JSON Pointer (RFC 6901) of the field; a missing field's is where it should be. */
  readonly pointer: string
  readonly code: FindingCode
  readonly severity: Severity
  readonly message: Text
  readonly fix: Text
  readonly legalBasis?: string
  /** A value that would pass; never an identity number or a name. */
  readonly suggestion?: string
}

/** What the placeholders of a message stand for; never anything filed about a person. */
export type FindingParams = Readonly<Record<string, string | number | Text>>

export type Report = (
  pointer: string,
  code: FindingCode,
  params?: FindingParams,
  suggestion?: string,
) => void

export type Findings = {
  /** Errors first, then the rest, each in the order of the declaration. */
  readonly findings: Finding[]
  /** All there are, also those that were not kept. */
  readonly total: number
  /** Of these, the ones that refuse. */
  readonly errors: number
}

export function finding(
  pointer: string,
  code: FindingCode,
  params: FindingParams = {},
  suggestion?: string,
): Finding {
  const { severity, message, fix, legalBasis }: CatalogueEntry = catalogue[code]
  return {
    pointer,
    code,
    severity,
    message: fillIn(message, params),
    fix: fillIn(fix, params),
    ...(legalBasis === undefined ? {} : { legalBasis }),
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

/**
 * Collects findings.
 * @param limit keep at most this many. Errors have precedence: however many warnings come first,
 * where there is an error and the limit is not 0, one is kept.
 */
export function collectFindings(limit: number): { report: Report; result: () => Findings } {
  const errors: Finding[] = []
  const others: Finding[] = []
  let total = 0
  let errorsTotal = 0
  const report: Report = (pointer, code, params, suggestion) => {
    const refuses = catalogue[code].severity === 'error'
    total += 1
    if (refuses) errorsTotal += 1
    const kept = refuses ? errors : others
    if (kept.length < limit) kept.push(finding(pointer, code, params, suggestion))
  }
  const result = () => ({
    findings: [...errors, ...others].slice(0, limit),
    total,
    errors: errorsTotal,
  })
  return { report, result }
}

function fillIn(text: Text, params: FindingParams): Text {
  return { 'zh-CN': fillInOne(text, params, 'zh-CN'), en: fillInOne(text, params, 'en') }
}

function fillInOne(text: Text, params: FindingParams, language: keyof Text): string {
  return text[language].replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = params[name]
    if (value === undefined) return placeholder
    return typeof value === 'object' ? value[language] : String(value)
  })
}
