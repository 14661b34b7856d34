/**
 * Texts that rows of a workbook repeat, by number: what a cell has in common with the one above it is
 * written once, behind the sheets. Where every row is wrong in the same way, that halves the file and
 * more. What is remembered is bounded, whatever the rows are.
 */
import { writtenTextCharactersMax, writtenTextsMax } from '../limits.ts'

export class RepeatedTexts {
  readonly #numbers = new Map<string, number>()
  #above: readonly string[] = []

  /** In the order of their numbers. */
  get texts(): Iterable<string> {
    return this.#numbers.keys()
  }

  /** Of each cell of the next row; undefined where it is to be written in its place. */
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
