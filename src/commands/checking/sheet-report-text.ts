/**
 * The check of a sheet for a person: recognised columns, findings in the file's order, as many as a
 * person reads, the rest counted by kind; then what would be filed, and what only the server knows.
 */
import { type FileFinding, severityOf } from '../../batch/findings/file-findings.ts'
import type { LocalResult, LocalUnit } from '../../batch/steps/local-check.ts'
import {
  type FileContent,
  type ReportedFinding,
  reportedFinding,
} from '../../batch/table/reported-finding.ts'
import type { Severity, Text } from '../../declaration/catalogue/entry.ts'
import { formatFen } from '../../declaration/money.ts'
import { findingsPerAnswerMax, unitsListedMax } from '../../limits.ts'
import { printableLine } from '../../platform/command/output.ts'
import { Output, type SheetReport, type SheetSums } from './sheet-report.ts'
import { type SheetTexts, sheetTexts } from './sheet-texts.ts'

type ContentFinding = { readonly finding: FileFinding; readonly content: FileContent }

/** The first findings in the file's order, in whatever order they come; it holds twice as many. */
class FirstFindings {
  readonly #max: number
  #held: ContentFinding[] = []
  total = 0

  constructor(max: number) {
    this.#max = max
  }

  add(one: ContentFinding): void {
    this.total += 1
    this.#held.push(one)
    if (this.#held.length >= 2 * this.#max) this.#held = this.take()
  }

  take(): ContentFinding[] {
    const rowOf = ({ finding }: ContentFinding) => finding.place.row ?? 0
    return this.#held.sort((one, other) => rowOf(one) - rowOf(other)).slice(0, this.#max)
  }
}

export class TextReport implements SheetReport {
  readonly #language: keyof Text
  readonly #texts: SheetTexts
  readonly #file: string
  readonly #kind: string
  readonly #output = new Output()
  readonly #errors = new FirstFindings(findingsPerAnswerMax)
  readonly #others = new FirstFindings(findingsPerAnswerMax)
  readonly #counts = new Map<string, number>()
  readonly #units: LocalUnit[] = []

  constructor(file: string, language: keyof Text, kind: string) {
    this.#file = file
    this.#language = language
    this.#texts = sheetTexts[language]
    this.#kind = kind
  }

  async finding(finding: FileFinding, content: FileContent): Promise<void> {
    const severity = severityOf(finding)
    const key = `${severity} ${finding.code}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    ;(severity === 'error' ? this.#errors : this.#others).add({ finding, content })
  }

  async unit(unit: LocalUnit): Promise<void> {
    if (this.#units.length < unitsListedMax && unit.parts > 0) this.#units.push(unit)
  }

  async end(result: LocalResult, sums: SheetSums): Promise<void> {
    for (const finding of result.findings) await this.#report({ finding, content: 'table' })
    for (const first of [this.#errors, this.#others]) await this.#reportFirst(first)
    await this.#reportCounts()
    await this.#reportSums(result, sums)
    await this.#output.flush()
  }

  async #reportFirst(first: FirstFindings): Promise<void> {
    const shown = first.take()
    for (const one of shown) await this.#report(one)
    const more = first.total - shown.length
    if (more > 0) await this.#line(`… ${this.#texts.more(more)}`)
  }

  #report({ finding, content }: ContentFinding): Promise<void> {
    const told = reportedFinding(finding, content)
    const { code, severity, message, fix, suggestion } = told
    const language = this.#language
    const meant = suggestion === undefined ? '' : ` → ${suggestion}`
    const space = language === 'en' ? ' ' : ''
    const head = [this.#texts[severity], this.#where(told), code].filter((one) => one !== '')
    return this.#line(`${head.join(' ')}: ${message[language]}${space}${fix[language]}${meant}`)
  }

  #where({ sheet, cell, row, pointer, column }: ReportedFinding): string {
    const at = cell ?? (row === undefined ? (column ?? '') : this.#texts.row(row))
    return [sheet, at, pointer].filter((one) => one !== undefined && one !== '').join(' ')
  }

  async #reportCounts(): Promise<void> {
    if (this.#errors.total + this.#others.total <= findingsPerAnswerMax) return
    const bySize = [...this.#counts].sort(([, one], [, other]) => other - one)
    for (const [key, count] of bySize) {
      const [severity, code] = key.split(' ') as [Severity, string]
      await this.#line(`  ${this.#texts[severity]} ${code}: ${count.toLocaleString('en')}`)
    }
  }

  async #reportSums(
    { unreadable, rowsRead, header, content }: LocalResult,
    sums: SheetSums,
  ): Promise<void> {
    const texts = this.#texts
    const { good, setAside } = sums
    await this.#line(texts.rows(this.#file, rowsRead, good, setAside))
    if (unreadable) await this.#line(texts.unreadable)
    else {
      for (const unit of this.#units) await this.#line(`  ${this.#unitText(unit)}`)
      const others = sums.declarations - this.#units.length
      if (others > 0) await this.#line(`  … ${texts.others(others)}`)
      const total = [formatFen(sums.employerFen), formatFen(sums.employeeFen)] as const
      await this.#line(texts.total(sums.declarations, sums.lines, ...total))
    }
    if (header?.columns.position !== undefined) await this.#line(texts.ofErrorsFile)
    await this.#line(texts.notKnown(content === 'table' ? this.#kind : 'declarations'))
  }

  #unitText({ employer, period, region, lines, setAside, total }: LocalUnit): string {
    const { employerFen = 0, employeeFen = 0 } = total ?? {}
    const sums = [formatFen(employerFen), formatFen(employeeFen)] as const
    return `${employer} ${period} ${region}${this.#texts.unit(lines, setAside, ...sums)}`
  }

  #line(text: string): Promise<void> {
    return this.#output.write(`${printableLine(text)}\n`)
  }
}
