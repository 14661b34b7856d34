/**
 * Assembles the rows of a unit into lines. Each row is a line, except for platform workers: consecutive
 * rows of a worker are days of one line.
 */
import type { PlatformLine } from '../../declaration/schema.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { StagedPiece, StagedRow } from './staged-rows.ts'

export type AssembledLine = {
  /** Rows of the file. */
  readonly rows: readonly number[]
  readonly line: object
}

/** A row that can't become a line. */
export type FaultyRow = { readonly row: number; readonly findings: readonly FileFinding[] }

/** Takes a unit's pieces one after another. It holds the last line back until the next piece. */
export class LineAssembler {
  #open: { rows: number[]; line: object } | undefined

  /** The lines that this piece completes, and its faulty rows. */
  take({ rows }: Pick<StagedPiece, 'rows'>): { lines: AssembledLine[]; faulty: FaultyRow[] } {
    const lines: AssembledLine[] = []
    const faulty: FaultyRow[] = []
    for (const row of rows) {
      if (row[1] === null) faulty.push({ row: row[0], findings: row[2] })
      else this.#takeLine(row, lines)
    }
    return { lines, faulty }
  }

  /** The last line, if there is one. */
  end(): AssembledLine[] {
    const last = this.#open === undefined ? [] : [this.#open]
    this.#open = undefined
    return last
  }

  #takeLine(
    [row, line]: Extract<StagedRow, readonly [number, object]>,
    lines: AssembledLine[],
  ): void {
    const open = this.#open
    if (open !== undefined && isSameWorker(open.line, line)) {
      open.rows.push(row)
      const [before, more] = [open.line, line] as [PlatformLine, PlatformLine]
      open.line = { ...before, days: [...before.days, ...more.days] }
      return
    }
    if (open !== undefined) lines.push(open)
    this.#open = { rows: [row], line }
  }
}

function isSameWorker(before: object, line: object): boolean {
  const [one, other] = [before, line] as [Partial<PlatformLine>, Partial<PlatformLine>]
  if (one.category !== 'platform' || other.category !== 'platform') return false
  return JSON.stringify(one.person) === JSON.stringify(other.person)
}
