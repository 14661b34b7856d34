/**
 * `npm run check-file` for a table (CSV, TSV, XLSX) or NDJSON: checks it as the engine checks an
 * upload. It reports every finding with its row, what would be filed, and what only the server knows.
 * As text it shows as many findings as a person reads and counts the rest; as JSON or CSV it shows all.
 */
import { createReadStream, statSync } from 'node:fs'
import { requestedKinds } from '../../batch/state/requested-kind.ts'
import { fileFormats } from '../../batch/state/upload.ts'
import { checkLocally } from '../../batch/steps/local-check.ts'
import type { Text } from '../../declaration/catalogue/entry.ts'
import { periodPattern } from '../../declaration/period.ts'
import type { FileSource } from '../../formats/rows.ts'
import { Bar } from '../../platform/command/bar.ts'
import { UsageError } from '../../platform/command/failure.ts'
import type { Policies } from '../../policy/rules.ts'
import { pick, unreadableText } from '../uploading/upload-texts.ts'
import { type SheetReport, SheetSums } from './sheet-report.ts'
import { CsvReport, JsonReport } from './sheet-report-lines.ts'
import { TextReport } from './sheet-report-text.ts'

export type SheetOptions = {
  readonly file: string
  readonly language: keyof Text
  readonly format: 'text' | 'json' | 'csv'
  /** As given with an upload. */
  readonly request: {
    readonly employer: string | undefined
    readonly region: string | undefined
    readonly period: string | undefined
    readonly kind: string
    readonly format: string | undefined
  }
}

/** @returns whether all of it would be filed, as far as is known without a server */
export async function checkSheet(options: SheetOptions, policies: Policies): Promise<boolean> {
  const { file, format, language } = options
  const source = sourceOf(options)
  const report = reportOf(options)
  const sums = new SheetSums()
  const bar = new Bar()
  const progress = new Progress(format === 'text' && process.stdout.isTTY ? bar : undefined)
  const result = await checkLocally(source, requestOf(options), {
    ...{ policies, nowMicros: Date.now() * 1_000 },
    report: (finding, of) => report.finding(finding, of),
    reportUnit: (unit) => {
      sums.add(unit)
      return report.unit(unit)
    },
    onRows: (rows) => progress.add(rows),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall === undefined) throw error
    throw new UsageError(
      pick(
        language,
        `读取 ${file} 或写入临时目录 TMPDIR 时失败（${error.code}）。`,
        `Can't read ${file}, or write to TMPDIR (${error.code}).`,
      ),
    )
  })
  bar.end()
  await report.end(result, sums)
  return !result.unreadable && sums.setAside === 0 && sums.good > 0
}

function reportOf({ file, language, format, request }: SheetOptions): SheetReport {
  if (format === 'json') return new JsonReport()
  return format === 'csv' ? new CsvReport() : new TextReport(file, language, request.kind)
}

export function sourceOf({ file, language }: SheetOptions): FileSource {
  try {
    const { size } = statSync(file)
    return { bytes: size, read: (start) => createReadStream(file, { start }) }
  } catch (error) {
    throw new UsageError(unreadableText(file, error, language))
  }
}

/** @throws UsageError for values that intake would refuse, too */
function requestOf({ request }: SheetOptions) {
  const { employer, region, period } = request
  const kind = requestedKinds.find((one) => one === request.kind)
  const format = fileFormats.find((one) => one === request.format)
  if (kind === undefined) throw new UsageError(`--kind: ${requestedKinds.join(', ')}`)
  if (format === undefined && request.format !== undefined)
    throw new UsageError(`--format: ${fileFormats.join(', ')}`)
  if (period !== undefined && !new RegExp(periodPattern).test(period))
    throw new UsageError('--period: YYYY-MM')
  return { employer, region, period, kind, format }
}

/** Rows read and checked, for somebody who waits at a terminal. */
class Progress {
  readonly #bar: Bar | undefined
  #read = 0
  #checked = 0

  constructor(bar: Bar | undefined) {
    this.#bar = bar
  }

  add({ read, checked }: { readonly read: number; readonly checked: number }): void {
    this.#read += read
    this.#checked += checked
    if (this.#bar === undefined || this.#read === 0) return
    const count = (rows: number) => rows.toLocaleString('en')
    this.#bar.show(
      this.#checked / this.#read,
      'rows',
      `${count(this.#checked)}/${count(this.#read)}`,
    )
  }
}
