/**
 * A retry storm: everybody who is refused tries again at once, whatever Retry-After says, with the ticket
 * of the first refusal. What is accepted goes on as without it, and in the end everybody was in time.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { RecordingClient } from '../../../bench/support/recording-client.ts'
import { HistoryFile } from '../../../src/audit/history.ts'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { runCommand } from '../../support/command.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from '../../support/engine.ts'
import { declare, policies, rulesOf } from '../../support/journal.ts'
import { waitFor } from '../../support/wait.ts'

const { deadlineMicros } = rulesOf('340100', '2024-11')
const hourMs = 3_600_000
const roundMsMin = 5_000
const roundMsMax = 45_000
/** Of a storm, before it is over: so many that the group under way at its end hardly counts. */
const refusedMin = 600
const acceptedMin = 600
/**
 * Who sends the next after each answer makes groups of one size, which tell hardly what a declaration adds: the
 * limit can stay at some 270 for as long as nobody is refused.
 */
const stormingFilers = 400
/** So few are answered as soon as they can be: none of them waits for a place. */
const calmFilers = 6

let folder: string
let database: TestDatabase
let intake: EngineProcess
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'storm-'))
  database = await createDatabase()
  // A journal that takes some forty filings a second, whatever the machine could do.
  await database.owner.query(
    `create function journal.slow() returns trigger language plpgsql as $$
     begin perform pg_sleep(0.02 + 0.02 * new.declarations); return new; end $$;
     create trigger slow before insert on journal.envelope
     for each row execute function journal.slow()`,
  )
})
afterAll(async () => {
  await intake.end()
  await database.drop()
  rmSync(folder, { recursive: true })
})

/** An intake whose clock shows a time before the deadline of what is filed here, or after it. */
async function startIntake(msToDeadline: number): Promise<void> {
  const aheadMs = Math.round(deadlineMicros / 1_000 - msToDeadline - Date.now())
  intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    CLOCK_AHEAD_MS: `${aheadMs}`,
    LOG_LEVEL: 'fatal',
  })
}

type Pending = { readonly declaration: Declaration; readonly key: string; ticket?: string }
/** The next filing of an employer: it corrects the one before. */
function another(employer: string, replaces: string | undefined): Declaration {
  const made = declare({ employer, lines: 1 })
  return replaces === undefined ? made : { ...made, kind: 'correction', replaces }
}

type Round = {
  readonly accepted: number
  readonly refused: number
  readonly perSecond: number
  /** What each filer had not accepted when it ended. */
  readonly pending: readonly Pending[]
}

test('goodput holds, nothing is lost or doubled, and with its ticket everybody was in time', async () => {
  const historyFile = path.join(folder, 'history.jsonl')
  const history = new HistoryFile(historyFile)
  const tokens = new Map<string, Promise<string>>()
  const ofThatDay = { issuedAtMs: deadlineMicros / 1_000 - hourMs, ttlSeconds: 4 * 3_600 }
  const client = new RecordingClient({
    history,
    policies,
    addressOf: () => intake.address,
    tokenFor: (employer) => {
      const token = tokens.get(employer) ?? tokenFor([employer], ofThatDay)
      tokens.set(employer, token)
      return token
    },
    timeoutMs: 30_000,
  })
  const statuses = new Map<number, number>()
  let filed = 0

  /** Filers, each sending the next filing when one is accepted, and else the same again. */
  async function round(
    filers: number,
    isOver: (seen: { accepted: number; refused: number; last: number }) => boolean,
  ): Promise<Round> {
    const began = performance.now()
    const counts = { accepted: 0, refused: 0, last: 0 }
    let over = false
    const goesOn = () => {
      const ms = performance.now() - began
      over ||= ms >= roundMsMax || (ms >= roundMsMin && isOver(counts))
      return !over
    }
    const pending: Pending[] = []
    const filer = async () => {
      const { employer } = declare()
      let now: Pending | undefined
      let before: string | undefined
      while (goesOn()) {
        filed += 1
        now ??= { declaration: another(employer, before), key: `storm-${filed}` }
        const { id, status, ticket } = await client.file(now.declaration, now.key, now.ticket)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        counts[status === 202 ? 'accepted' : 'refused'] += 1
        counts.last = status
        if (status === 202) [now, before] = [undefined, id]
        else if (ticket !== undefined) now.ticket ??= ticket
      }
      if (now !== undefined) pending.push(now)
    }
    await Promise.all(Array.from({ length: filers }, filer))
    const perSecond = (1_000 * counts.accepted) / (performance.now() - began)
    return { ...counts, perSecond, pending }
  }

  await startIntake(hourMs)
  const calm = await round(calmFilers, () => true)
  const storm = await round(
    stormingFilers,
    // Who is the first to stop was refused, and holds a ticket; all others may yet be accepted.
    ({ accepted, refused, last }) =>
      last !== 202 &&
      accepted > acceptedMin &&
      refused > Math.max(refusedMin, accepted + stormingFilers),
  )
  const told = ({ accepted, refused, perSecond }: Round) =>
    `${accepted} accepted, ${refused} refused, ${perSecond.toFixed(1)} accepted/s`
  const counts = `calm: ${told(calm)}; storm: ${told(storm)}`
  console.log(counts)
  expect([...statuses.keys()].filter((status) => ![202, 429, 503].includes(status))).toEqual([])
  expect(storm.refused, counts).toBeGreaterThan(storm.accepted)
  expect(storm.perSecond, counts).toBeGreaterThan(0.5 * calm.perSecond)
  expect(storm.pending.length, 'some still hold a ticket').toBeGreaterThan(0)

  await intake.end()
  await database.owner.query('drop trigger slow on journal.envelope')
  await startIntake(-hourMs) // it is late now
  const tryAtLast = async ({ declaration, key, ticket }: Pending) => {
    expect(ticket).toBeDefined()
    const last = await waitFor('the last try to be accepted', async () => {
      const attempt = await client.file(declaration, key, ticket)
      if (attempt.status === 202) return attempt
      await pause(20)
      return undefined
    })
    expect(last.onTime).toBe(true)
  }
  const left = [...calm.pending, ...storm.pending]
  const oneAfterTheOther = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await tryAtLast(one)
  }
  await Promise.all(Array.from({ length: calmFilers }, oneAfterTheOther))
  expect(await client.file(declare(), 'no-ticket')).toMatchObject({ status: 202, onTime: false })

  history.close()
  const worker = await startProcess('worker', { DATABASE_URL: database.url, LOG_LEVEL: 'warn' })
  await waitFor('posting', async () => {
    const { rows } = await database.owner.query('select from journal.unposted limit 1')
    return rows.length === 0
  })
  await worker.end()
  const env = { DATABASE_URL: database.ownerUrl, KEYRING_FILE: inject('keyringFile') }
  const audit = runCommand('src/commands/audit.ts', env, ['--history', historyFile])
  expect(await audit.done, audit.output()).toBe(0)
})
