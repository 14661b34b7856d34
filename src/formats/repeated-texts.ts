/**
 * Numbers texts that rows of a workbook repeat: a text that a cell shares with the one above it is
 * written once, behind the sheets. If every row has the same fault, that halves the file or better. The
 * memory for texts is bounded, whatever the rows are.
 */
import { writtenTextCharactersMax, writtenTextsMax } from '../limits.ts'

export class RepeatedTexts {
  readonly #numbers = new Map<string, number>()
  #above: readonly string[] = []

  /** In the order of their numbers. */
  get texts(): Iterable<string> {
    return this.#numbers.keys()
  }

  /** The number of each cell of the next row; undefined if the text is written in the cell. */
  numbersOf(cells: readonly string[]): (number | undefined)[] {
    const above = this.#above
    this.#above = cells
    return cells.map((text, column) => {
      const number = this.#numbers.get(text)
      return number === undefined && text === above[column] ? this.#remember(text) : number
    })
  }

  #remember(text: string): number | undefined {
    const number = this.#numbers.size
    if (number === writtenTextsMax || text.length > writtenTextCharactersMax) return undefined
    this.#numbers.set(text, number)
    return number
  }
}
