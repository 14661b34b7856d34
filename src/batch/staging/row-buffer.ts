/**
 * Buffers rows of a file by unit and header until they are staged in pieces.
 */
import { periodPattern } from '../../declaration/period.ts'
import { regionPattern } from '../../declaration/schema.ts'
import { checkSocialCreditCode } from '../../declaration/social-credit-code.ts'
import { bufferedCharactersMax, bufferedRowsMax } from '../../limits.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import type { FileRow } from '../table/file-batch.ts'
import type { RowHeader } from '../table/row-line.ts'
import type { StagedPiece, StagedRow, UnitKey } from './staged-rows.ts'

const periodFormat = new RegExp(periodPattern)
const regionFormat = new RegExp(regionPattern)

/**
 * The key is stored in clear, so it takes nothing but valid codes: a file with mixed-up columns may
 * have a person's number in one of them.
 */
export function unitKeyOf(
  { employer = '', period = '', region = '' }: RowHeader,
  entry: number,
): UnitKey {
  return {
    employer: checkSocialCreditCode(employer) === undefined ? employer : '',
    period: periodFormat.test(period) ? period : '',
    region: regionFormat.test(region) ? region : '',
    entry,
  }
}

type BufferedUnit = UnitKey & {
  readonly header: RowHeader
  readonly rows: StagedRow[]
}

export class RowBuffer {
  rows = 0
  pieces: number
  #characters = 0
  readonly #units = new Map<string, BufferedUnit>()
  #last: { readonly header: RowHeader; readonly unit: BufferedUnit } | undefined

  readonly #byRegion: boolean

  constructor({ pieces, byRegion }: Pick<LeasedBatch, 'pieces' | 'byRegion'>) {
    this.pieces = pieces
    this.#byRegion = byRegion
  }

  get isFull(): boolean {
    return this.rows >= bufferedRowsMax || this.#characters >= bufferedCharactersMax
  }

  add({ row, header, entry = 0, cells, line, findings }: FileRow): void {
    const isSameUnit = entry === 0 && this.#last?.header === header
    const unit = isSameUnit && this.#last ? this.#last.unit : this.#unitOf(header, entry)
    this.#last = { header, unit }
    unit.rows.push(line === undefined ? [row, null, findings] : [row, line])
    this.rows += 1
    for (const cell of cells) this.#characters += cell.length
  }

  #unitOf(header: RowHeader, entry: number): BufferedUnit {
    const key = `${entry} ${JSON.stringify(header)}`
    const { region, ...unit } = unitKeyOf(header, entry)
    const buffered = this.#units.get(key) ?? {
      ...unit,
      region: this.#byRegion ? region : '',
      header,
      rows: [],
    }
    this.#units.set(key, buffered)
    return buffered
  }

  take(): { rows: number; pieces: StagedPiece[] } {
    const rows = this.rows
    const pieces = [...this.#units.values()].map((unit) => {
      this.pieces += 1
      return { ...unit, number: this.pieces }
    })
    this.rows = 0
    this.#characters = 0
    this.#units.clear()
    this.#last = undefined
    return { rows, pieces }
  }
}
