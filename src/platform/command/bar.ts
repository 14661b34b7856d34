/** How far something is: on a terminal a bar that is drawn again; elsewhere a line for each tenth. */
import { overwrite, say, write } from './output.ts'

const barCharacters = 30
const drawEveryMs = 200

export class Bar {
  #drawnMs = 0
  #told = ''
  #open = false

  /**
   * @param share of all, from 0 to 1
   * @param of what the bar is of: elsewhere than on a terminal, another one begins anew
   */
  show(share: number, of: string, text: string): void {
    if (!process.stdout.isTTY) {
      const told = `${of} ${Math.floor(10 * share)}`
      if (told !== this.#told && !told.endsWith(' 0')) say(text)
      this.#told = told
      return
    }
    const nowMs = performance.now()
    if (share < 1 && nowMs - this.#drawnMs < drawEveryMs) return
    this.#drawnMs = nowMs
    this.#open = true
    const done = Math.round(barCharacters * share)
    const bar = '#'.repeat(done) + ' '.repeat(barCharacters - done)
    overwrite(`[${bar}] ${text}`)
  }

  /** What is written next begins a line. */
  end(): void {
    if (this.#open) write('\n')
    this.#open = false
  }
}
