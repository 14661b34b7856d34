/**
 * Keeps child processes running: restarts one that ends, with a back-off, and stops all in reverse
 * order of their start.
 *
 *   starting ──{ ready: true }──▶ running ──ends──▶ waiting ──back-off──▶ starting
 *   starting ──ends, with 1, or eight times, before it was ever ready──▶ failed
 *   any state ──stop──▶ stopping ──ends──▶ stopped
 */
import { type ChildProcess, fork } from 'node:child_process'
import { stopMsMax } from '../../limits.ts'
import type { Logger } from './logger.ts'

export type Child = {
  /** What the child said when it was first ready; rejects when it can't get there. */
  readonly ready: Promise<Record<string, unknown>>
  /** The process that runs now; undefined between two. */
  pid(): number | undefined
  restarts(): number
}

export type ChildOptions = {
  readonly name: string
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  /** Of Node. */
  readonly execArgv?: readonly string[]
}

export type Supervisor = {
  run(options: ChildOptions): Child
  /** Ends all children, SIGTERM first; may be called twice. */
  stop(): Promise<void>
}

const backOffMsMin = 100
const backOffMsMax = 5_000
/** A child that lived this long starts again with the shortest back-off. */
const steadyMs = 30_000
/** A process that Postgres or Redis did not answer ends with 75, and has some ten seconds to find them. */
const failedStartsMax = 8

export function createSupervisor({ log }: { readonly log: Logger }): Supervisor {
  const children: SupervisedChild[] = []
  let stopped: Promise<void> | undefined
  return {
    run: (options) => {
      const child = new SupervisedChild(options, log)
      children.push(child)
      return child
    },
    stop: () => {
      stopped ??= stopInReverse(children)
      return stopped
    },
  }
}

async function stopInReverse(children: readonly SupervisedChild[]): Promise<void> {
  for (const child of [...children].reverse()) await child.stop()
}

class SupervisedChild implements Child {
  readonly ready: Promise<Record<string, unknown>>
  readonly #options: ChildOptions
  readonly #log: Logger
  #resolveReady: (message: Record<string, unknown>) => void = () => {}
  #rejectReady: (error: Error) => void = () => {}
  #process: ChildProcess | undefined
  #everReady = false
  #stopping = false
  #failedStarts = 0
  #restarts = 0
  #backOffMs = backOffMsMin
  #timer: NodeJS.Timeout | undefined

  constructor(options: ChildOptions, log: Logger) {
    this.#options = options
    this.#log = log
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    this.#start()
  }

  pid(): number | undefined {
    return this.#process?.pid
  }

  restarts(): number {
    return this.#restarts
  }

  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    const running = this.#process
    if (running === undefined) return
    const gone = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGTERM')
    const killing = setTimeout(() => running.kill('SIGKILL'), stopMsMax + 2_000)
    await gone
    clearTimeout(killing)
  }

  #start(): void {
    const { file, env, execArgv = [] } = this.#options
    const startedAt = performance.now()
    // A process group of its own: Ctrl-C in a terminal reaches the supervisor alone.
    const child = fork(file, { env, detached: true, execArgv: [...execArgv] })
    this.#process = child
    child.on('message', (message: Record<string, unknown>) => {
      if (message.ready !== true) return
      this.#everReady = true
      this.#resolveReady(message)
    })
    child.once('error', (err) => this.#log.error({ err }, 'a child could not be started'))
    child.once('exit', (code, signal) => {
      this.#process = undefined
      this.#ended(code, signal, performance.now() - startedAt)
    })
  }

  #ended(code: number | null, signal: NodeJS.Signals | null, livedMs: number): void {
    if (this.#stopping) return
    const { name } = this.#options
    this.#failedStarts = this.#everReady ? 0 : this.#failedStarts + 1
    if (this.#failedStarts >= failedStartsMax || (code === 1 && !this.#everReady)) {
      this.#rejectReady(new ChildFailedError(`The ${name} process can't start (see above).`))
      return
    }
    this.#backOffMs = livedMs > steadyMs ? backOffMsMin : this.#backOffMs
    this.#log.warn(
      { child: name, code, signal, againInMs: this.#backOffMs },
      'a child ended; starting it again',
    )
    this.#timer = setTimeout(() => this.#start(), this.#backOffMs)
    this.#restarts += 1
    this.#backOffMs = Math.min(this.#backOffMs * 2, backOffMsMax)
  }
}

export class ChildFailedError extends Error {
  override name = 'ChildFailedError'
}
