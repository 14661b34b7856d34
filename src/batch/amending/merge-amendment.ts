/**
 * The lines of a unit, in the order in which they are filed: those that are kept of what was filed
 * before, then its own. A mended row that is a day of a platform's worker who was filed with other days
 * is added to that worker's line.
 */
import type { Line, PlatformLine } from '../../declaration/schema.ts'
import type { JournalReader } from '../../journal/reading/reader.ts'
import { amendedDaysMax } from '../../limits.ts'
import { Entries, type FaultyRow, type LineEntry } from '../staging/line-assembler.ts'
import { headerOf, type Kept, readKept } from '../staging/prior-declaration.ts'
import type { RowSet } from '../staging/row-set.ts'
import type { Piece } from '../staging/staged-rows.ts'
import type { RowHeader } from '../table/row-line.ts'

export type UnitEntry = LineEntry & {
  /** The line as it was filed before; its rows are those of days that are added. */
  readonly kept?: object
}

export type UnitLines = {
  readonly header: RowHeader
  readonly lines: readonly UnitEntry[]
  /** Rows that are no line. */
  readonly faulty: readonly FaultyRow[]
}

export type UnitSource = {
  readonly kept: Kept | undefined
  readonly journal: JournalReader
  /** From the first piece, each time. */
  readonly pieces: () => AsyncIterable<Piece>
  /** Rows that are left out. */
  readonly aside?: RowSet
}

export async function* readUnit({
  kept,
  journal,
  pieces,
  aside,
}: UnitSource): AsyncGenerator<UnitLines> {
  let days: MendedDays | undefined
  if (kept !== undefined) {
    for await (const declaration of readKept(journal, kept)) {
      const header = headerOf(declaration)
      // To what stands persons are added; a worker who is there is a person on both sides.
      if (kept.ofFamily) days ??= await MendedDays.gather(entriesOf(pieces()), header, aside)
      const lines: UnitEntry[] = []
      for (const line of declaration.lines ?? [])
        lines.push(days?.addTo(line) ?? { rows: [], line, kept: line })
      yield { header, lines, faulty: [] }
    }
  }
  for await (const { header, lines, faulty } of entriesOf(pieces())) {
    const own = lines.filter((entry) => !isAside(entry, aside) && days?.wereAdded(entry) !== true)
    yield { header, lines: own, faulty }
  }
}

/** Lines with the header of their rows, which are in pieces by it. */
export async function* entriesOf(pieces: AsyncIterable<Piece>): AsyncGenerator<UnitLines> {
  const entries = new Entries()
  let last: RowHeader | undefined
  for await (const piece of pieces) {
    const { header } = piece
    if (last !== undefined && !isSame(last, header))
      yield { header: last, lines: entries.end(), faulty: [] }
    last = header
    yield { header, ...entries.take(piece) }
  }
  if (last !== undefined) yield { header: last, lines: entries.end(), faulty: [] }
}

/** Of rows, and of a declaration as rows would have it. */
export function isSame(one: RowHeader, other: RowHeader): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

function isAside({ rows }: LineEntry, aside: RowSet | undefined): boolean {
  return aside?.has(rows[0] as number) === true
}

/** Days of platforms' workers in a mended file, by worker. */
class MendedDays {
  readonly #days = new Map<string, LineEntry>()
  readonly #added = new Set<string>()
  readonly #rows = new Set<number>()

  /** @param header of what they are added to: rows with another one have a finding of their own */
  static async gather(
    unit: AsyncIterable<UnitLines>,
    header: RowHeader,
    aside: RowSet | undefined,
  ): Promise<MendedDays> {
    const days = new MendedDays()
    for await (const { header: ofRows, lines } of unit) {
      if (isSame(ofRows, header)) days.#gather(lines, aside)
    }
    return days
  }

  #gather(entries: readonly LineEntry[], aside: RowSet | undefined): void {
    for (const entry of entries) {
      const worker = workerOf(entry.line)
      if (worker === undefined || this.#rows.size + entry.rows.length > amendedDaysMax) continue
      for (const row of entry.rows) this.#rows.add(row)
      if (isAside(entry, aside)) continue
      const before = this.#days.get(worker)
      this.#days.set(worker, before === undefined ? entry : joined(before, entry))
    }
  }

  /** A kept line with the days that are mended of its worker. */
  addTo(line: Line): UnitEntry {
    const worker = this.#days.size === 0 ? undefined : workerOf(line)
    const more = worker === undefined ? undefined : this.#days.get(worker)
    if (worker === undefined || more === undefined) return { rows: [], line, kept: line }
    this.#added.add(worker)
    return { ...joined({ rows: [], line }, more), kept: line }
  }

  /** Whether an entry's days were added to a kept line. */
  wereAdded({ rows, line }: LineEntry): boolean {
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

function joined(one: LineEntry, other: LineEntry): LineEntry {
  const [before, more] = [one.line, other.line] as [PlatformLine, PlatformLine]
  return {
    rows: [...one.rows, ...other.rows],
    line: { ...before, days: [...before.days, ...more.days] },
  }
}
