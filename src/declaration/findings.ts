/**
 * Findings: what to tell the filer, each about one field. While a declaration is checked they are
 * kept as small records; texts are written out only for those that are shown, so that the answer to
 * the worst body is bounded and 100,000 of them fit into little memory.
 */
import { catalogue, type FindingCode } from './catalogue/catalogue.ts'
import type { CatalogueEntry, Severity, Text } from './catalogue/entry.ts'

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

/** What the placeholders of a message stand for; identity numbers only with their middle masked. */
export type FindingParams = Readonly<Record<string, string | number | Text>>

/** Reports a finding about a field of the declaration, or of one line. */
export type Report = (
  /** JSON Pointer within the declaration or the line. */
  field: string,
  code: FindingCode,
  params?: FindingParams,
  suggestion?: string,
) => void

/** A finding before it is written out. */
export type FoundFault = {
  /** -1: of the declaration as a whole. */
  readonly line: number
  readonly field: string
  readonly code: FindingCode
  readonly params: FindingParams | undefined
  readonly suggestion: string | undefined
}

/** How many findings of a code there are. */
export type FindingCount = { readonly code: FindingCode; readonly count: number }

/** All findings of one declaration: errors first, then the rest, each in the order of its lines. */
export class FindingList {
  readonly #errors: FoundFault[] = []
  readonly #others: FoundFault[] = []
  #counts: Map<FindingCode, number> | undefined
  readonly #keptMax: number
  /** All there are, also those that were not kept. */
  total = 0
  /** Of these, the ones that refuse. */
  errors = 0

  /** @param keptMax errors kept, and others kept; beyond it they are counted only */
  constructor(keptMax: number) {
    this.#keptMax = keptMax
  }

  /** @param line counted from 0; -1 for the declaration as a whole */
  add(
    line: number,
    field: string,
    code: FindingCode,
    params?: FindingParams,
    suggestion?: string,
  ): void {
    const refuses = catalogue[code].severity === 'error'
    this.total += 1
    if (refuses) this.errors += 1
    this.#counts ??= new Map()
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
    const kept = refuses ? this.#errors : this.#others
    if (kept.length < this.#keptMax) kept.push({ line, field, code, params, suggestion })
  }

  /** For what checks one line, or the declaration as a whole (-1). */
  reportAt(line: number): Report {
    return (field, code, params, suggestion) => this.add(line, field, code, params, suggestion)
  }

  /** What refuses, as many as were kept, as it was found. */
  faults(): readonly FoundFault[] {
    return this.#errors
  }

  /** What refuses nothing, in the same way. */
  warnings(): readonly FoundFault[] {
    return this.#others
  }

  /** Written out one by one, as many as were kept. */
  *written(): Generator<Finding> {
    for (const kept of [this.#errors, this.#others]) {
      kept.sort((one, other) => one.line - other.line)
      for (const { line, field, code, params, suggestion } of kept) {
        yield finding(line < 0 ? field : `/lines/${line}${field}`, code, params, suggestion)
      }
    }
  }

  first(count: number): Finding[] {
    const shown: Finding[] = []
    if (this.total === 0) return shown
    for (const one of this.written()) {
      if (shown.length === count) break
      shown.push(one)
    }
    return shown
  }

  /** By code, in the order of the catalogue. */
  counts(): FindingCount[] {
    const counted = this.#counts
    if (counted === undefined) return []
    return codes.flatMap((code) => {
      const count = counted.get(code)
      return count === undefined ? [] : [{ code, count }]
    })
  }
}

const codes = Object.keys(catalogue) as FindingCode[]

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

export function fillIn(text: Text, params: FindingParams): Text {
  return { 'zh-CN': fillInOne(text, params, 'zh-CN'), en: fillInOne(text, params, 'en') }
}

function fillInOne(text: Text, params: FindingParams, language: keyof Text): string {
  return text[language].replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = params[name]
    if (value === undefined) return placeholder
    return typeof value === 'object' ? value[language] : String(value)
  })
}
