/** A process begins and ends without waiting for its rehearsal; told to end, it ends both sides at once. */
import type pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { rehearsalAnswerMsMax, rehearsalLingerMsMax } from '../../src/limits.ts'
import { type EngineProcess, file, metricsOf, startProcess, tokenFor } from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import {
  type Installation,
  openInstallation,
  rehearsalToken,
  untilRehearsed,
} from '../support/rehearsal.ts'
import { openSocket } from '../support/socket.ts'
import { waitFor } from '../support/wait.ts'

let installation: Installation
beforeAll(async () => {
  installation = await openInstallation(inject('redisUrl'))
  await installation.create()
}, 60_000)
afterAll(async () => {
  await installation?.drop()
})

/** A process beside what it does; ended whatever becomes of the test. */
async function withProcess(kind: 'intake' | 'worker', work: (one: EngineProcess) => Promise<void>) {
  const one = await startProcess(kind, installation.env)
  try {
    await waitFor('the rehearsal', () => /the rehearsal is open/.test(one.output()))
    await work(one)
  } finally {
    await one.end('SIGKILL')
  }
}

/** Nobody writes to this table until it is let go. */
async function hold(owner: pg.Pool, table: string) {
  const holding = await owner.connect()
  await holding.query(`begin; lock table ${table} in access exclusive mode`)
  return {
    untilWaitedFor: () =>
      waitFor(`somebody who waits for ${table}`, async () => {
        const { rowCount } = await holding.query(
          'select from pg_locks where relation = $1::regclass and not granted',
          [table],
        )
        return rowCount !== 0
      }),
    letGo: async () => {
      await holding.query('rollback')
      holding.release()
    },
  }
}

/** Files on one side; resolves with the status, or undefined where there is no answer. */
async function files({ address }: EngineProcess, tokenOf: typeof rehearse, key: string) {
  const declaration = declare({ lines: 1 })
  const token = await tokenOf([declaration.employer])
  return file(address, token, key, declaration).then(
    ({ status }) => status,
    () => undefined,
  )
}
const rehearse = (employers: string[]) => rehearsalToken(installation, employers)

/** What ends the process of a rehearsal that hangs; starting and stopping takes its time besides. */
const hungMsMax = rehearsalAnswerMsMax + rehearsalLingerMsMax + 2_000

const exits = (one: EngineProcess) => Promise.race([one.gone, wait(hungMsMax)])
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, 'still there'))

test('an intake whose rehearsal can not be asked takes what counts, before it has given up asking', async () => {
  const hung = await hold(installation.owner, 'public.spillway_rehearsal')
  try {
    const intake = await startProcess('intake', installation.env)
    try {
      await waitFor('what it says of it', () => /can not be asked/.test(intake.output()))
      expect(intake.output()).toMatch(/takes declarations[\s\S]*can not be asked/)
      expect(await files(intake, tokenFor, 'counts-beside')).toBe(202)
    } finally {
      expect(await intake.end()).toBe(0)
    }
  } finally {
    await hung.letGo()
  }
}, 60_000)

test('an intake whose rehearsal hangs takes no more, answers what counts, and ends', async () => {
  await withProcess('intake', async (intake) => {
    const hung = await hold(installation.owner, 'journal.envelope')
    try {
      const rehearsed = files(intake, rehearse, 'hangs')
      await hung.untilWaitedFor()
      expect(await files(intake, tokenFor, 'beside')).toBe(202)
      intake.signal('SIGTERM')
      await waitFor('a port that is closed', () =>
        fetch(`${intake.address}/livez`).then(
          () => false,
          () => true,
        ),
      )
      expect(intake.output()).not.toMatch(/rehearsal is shut/)
      expect(await exits(intake)).toBe(0)
      expect(await rehearsed).toBeUndefined()
    } finally {
      await hung.letGo()
    }
  })
}, 60_000)

test('a worker whose rehearsal hangs ends', async () => {
  await withProcess('intake', async (intake) => {
    await untilRehearsed(installation, intake)
    const hung = await hold(installation.owner, 'ledger.declaration')
    try {
      await withProcess('worker', async (worker) => {
        await hung.untilWaitedFor()
        worker.signal('SIGTERM')
        expect(await exits(worker)).toBe(0)
      })
    } finally {
      await hung.letGo()
    }
  })
}, 60_000)

test('a rehearsal is shut while what counts is still being answered', async () => {
  await withProcess('intake', async (intake) => {
    const hung = await hold(installation.live.owner, 'journal.envelope')
    const counts = files(intake, tokenFor, 'counts')
    try {
      await hung.untilWaitedFor()
      intake.signal('SIGTERM')
      await waitFor('the end of the rehearsal', () => /rehearsal is shut/.test(intake.output()))
      expect(intake.output()).not.toMatch(/"stopped"/)
    } finally {
      await hung.letGo()
    }
    expect(await counts).toBe(202)
    expect(await intake.gone).toBe(0)
  })
}, 60_000)

test('whoever rehearses keeps no connection open while a process ends', async () => {
  await withProcess('intake', async (intake) => {
    const declaration = declare({ lines: 1 })
    const token = await rehearse([declaration.employer])
    const accepted = await file(intake.address, token, 'waits', declaration)
    const { links } = (await accepted.json()) as { links: { self: string } }
    const head = `GET ${links.self} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer ${token}\r\n`
    const [waiting, late] = [await openSocket(intake.address), await openSocket(intake.address)]
    waiting.write(`${head}prefer: wait=20\r\n\r\n`) // no worker posts it
    late.write(head)
    await waitFor('both requests', async () => {
      const metrics = await metricsOf(intake)
      return /spillway_rehearsal_accepted_declarations_total\S* [1-9]/.test(metrics)
    })
    intake.signal('SIGTERM')
    await waitFor('the end of the rehearsal', () => /rehearsal is shut/.test(intake.output()))
    late.write('\r\n')
    await Promise.all([waiting.closed, late.closed])
    expect(waiting.text()).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: close/i)
    expect(late.text()).toMatch(/^HTTP\/1.1 503 [\s\S]*connection: close[\s\S]*REHEARSAL_SHUT/i)
    expect(await exits(intake)).toBe(0)
  })
}, 60_000)
