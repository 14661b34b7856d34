/**
 * The closed-loop probe before the day: more and more clients, each of which sends its next filing
 * after an answer, until more of them bring no more. That is what an engine takes, its knee; whether it
 * answers in time at a rate of somebody else's is for the day to show. Here too the generator uses
 * cores of the same machine, so that the true knee is higher.
 *
 * Of autocannon, saturation alone: it waits for answers, and what it calls corrected latency is not.
 */
import autocannon from 'autocannon'
import type { HistoryFile } from '../../../src/audit/history.ts'
import { declarationId } from '../../../src/journal/digest.ts'
import type { World } from '../../faults/world.ts'
import { createGenerator } from '../../support/generator.ts'
import type { Observed, Observer } from '../observer.ts'
import type { Profile } from '../profile.ts'
import {
  correctionOf,
  type Filer,
  findFilers,
  type PreparedFiling,
  prepareFiling,
} from './filings.ts'

const clientsTried = [1, 4, 16, 64] as const
/** More clients that bring less than this more are beyond the knee. */
const gainMin = 1.05
const employers = 200
const filingsEach = 5
const firstKey = 'probe-first'
const firstsAtATime = 8
/** Numbers of attempts that nobody else uses. */
const attemptsFrom = 900_000_000_000
const drainMsMax = 60_000
/** So long, and while two commits are made, must nothing come: some clients are cut off as they wait. */
const stillMsMin = 500

export type Probed = {
  readonly clients: number
  readonly perSecond: number
  readonly linesEach: number
  /** Null where posting kept up, so that its limit was not seen. */
  readonly postedPerSecond: number | null
  /** Cores that each process used at the knee. */
  readonly cores: readonly {
    readonly name: string
    readonly kind: string
    readonly cores: number
  }[]
  readonly committing: number
}

export type ProbeOptions = {
  readonly world: World
  readonly observer: Observer
  readonly profile: Profile
  readonly period: string
  readonly seconds: number
  readonly history: HistoryFile
  readonly signal: AbortSignal
}

export async function probe(options: ProbeOptions): Promise<Probed> {
  const { world, observer, profile, period, seconds, history, signal } = options
  const generator = createGenerator(4_711)
  const known = await findFilers({ keyringFile: world.keyringFile }, employers, generator)
  const prepare = (filer: Filer) =>
    prepareFiling({ profile, period, policies: undefined }, filer, generator, false)
  const firsts = known.map(prepare)
  // Of one employer and period one regular declaration is accepted; the others correct it.
  const filings = known.flatMap((filer) =>
    Array.from({ length: filingsEach }, () =>
      correctionOf(prepare(filer), declarationId(filer.employer, period, firstKey), undefined),
    ),
  )
  const shot = new Shots(filings, history)
  await shot.begin(world, firsts)
  await shot.fire(world, 8, 1) // warm: code is compiled, tokens are known
  const steps: { clients: number; perSecond: number; seen: Observed | undefined }[] = []
  for (const clients of clientsTried) {
    signal.throwIfAborted()
    await observer.look()
    const perSecond = await shot.fire(world, clients, seconds)
    steps.push({ clients, perSecond, seen: await observer.look() })
    const before = steps.at(-2)
    if (before !== undefined && perSecond < gainMin * before.perSecond) break
  }
  const knee = steps.reduce((one, other) =>
    other.perSecond > gainMin * one.perSecond ? other : one,
  )
  const postedPerSecond = await drain(observer, stillMsMin + 2 * (knee.seen?.commitMs ?? 0))
  const lines = filings.reduce((sum, { declaration }) => sum + (declaration.lines?.length ?? 0), 0)
  return {
    clients: knee.clients,
    perSecond: knee.perSecond,
    linesEach: lines / filings.length,
    postedPerSecond,
    cores: (knee.seen?.processes ?? []).map(({ name, kind, cores }) => ({
      name,
      kind,
      cores: cores ?? 0,
    })),
    committing: knee.seen?.committing ?? 0,
  }
}

class Shots {
  readonly #filings: readonly PreparedFiling[]
  readonly #history: HistoryFile
  #sent = 0

  constructor(filings: readonly PreparedFiling[], history: HistoryFile) {
    this.#filings = filings
    this.#history = history
  }

  async begin({ intakes }: World, firsts: readonly PreparedFiling[]): Promise<void> {
    const address = intakes[0]?.address
    const begin = async (first: PreparedFiling) => {
      const { body, headers } = this.#request(first, firstKey)
      const answer = await fetch(`${address}/v1/declarations`, { method: 'POST', headers, body })
      await answer.arrayBuffer()
      if (answer.status !== 202) throw new Error(`a first filing had ${answer.status}`)
    }
    // Some at a time, as a slow journal commits them together.
    for (let i = 0; i < firsts.length; i += firstsAtATime)
      await Promise.all(firsts.slice(i, i + firstsAtATime).map(begin))
  }

  /** @returns how many were accepted a second, by all intakes together */
  async fire({ intakes }: World, clients: number, seconds: number): Promise<number> {
    const each = Math.ceil(clients / intakes.length)
    const results = await Promise.all(
      intakes.map(({ address }) =>
        autocannon({
          url: `${address}/v1/declarations`,
          connections: each,
          duration: seconds,
          requests: [
            { method: 'POST', setupRequest: (request) => ({ ...request, ...this.#next() }) },
          ],
        }),
      ),
    )
    return results.reduce((sum, result) => sum + result['2xx'] / result.duration, 0)
  }

  #next() {
    const filing = this.#filings[this.#sent % this.#filings.length] as PreparedFiling
    return this.#request(filing, `probe-${this.#sent + 1}`)
  }

  #request({ employer, declaration, authorization, digest, body }: PreparedFiling, key: string) {
    this.#sent += 1
    const id = declarationId(employer, declaration.period, key)
    const { period } = declaration
    const n = attemptsFrom + this.#sent
    this.#history.add({ kind: 'try', n, id, employer, period, digest, fen: [] })
    const headers = { 'content-type': 'application/json', 'idempotency-key': key, authorization }
    return { body: Buffer.from(body, 'latin1'), headers }
  }
}

/**
 * Waits until all is posted and no more comes, which would be counted as the day's.
 * @returns declarations a second, where that took a while
 */
async function drain(observer: Observer, stillMs: number): Promise<number | null> {
  const began = performance.now()
  const first = await observer.look()
  let last = first
  let movedAt = began
  while (performance.now() - movedAt < stillMs && performance.now() - began < drainMsMax) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const next = await observer.look()
    if (next?.backlog !== 0 || next.accepted !== last?.accepted) movedAt = performance.now()
    last = next ?? last
  }
  const seconds = (movedAt - began) / 1_000
  const posted = (last?.posted ?? 0) - (first?.posted ?? 0)
  return seconds >= 0.5 && posted > 0 ? posted / seconds : null
}
