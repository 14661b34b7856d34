/**
 * The lines of a unit in filing order: lines kept from the prior declaration, then its own. An amended
 * row that is a day of a platform worker who has other days on file is added to that worker's line.
 */
import type { Line, PlatformLine } from '../../declaration/schema.ts'
import type { JournalReader } from '../../journal/reading/reader.ts'
import { amendedDaysMax } from '../../limits.ts'
import { type AssembledLine, type FaultyRow, LineAssembler } from '../staging/line-assembler.ts'
import { headerOf, type PriorDeclaration, readPriorParts } from '../staging/prior-declaration.ts'
import type { RowSet } from '../staging/row-set.ts'
import type { StagedPiece } from '../staging/staged-rows.ts'
import type { RowHeader } from '../table/row-line.ts'

export type UnitLine = AssembledLine & {
  /** The line of the prior declaration; `rows` are those of added days. */
  readonly prior?: object
}

export type UnitLines = {
  readonly header: RowHeader
  readonly lines: readonly UnitLine[]
  /** Rows that can't become lines. */
  readonly faulty: readonly FaultyRow[]
}

export type UnitSource = {
  readonly prior: PriorDeclaration | undefined
  readonly journal: JournalReader
  /** Starts at the first piece each time. */
  readonly pieces: () => AsyncIterable<StagedPiece>
  /** Rows to leave out. */
  readonly rejected?: RowSet
}

export async function* readUnitLines({
  prior,
  journal,
  pieces,
  rejected,
}: UnitSource): AsyncGenerator<UnitLines> {
  let days: AmendedDays | undefined
  if (prior !== undefined) {
    for await (const declaration of readPriorParts(journal, prior)) {
      const header = headerOf(declaration)
      // An addition only adds persons: a worker who is on file already is reported as a repeated
      // person.
      if (prior.ofFamily)
        days ??= await AmendedDays.gather(assembleLines(pieces()), header, rejected)
      const lines: UnitLine[] = []
      for (const line of declaration.lines ?? [])
        lines.push(days?.addTo(line) ?? { rows: [], line, prior: line })
      yield { header, lines, faulty: [] }
    }
  }
  for await (const { header, lines, faulty } of assembleLines(pieces())) {
    const own = lines.filter(
      (entry) => !isRejected(entry, rejected) && days?.wereAdded(entry) !== true,
    )
    yield { header, lines: own, faulty }
  }
}

/** Lines with the header of their rows. Pieces are separated by header. */
export async function* assembleLines(
  pieces: AsyncIterable<StagedPiece>,
): AsyncGenerator<UnitLines> {
  const entries = new LineAssembler()
  let last: RowHeader | undefined
  for await (const piece of pieces) {
    const { header } = piece
    if (last !== undefined && !sameHeader(last, header))
      yield { header: last, lines: entries.end(), faulty: [] }
    last = header
    yield { header, ...entries.take(piece) }
  }
  if (last !== undefined) yield { header: last, lines: entries.end(), faulty: [] }
}

/** Compares headers of rows, or of a declaration in the form of rows. */
export function sameHeader(one: RowHeader, other: RowHeader): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

function isRejected({ rows }: AssembledLine, rejected: RowSet | undefined): boolean {
  return rejected?.has(rows[0] as number) === true
}

/** Days of platform workers in an amendment, by worker. */
class AmendedDays {
  readonly #days = new Map<string, AssembledLine>()
  readonly #added = new Set<string>()
  readonly #rows = new Set<number>()

  /** @param header of the prior declaration; rows with another header get a finding of their own */
  static async gather(
    unit: AsyncIterable<UnitLines>,
    header: RowHeader,
    rejected: RowSet | undefined,
  ): Promise<AmendedDays> {
    const days = new AmendedDays()
    for await (const { header: ofRows, lines } of unit) {
      if (sameHeader(ofRows, header)) days.#gather(lines, rejected)
    }
    return days
  }

  #gather(entries: readonly AssembledLine[], rejected: RowSet | undefined): void {
    for (const entry of entries) {
      const worker = workerOf(entry.line)
      if (worker === undefined || this.#rows.size + entry.rows.length > amendedDaysMax) continue
      for (const row of entry.rows) this.#rows.add(row)
      if (isRejected(entry, rejected)) continue
      const before = this.#days.get(worker)
      this.#days.set(worker, before === undefined ? entry : joined(before, entry))
    }
  }

  /** A prior line with the amended days of its worker. */
  addTo(line: Line): UnitLine {
    const worker = this.#days.size === 0 ? undefined : workerOf(line)
    const more = worker === undefined ? undefined : this.#days.get(worker)
    if (worker === undefined || more === undefined) return { rows: [], line, prior: line }
    this.#added.add(worker)
    return { ...joined({ rows: [], line }, more), prior: line }
  }

  /** Whether the days of this line were added to a prior line. */
  wereAdded({ rows, line }: AssembledLine): boolean {
    if (this.#added.size === 0 || !this.#rows.has(rows[0] as number)) return false
    const worker = workerOf(line)
    return worker !== undefined && this.#added.has(worker)
  }
}

/** Undefined for a line of another category. */
function workerOf(line: object): string | undefined {
  const { category, person } = line as Partial<PlatformLine>
  if (category !== 'platform' || person === undefined) return undefined
  return JSON.stringify([person.idType, person.idNumber, person.name])
}

function joined(one: AssembledLine, other: AssembledLine): AssembledLine {
  const [before, more] = [one.line, other.line] as [PlatformLine, PlatformLine]
  return {
    rows: [...one.rows, ...other.rows],
    line: { ...before, days: [...before.days, ...more.days] },
  }
}
