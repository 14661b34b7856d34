/**
 * The day: generators begin at one moment, everything is looked at each second, and files, faults and
 * scaling come at their times. It is over when all is answered and posted, or the time for it is.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Display } from './display.ts'
import type { Generators } from './load/generators.ts'
import type { Observed, Observer } from './observer.ts'
import type { DayEvent } from './record.ts'
import { drainSeconds } from './samples.ts'
import type { Shape } from './shape.ts'

/** Something that is done at a moment of the day; what it returns goes into the event. */
export type Planned = Pick<DayEvent, 'kind' | 'title'> & {
  readonly second: number
  /** Whether the day waits for it to end. */
  readonly awaited: boolean
  run(): Promise<Pick<DayEvent, 'firstPostedSeconds' | 'allPostedSeconds'> | undefined>
}

export type DayOptions = {
  readonly shape: Shape
  readonly generators: Generators
  readonly observer: Pick<Observer, 'look'>
  readonly planned: readonly Planned[]
  /** Seconds after the day's end in which all must be posted, and some more to see by how much not. */
  readonly drainSecondsMax: number
  readonly display: Display
  readonly signal: AbortSignal
}

export type DayDone = {
  readonly startedAt: Date
  readonly seen: readonly (Observed | undefined)[]
  /** Declarations posted before it began. */
  readonly postedAtStart: number
  readonly events: readonly DayEvent[]
  readonly postedAfterSeconds: number | null
  /** What was planned and could not be done. */
  readonly faults: readonly string[]
}

const leadMs = 1_500
/** A look that takes longer is given up, and the next second has its own. */
const lookMsMax = 900
/** So long must nothing wait before the day is over: a commit whose filer gave up may be under way. */
const quietSeconds = 3

export async function driveDay(options: DayOptions): Promise<DayDone> {
  const { shape, generators, observer, planned, drainSecondsMax, display, signal } = options
  const { posted: postedAtStart = 0 } = (await observer.look()) ?? {}
  const startedAt = new Date(Date.now() + leadMs)
  const began = performance.now() + leadMs
  const plan = new Plan(planned, began, display)
  let answered = false
  let broken: unknown
  const running = generators.run(startedAt.getTime()).then(
    () => {
      answered = true
    },
    (error: unknown) => {
      broken = error
    },
  )
  const seen: (Observed | undefined)[] = []
  let postedAfterSeconds: number | null = null
  let quiet = 0
  let looking: Promise<Observed | undefined> | undefined
  for (let second = 0; ; second += 1) {
    plan.begin(second)
    await pause(Math.max(0, began + (second + 1) * 1_000 - performance.now()), undefined, {
      signal,
    })
    if (broken !== undefined) throw broken
    const answeredBefore = answered
    const fresh = looking === undefined
    looking ??= observer.look().finally(() => {
      looking = undefined
    })
    const observed = await Promise.race([looking, pause(lookMsMax, undefined)])
    seen[second] = observed
    display.show({
      second: second + 1,
      seconds: shape.seconds,
      timeOfDay: shape.timeOfDay[second + 1] ?? null,
      tally: generators.tally,
      posted: (observed?.posted ?? postedAtStart) - postedAtStart,
      drain: drainOf(seen),
      observed,
      underWay: plan.underWay,
    })
    const after = second + 1 - shape.seconds
    if (after < 0) continue
    // Nothing waits in a look that began after the last answer; and what nobody heard of comes late.
    const still = answeredBefore && fresh && observed?.backlog === 0 && plan.done
    quiet = still ? quiet + 1 : 0
    if (quiet === 1) postedAfterSeconds = after
    if (quiet === 0) postedAfterSeconds = null
    if (quiet >= quietSeconds) break
    if (after >= drainSecondsMax) break
  }
  if (!answered) await Promise.race([running, pause(1_000)])
  return {
    startedAt,
    seen,
    postedAtStart,
    events: plan.events,
    postedAfterSeconds,
    faults: plan.faults,
  }
}

function drainOf(seen: readonly (Observed | undefined)[]): number | null {
  const late = seen.slice(-11)
  const posted = late.slice(1).map((one, i) => (one?.posted ?? 0) - (late[i]?.posted ?? 0))
  return drainSeconds(seen.at(-1)?.backlog ?? 0, posted)
}

/** What is planned, and what became of it so far. */
class Plan {
  readonly #planned: readonly Planned[]
  readonly #began: number
  readonly #display: Display
  readonly #events: (DayEvent & { open: boolean; awaited: boolean })[] = []
  readonly faults: string[] = []

  constructor(planned: readonly Planned[], began: number, display: Display) {
    this.#planned = planned
    this.#began = began
    this.#display = display
  }

  begin(second: number): void {
    for (const one of this.#planned) if (one.second === second) void this.#run(one)
  }

  get underWay(): string[] {
    return this.#events.filter(({ open }) => open).map(({ title }) => title)
  }

  /** Whether all that is awaited has ended. */
  get done(): boolean {
    return this.#events.every(({ open, awaited }) => !open || !awaited)
  }

  get events(): DayEvent[] {
    return this.#events.map(({ open: _, awaited: __, ...event }) => event)
  }

  async #run({ kind, title, awaited, second, run }: Planned): Promise<void> {
    const event = {
      ...{ kind, title, fromSecond: second, toSecond: null as number | null, open: true, awaited },
      ...{ firstPostedSeconds: null as number | null, allPostedSeconds: null as number | null },
    }
    this.#events.push(event)
    this.#display.say(`second ${second}: ${title}`)
    try {
      Object.assign(event, (await run()) ?? {})
    } catch (error) {
      this.faults.push(`${title}: ${(error as Error).message}.`)
    }
    event.open = false
    // Recovery comes after a fault's end.
    const recovery = Number.isFinite(event.allPostedSeconds ?? 0)
      ? (event.allPostedSeconds ?? 0)
      : 0
    const now = (performance.now() - this.#began) / 1_000
    event.toSecond = Math.max(second, Math.round(now - recovery))
  }
}
