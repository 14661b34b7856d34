/**
 * Load for the fault runner: filers who file, retry with the same key, correct, cancel, use a key for
 * other content, file a period twice, one after the other and at once, and send the same thing five times at once. What each does follows from the seed.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { HistoryFile } from '../../src/audit/history.ts'
import { dayOf } from '../../src/declaration/period.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { readPolicies } from '../../src/platform/config/packs.ts'
import { createGenerator, type Generator } from '../support/generator.ts'
import { RecordingClient } from '../support/recording-client.ts'
import { makeBacklog } from './backlog.ts'
import type { World } from './world.ts'

const filers = 6
const pauseMs = 15
/** Persons whose names and numbers are looked for afterwards, wherever something is stored. */
const plantedPersons = 8
/** Attempts of one filing before its filer gives up; the pauses grow to seconds. */
const triesMax = 60

/** What one filer has filed, to be retried, corrected and looked up. */
type Filed = { readonly declaration: Declaration; readonly key: string; readonly id: string }

export type Load = {
  /** Filings acknowledged so far. */
  acknowledged(): number
  /** Numbers of persons in what was filed, to be found nowhere in clear. */
  readonly planted: readonly string[]
  /** Accepts so many envelopes of one declaration without HTTP, and puts them on the queue. */
  acceptWaiting(envelopes: number): Promise<void>
  /** So many regular declarations at once, of as many employers, one try each; returns how many are accepted. */
  fileAtOnce(count: number): Promise<number>
  /** Ends after what is under way. */
  stop(): Promise<void>
}

