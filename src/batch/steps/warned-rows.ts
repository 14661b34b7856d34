/**
 * The warnings of a file that is only checked, row by row. They are stored with the findings of the
 * file, up to the number shown. A unit is checked from its beginning again if a worker died in it, so
 * each warning is stored once.
 */
import type pg from 'pg'
import type { FileFinding } from '../findings/file-findings.ts'
import { fileFindingsMax } from '../findings/finding-list.ts'
import type { SealingKeys } from '../state/seal.ts'
import { columnName, type Header } from '../table/header.ts'
import { openFindings, saveFindings } from '../table/read-progress.ts'
import { columnOfPointer } from '../table/row-line.ts'

export class WarnedRows {
  readonly #keys: SealingKeys
  readonly #batch: string
  readonly #header: Header | undefined
  readonly #findings: FileFinding[]
  readonly #known: Set<string>
  #isSaved = true

  private constructor(
    keys: SealingKeys,
    batch: string,
    header: Header | undefined,
    findings: readonly FileFinding[],
  ) {
    this.#keys = keys
    this.#batch = batch
    this.#header = header
    this.#findings = [...findings]
    this.#known = new Set(findings.map(identityOf))
  }

  /** @param header of a table */
  static async open(
    pool: pg.Pool,
    keys: SealingKeys,
    batch: string,
    header: Header | undefined,
  ): Promise<WarnedRows> {
    const { rows } = await pool.query<{ findings: Buffer | null }>({
      name: 'find-batch-findings',
      text: 'select findings from batch.work where batch = $1',
      values: [batch],
    })
    const before = openFindings(keys, batch, rows[0]?.findings ?? null)
    return new WarnedRows(keys, batch, header, before)
  }

  add(finding: FileFinding): void {
    if (this.#findings.length >= fileFindingsMax) return
    const identity = identityOf(finding)
    if (this.#known.has(identity)) return
    this.#known.add(identity)
    this.#findings.push(withColumn(finding, this.#header))
    this.#isSaved = false
  }

  /** In the transaction that writes the results. */
  async write(client: pg.PoolClient): Promise<void> {
    if (this.#isSaved) return
    await saveFindings(client, this.#keys, this.#batch, this.#findings)
    this.#isSaved = true
  }
}

function identityOf({ code, place: { row, pointer } }: FileFinding): string {
  return `${code} ${row} ${pointer}`
}

/** Names the cell as a spreadsheet shows it, if the finding is about one. */
export function withColumn(finding: FileFinding, header: Header | undefined): FileFinding {
  const { place } = finding
  if (header === undefined || place.column !== undefined || place.row === undefined) return finding
  const column = columnOfPointer(header, place.pointer ?? '')
  if (column === undefined) return finding
  return { ...finding, place: { ...place, column: columnName(header.titles, column) } }
}
