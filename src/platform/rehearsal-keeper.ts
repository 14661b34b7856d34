/**
 * Opens the rehearsal's side of a process while there is a rehearsal's database, and shuts it when that
 * is removed or made anew, so that rehearsals come and go while what counts goes on. Whatever becomes of
 * it is told, and ends nothing else; nor is it ever waited for.
 *
 *   shut ──the mark is there──▶ open ──another mark, or none──▶ shut
 *   open ──it is stuck──▶ shut, until the next look
 *   shut ──it can't be opened, or something else is there──▶ shut: told once, and tried again at each look
 *   open ──the database does not answer──▶ open: its connections come again
 *   any ──it does not end within its time──▶ given up for good, as it may hold what the next one needs
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { rehearsalLingerMsMax, rehearsalLookEveryMs, rehearsalShutMsMax } from '../limits.ts'
import { ConfigError } from './config.ts'
import type { Logger } from './logger.ts'
import { applicationRole } from './postgres.ts'
import {
  assertForRehearsals,
  type Purpose,
  type Rehearsal,
  readPurpose,
  type Side,
} from './rehearsal.ts'

type Stoppable = { stop(): Promise<void> }

export type RehearsalKeeperOptions<T extends Stoppable> = {
  readonly rehearsal: Rehearsal
  readonly logger: Logger
  readonly open: (side: Side, onStuck: (reason: string) => void) => Promise<T>
}

export class RehearsalKeeper<T extends Stoppable> {
  readonly #options: RehearsalKeeperOptions<T>
  readonly #stopping = new AbortController()
  #side: T | undefined
  #mark: string | undefined
  #told: string | undefined
  #stuck: string | undefined
  #givenUp = false
  #running: Promise<void> = Promise.resolve()

  constructor(options: RehearsalKeeperOptions<T>) {
    this.#options = options
  }

  /** The side while it is open. */
  get side(): T | undefined {
    return this.#side
  }

  /** Looks at once, and then every few seconds. */
  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#shut()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#follow(await this.#look())
      await pause(rehearsalLookEveryMs, undefined, { signal }).catch(() => {})
    }
  }

  /** Undefined where it can't be asked. */
  async #look(): Promise<Purpose | undefined> {
    const client = new pg.Client({
      connectionString: this.#options.rehearsal.url,
      application_name: 'spillway-rehearsal',
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
      options: `-c role=${applicationRole}`,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return await readPurpose(client)
    } catch (error) {
      this.#tell('the database of rehearsals can not be asked', error)
      return undefined
    } finally {
      await client.end().catch(() => {})
    }
  }

  async #follow(purpose: Purpose | undefined): Promise<void> {
    if (purpose === undefined && this.#stuck === undefined) return
    const mark = purpose?.kind === 'rehearsal' ? purpose.mark : undefined
    if (mark !== this.#mark || this.#stuck !== undefined) await this.#shut()
    if (purpose === undefined || this.#side !== undefined) return
    if (!this.#givenUp && !this.#stopping.signal.aborted) await this.#open(purpose)
  }

  async #open(purpose: Purpose): Promise<void> {
    const { rehearsal, open } = this.#options
    const onStuck = (reason: string) => {
      this.#stuck = reason
    }
    try {
      assertForRehearsals(purpose)
      if (purpose.kind !== 'rehearsal') {
        this.#tell('there is no rehearsal: npm run rehearsal -- create makes one')
        return
      }
      const { mark } = purpose
      this.#side = await open({ ...rehearsal, mark }, onStuck)
      this.#mark = mark
      this.#tell('the rehearsal is open')
    } catch (error) {
      this.#tell('the rehearsal can not be opened', error)
    }
  }

  async #shut(): Promise<void> {
    const side = this.#side
    const reason = this.#stuck
    this.#side = undefined
    this.#mark = undefined
    this.#stuck = undefined
    if (side === undefined) return
    const over = new AbortController()
    const ended = side.stop().then(
      () => true,
      (err) => {
        this.#options.logger.warn({ err }, 'the rehearsal did not end as it should')
        return true
      },
    )
    const late = pause(rehearsalShutMsMax, false, { signal: over.signal }).catch(() => false)
    const isOver = await Promise.race([ended, late])
    over.abort()
    this.#tell(reason ?? 'the rehearsal is shut')
    if (isOver) return
    this.#givenUp = true
    this.#options.logger.error('the rehearsal does not end; this process rehearses no more')
  }

  /** The same is told once in a row. */
  #tell(what: string, error?: unknown): void {
    if (what === this.#told) return
    this.#told = what
    const why = error instanceof ConfigError ? error.message : undefined
    if (error === undefined) this.#options.logger.info(what)
    else this.#options.logger.warn({ err: error, why }, what)
  }
}

/** Ends both at once: what counts has its time, and its rehearsal as long and a moment more. */
export async function stopBoth(live: Stoppable, rehearsal: Stoppable | undefined): Promise<void> {
  const besides = rehearsal?.stop()
  await live.stop()
  await Promise.race([besides, pause(rehearsalLingerMsMax)])
}
