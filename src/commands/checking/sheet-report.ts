/**
 * The interface of reports on a sheet; they are written in pieces, as findings come.
 */
import type { FileFinding } from '../../batch/findings/file-findings.ts'
import type { LocalResult, LocalUnit } from '../../batch/steps/local-check.ts'
import type { FileContent } from '../../batch/table/reported-finding.ts'
import { write } from '../../platform/command/output.ts'

export type SheetReport = {
  /** A finding of a row. */
  finding(finding: FileFinding, content: FileContent): Promise<void>
  unit(unit: LocalUnit): Promise<void>
  /** Called last, with the findings of the file as a whole. */
  end(result: LocalResult, sums: SheetSums): Promise<void>
}

/** Sums over all units. */
export class SheetSums {
  good = 0
  setAside = 0
  declarations = 0
  lines = 0
  employerFen = 0
  employeeFen = 0

  add({ good, setAside, lines, parts, total }: LocalUnit): void {
    this.good += good
    this.setAside += setAside
    this.lines += lines
    if (parts > 0) this.declarations += 1
    this.employerFen += total?.employerFen ?? 0
    this.employeeFen += total?.employeeFen ?? 0
  }
}

const pieceCharacters = 64 * 1024

/** Buffered output; writers wait for a slower reader. */
export class Output {
  #text = ''

  async write(text: string): Promise<void> {
    this.#text += text
    if (this.#text.length >= pieceCharacters) await this.flush()
  }

  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    const { stdout } = process
    if (write(text) || stdout.destroyed) return
    await new Promise<void>((resolve) => {
      const events = ['drain', 'error', 'close'] as const
      const done = () => {
        for (const event of events) stdout.off(event, done)
        resolve()
      }
      for (const event of events) stdout.on(event, done)
    })
  }
}