export function startLoad(world: World, history: HistoryFile, seed: number): Load {
  const [key] = readKeyring(world.keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const tokens = new Map<string, Promise<string>>()
  const tokenFor = (employer: string) => {
    const known = tokens.get(employer)
    if (known !== undefined) return known
    const made = issueToken(
      { key, issuer: 'spillway', audience: 'spillway' },
      {
        subject: employer,
        employers: [employer],
        scopes: ['declarations:write', 'declarations:read'],
        ttlSeconds: 7_200,
      },
    )
    tokens.set(employer, made)
    return made
  }
  let turn = 0
  const addressOf = () => {
    turn += 1
    return world.intakes[turn % world.intakes.length]?.address ?? ''
  }
  const policies = readPolicies(undefined)
  const client = new RecordingClient({ history, policies, addressOf, tokenFor, timeoutMs: 8_000 })
  const state = { running: true, acknowledged: 0 }
  const planted: string[] = []
  const plant = (values: readonly string[]) => {
    if (planted.length >= plantedPersons) return
    planted.push(...values)
    history.add({ kind: 'planted', values })
  }
  const crowd = new Filer(client, createGenerator(seed * 1_000 + filers), `${seed}-crowd`, plant)
  const loops = Array.from({ length: filers }, (_, i) => {
    const filer = new Filer(client, createGenerator(seed * 1_000 + i), `${seed}-${i}`, plant)
    return (async () => {
      while (state.running) {
        const acknowledged = await filer.act()
        state.acknowledged += acknowledged
        await pause(pauseMs)
      }
    })()
  })
  return {
    acknowledged: () => state.acknowledged,
    planted,
    acceptWaiting: async (envelopes) => {
      await makeBacklog({ world, history, policies, envelopes, seed })
      state.acknowledged += envelopes
    },
    fileAtOnce: async (count) => {
      const accepted = await crowd.fileAtOnce(count)
      state.acknowledged += accepted
      return accepted
    },
    stop: async () => {
      state.running = false
      await Promise.all(loops)
    },
  }
}

class Filer {
  readonly #client: RecordingClient
  readonly #generator: Generator
  readonly #name: string
  readonly #filed: Filed[] = []
  readonly #plant: (values: readonly string[]) => void
  #keys = 0

  constructor(
    client: RecordingClient,
    generator: Generator,
    name: string,
    plant: (values: readonly string[]) => void,
  ) {
    this.#plant = plant
    this.#client = client
    this.#generator = generator
    this.#name = name
  }

  /** Does one thing; returns how many filings were acknowledged for the first time. */
  async act(): Promise<number> {
    const draw = this.#generator.random()
    const earlier = this.#earlier()
    if (earlier === undefined || draw < 0.55) return this.#file(this.#regular())
    if (draw < 0.65) await this.#client.file(earlier.declaration, earlier.key)
    else if (draw < 0.75) return this.#file(this.#correction(earlier))
    else if (draw < 0.79) return this.#file(this.#cancellation(earlier))
    else if (draw < 0.82) await this.#client.file(this.#other(earlier), earlier.key)
    else if (draw < 0.85) return this.#file(this.#again(earlier))
    else if (draw < 0.88) return this.#burst()
    else if (draw < 0.91) return this.#race()
    else await this.#client.look(earlier.declaration.employer, earlier.id)
    return 0
  }

  /** Regular declarations of as many employers at once, one try each; returns how many were accepted. */
  async fileAtOnce(count: number): Promise<number> {
    const attempts = await Promise.all(
      Array.from({ length: count }, () => {
        this.#keys += 1
        return this.#client.file(this.#regular(), `${this.#name}-${this.#keys}`)
      }),
    )
    return attempts.filter(({ status }) => status === 202).length
  }

  #earlier(): Filed | undefined {
    if (this.#filed.length === 0) return undefined
    return this.#filed[this.#generator.integer(0, this.#filed.length - 1)]
  }

  #regular(): Declaration {
    const period = dayOf(Date.now() * 1_000).slice(0, 7)
    const made = this.#generator.declaration({ period, lines: this.#generator.integer(1, 4) })
    this.#plant((made.lines ?? []).slice(0, 1).flatMap(numberOf))
    return made
  }

  /** Refused where another one replaced what it names. */
  #correction({ declaration, id }: Filed): Declaration {
    const { employer, period } = declaration
    const lines = this.#generator.integer(1, 4)
    const made = this.#generator.declaration({ employer, period, lines })
    return { ...made, kind: 'correction', replaces: id }
  }

  #cancellation({ declaration, id }: Filed): Declaration {
    const { employer, region, period } = declaration
    return { employer, region, period, kind: 'cancellation', replaces: id }
  }

  /** Refused where something of the employer stands; after a cancellation it is accepted. */
  #again({ declaration }: Filed): Declaration {
    const { employer, period } = declaration
    return this.#generator.declaration({ employer, period, lines: this.#generator.integer(1, 4) })
  }

  #other({ declaration }: Filed): Declaration {
    return { ...declaration, industryClass: declaration.industryClass === 7 ? 8 : 7 }
  }

  async #file(declaration: Declaration): Promise<number> {
    this.#keys += 1
    const key = `${this.#name}-${this.#keys}`
    const { id, status } = await this.#client.fileUntilAnswered(declaration, key, triesMax)
    if (status !== 202) return 0
    this.#filed.push({ declaration, key, id })
    return 1
  }

  /** Two regular ones of one employer at once, as by two clerks: both may be accepted. */
  async #race(): Promise<number> {
    const one = this.#regular()
    const { employer, period } = one
    const other = this.#generator.declaration({ employer, period, lines: 2 })
    const taken = await Promise.all([this.#file(one), this.#file(other)])
    return taken.reduce((sum, count) => sum + count, 0)
  }

  /** The same declaration with the same key five times at once, as an impatient portal sends it. */
  async #burst(): Promise<number> {
    this.#keys += 1
    const key = `${this.#name}-${this.#keys}`
    const declaration = this.#regular()
    const attempts = await Promise.all(
      Array.from({ length: 5 }, () => this.#client.file(declaration, key)),
    )
    const taken = attempts.find(({ status }) => status === 202)
    if (taken === undefined) return 0
    this.#filed.push({ declaration, key, id: taken.id })
    return 1
  }
}

/** A name alone may be a word of a log; a number is a person's. */
function numberOf(line: { readonly person: { readonly idNumber: string } }): string[] {
  return [line.person.idNumber]
}
