/** The generator processes, from the side of the runner: prepared together, begun at one moment. */
import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Tally } from '../tally.ts'
import type { GeneratorSeen } from '../verdict.ts'
import type { Filers } from './filings.ts'
import type { FromGenerator, GeneratorOrder, ToGenerator } from './generator.ts'

export type GeneratorsOptions = Omit<GeneratorOrder, 'index' | 'of' | 'historyFile'> & {
  readonly count: number
  readonly folder: string
  /** A generator that is busier is counted as being at its limit. */
  readonly busyShareMax: number
}

type Told = Extract<FromGenerator, { told: unknown }>['told']

class GeneratorProcess {
  readonly name: string
  readonly #child: ChildProcess
  readonly #heard: ((message: FromGenerator) => void)[] = []
  sent = 0
  late = 0
  busySeconds = 0

  constructor(name: string, onTold: (told: Told) => void, busyShareMax: number) {
    this.name = name
    this.#child = fork(fileURLToPath(new URL('./generator.ts', import.meta.url)), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      detached: true, // Ctrl-C in the terminal is for the runner alone
    })
    this.#child.on('message', (message: FromGenerator) => {
      if ('told' in message) {
        for (const { counts } of message.told.seconds) {
          this.sent += counts.sent ?? 0
          this.late += counts.late ?? 0
        }
        if (message.told.busy > busyShareMax) this.busySeconds += 1
        onTold(message.told)
      }
      for (const heard of [...this.#heard]) heard(message)
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  tell(message: ToGenerator): void {
    if (this.#child.connected) this.#child.send(message)
  }

  /** The next message of this kind. */
  hear<T>(of: (message: FromGenerator) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const heard = (message: FromGenerator) => {
        const found = of(message)
        if (found === undefined) return
        this.#heard.splice(this.#heard.indexOf(heard), 1)
        resolve(found)
      }
      this.#heard.push(heard)
      this.#child.once('exit', (code) => reject(new Error(`${this.name} ended with ${code}`)))
    })
  }

  end(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve()
    this.#child.kill('SIGKILL')
    return gone
  }
}

/** Nobody files with two generators, where there are filers enough. */
function partOf(filers: Filers, part: number, of: number): Filers {
  if (!('tokens' in filers) || filers.tokens.length < of) return filers
  return { tokens: filers.tokens.filter((_, i) => i % of === part) }
}

export class Generators {
  readonly #options: GeneratorsOptions
  #processes: GeneratorProcess[] = []
  readonly tally = new Tally()

  constructor(options: GeneratorsOptions) {
    this.#options = options
  }

  /** Starts them and has each make its filings. */
  async prepare(): Promise<{ filings: number; employers: number }> {
    const { count, folder, busyShareMax, ...order } = this.#options
    const onTold = ({ seconds, failures }: Told) => {
      for (const added of seconds) this.tally.add(added)
      for (const [why, times] of failures) this.tally.fail(why, times)
    }
    this.#processes = Array.from(
      { length: count },
      (_, i) => new GeneratorProcess(`generator ${i + 1}`, onTold, busyShareMax),
    )
    const prepared = await Promise.all(
      this.#processes.map(async (one, i) => {
        await one.hear((message) => ('ready' in message ? true : undefined))
        const done = one.hear((message) => ('prepared' in message ? message.prepared : undefined))
        const historyFile = this.historyFiles[i] as string
        const filers = partOf(order.filers, i, count)
        one.tell({ order: { ...order, filers, index: i + 1, of: count, historyFile } })
        return done
      }),
    )
    const sum = (of: (one: { filings: number; employers: number }) => number) =>
      prepared.reduce((total, one) => total + of(one), 0)
    return { filings: sum(({ filings }) => filings), employers: sum(({ employers }) => employers) }
  }

  get historyFiles(): string[] {
    const { count, folder } = this.#options
    return Array.from({ length: count }, (_, i) => path.join(folder, `generator-${i + 1}.jsonl`))
  }

  get pids(): number[] {
    return this.#processes.map(({ pid }) => pid)
  }

  get seen(): GeneratorSeen[] {
    return this.#processes.map(({ name, sent, late, busySeconds }) => ({
      name,
      sent,
      late,
      busySeconds,
    }))
  }

  reach(addresses: readonly string[]): void {
    for (const one of this.#processes) one.tell({ addresses })
  }

  /** Resolves when the day is over, and all that was sent has its answer or never will. */
  async run(beginAt: number): Promise<void> {
    const over = this.#processes.map((one) =>
      one.hear((message) => ('over' in message ? true : undefined)),
    )
    for (const one of this.#processes) one.tell({ beginAt })
    await Promise.all(over)
  }

  /** How many accepted filings are not shown as posted within so long. */
  async confirm(withinMs: number): Promise<number> {
    const unconfirmed = this.#processes.map((one) =>
      one.hear((message) => ('unconfirmed' in message ? message.unconfirmed : undefined)),
    )
    for (const one of this.#processes) one.tell({ confirmWithinMs: withinMs })
    return (await Promise.all(unconfirmed)).reduce((sum, count) => sum + count, 0)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.end()))
  }
}
