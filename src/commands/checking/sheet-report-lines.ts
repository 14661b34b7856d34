/**
 * The check of a sheet for programs and spreadsheets, with every finding: as JSON, one object on each
 * line (`finding`, `declaration`, and finally `summary`), or as CSV, one row for each finding.
 */
import type { FileFinding } from '../../batch/findings/file-findings.ts'
import type { LocalResult, LocalUnit } from '../../batch/steps/local-check.ts'
import {
  type FileContent,
  type ReportedFinding,
  reportedFinding,
} from '../../batch/table/reported-finding.ts'
import { csvLine } from '../../declaration/csv.ts'
import { formatFen } from '../../declaration/money.ts'
import { Output, type SheetReport, type SheetSums } from './sheet-report.ts'

export class JsonReport implements SheetReport {
  readonly #output = new Output()

  finding(finding: FileFinding, content: FileContent): Promise<void> {
    return this.#write({ finding: reportedFinding(finding, content) })
  }

  unit({ employer, period, region, entry, ...unit }: LocalUnit): Promise<void> {
    const { good, setAside, lines, total } = unit
    return this.#write({
      declaration: {
        ...{ employer, period, region, ...(entry > 0 && { row: entry }) },
        ...{ rows: { good, setAside }, lines },
        ...(total && { total: yuan(total) }),
      },
    })
  }

  async end({ findings, unreadable, rowsRead }: LocalResult, sums: SheetSums): Promise<void> {
    for (const finding of findings) await this.finding(finding, 'table')
    const { good, setAside, declarations, lines } = sums
    await this.#write({
      summary: {
        ...{ unreadable, rows: { read: rowsRead, good, setAside } },
        ...{ declarations, lines, total: yuan(sums) },
      },
    })
    await this.#output.flush()
  }

  #write(value: unknown): Promise<void> {
    return this.#output.write(`${JSON.stringify(value)}\n`)
  }
}

function yuan({ employerFen, employeeFen }: { employerFen: number; employeeFen: number }) {
  return { employer: formatFen(employerFen), employee: formatFen(employeeFen) }
}

const columns = [
  ...['row', 'place', 'code', 'severity', 'message_zh', 'fix_zh', 'message_en', 'fix_en'],
  'suggestion',
]

export class CsvReport implements SheetReport {
  readonly #output = new Output()
  #begun = false

  finding(finding: FileFinding, content: FileContent): Promise<void> {
    return this.#write(reportedFinding(finding, content))
  }

  async unit(): Promise<void> {}

  async end({ findings }: LocalResult): Promise<void> {
    for (const finding of findings) await this.finding(finding, 'table')
    await this.#output.flush()
  }

  #write(told: ReportedFinding): Promise<void> {
    const { row, cell, column, pointer, code, severity, message, fix, suggestion } = told
    const fields = [
      ...[String(row ?? ''), cell ?? column ?? pointer ?? '', code, severity],
      ...[message['zh-CN'], fix['zh-CN'], message.en, fix.en, suggestion ?? ''],
    ]
    // Without a byte-order mark, spreadsheets misread Chinese.
    const head = this.#begun ? '' : `\ufeff${csvLine(columns)}`
    this.#begun = true
    return this.#output.write(`${head}${csvLine(fields)}`)
  }
}
