/**
 * Windows of outages on this machine's disk, while the database can't take them: an outage often ends with a
 * restart, and what only the process knew would be missing from the evidence for moving a deadline. Who tried is
 * not kept here: each filer holds its ticket.
 *
 *   database away ──each try to write──▶ kept, all that is not written
 *   database back ──▶ written, dropped
 *   the process dies ──its next start, or that of another here──▶ taken: written as ended, dropped
 *
 * A process that dies between writing and dropping has them written twice, as the same rows. One that is alive while
 * another takes its file writes its windows again, as they are by then.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { OutageWindow } from '../journal/outages.ts'

export class KeptOutages {
  readonly #folder: string
  readonly #process: string
  readonly #onError: (error: unknown) => void
  #kept = false

  /** @param url of the database that they belong to: a rehearsal's are not the live one's */
  constructor(
    { dataDir, url, process }: { dataDir: string; url: string; process: string },
    onError: (error: unknown) => void,
  ) {
    const withoutLogin = url.replace(/\/\/[^/]*@/, '//')
    const of = createHash('sha256').update(withoutLogin).digest('hex').slice(0, 16)
    this.#folder = path.join(dataDir, 'outages', of)
    this.#process = process
    this.#onError = onError
  }

  keep(windows: readonly OutageWindow[]): void {
    if (windows.length === 0) return
    this.#attempt(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o711 })
      const draft = `${this.#file(this.#process)}.draft`
      writeFileSync(draft, JSON.stringify(windows), { mode: 0o600 })
      renameSync(draft, this.#file(this.#process))
      this.#kept = true
    })
  }

  drop(): void {
    if (!this.#kept) return
    this.#attempt(() => rmSync(this.#file(this.#process), { force: true }))
    this.#kept = false
  }

  /** Hands over what processes left here, each once it is written; what can't be read or written stays. */
  async take(
    save: (process: string, windows: readonly OutageWindow[]) => Promise<void>,
  ): Promise<void> {
    for (const process of this.#left()) {
      try {
        const windows = this.#read(process)
        await save(
          process,
          windows.map((window) => ({ ...window, ended: true })),
        )
        rmSync(this.#file(process), { force: true })
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  #left(): string[] {
    try {
      const names = readdirSync(this.#folder).filter((name) => name.endsWith('.json'))
      return names
        .map((name) => name.slice(0, -'.json'.length))
        .filter((of) => of !== this.#process)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#onError(error)
      return []
    }
  }

  #read(process: string): OutageWindow[] {
    return JSON.parse(readFileSync(this.#file(process), 'utf8')) as OutageWindow[]
  }

  #file(process: string): string {
    return path.join(this.#folder, `${process}.json`)
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#onError(error)
    }
  }
}
