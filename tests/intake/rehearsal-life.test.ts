/** Rehearsals come, fail and go while what counts goes on; and none is ever taken for the other. */
import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Redis } from 'ioredis'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { databaseBeside, readPurpose } from '../../src/platform/rehearsal.ts'
import {
  type EngineProcess,
  file,
  freshMetricsOf,
  startProcess,
  tokenFor,
} from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import {
  countRowsNaming,
  type Installation,
  openInstallation,
  readGrowing,
  rehearsalToken,
  untilRehearsed,
} from '../support/rehearsal.ts'
import { waitFor } from '../support/wait.ts'

describe.each(['redis', 'postgres'] as const)('with the queue in %s', (queue) => {
  let installation: Installation
  let processes: EngineProcess[]
  let intake: EngineProcess
  beforeAll(async () => {
    installation = await openInstallation(queue === 'redis' ? inject('redisUrl') : undefined)
    const { env } = installation
    expect((await installation.command('create')).code).toBe(0)
    processes = await Promise.all([
      startProcess('intake', env),
      startProcess('worker', env),
      startProcess('batches', env),
    ])
    intake = processes[0] as EngineProcess
    await untilRehearsed(installation, intake)
  }, 60_000)
  afterAll(async () => {
    await Promise.all((processes ?? []).map((one) => one.end()))
    await installation?.drop()
  })

  const statusOf = async (token: string, links: { self: string }) => {
    const answer = await fetch(`${intake.address}${links.self}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return ((await answer.json()) as { status: string }).status
  }

  /** Accepted, and posted by the worker that is running. */
  async function filesAndPosts(tokenOf: (employers: string[]) => Promise<string>, key: string) {
    const declaration = declare({ lines: 2 })
    const token = await tokenOf([declaration.employer])
    const answer = await file(intake.address, token, key, declaration)
    expect(answer.status, await answer.clone().text()).toBe(202)
    const { links } = (await answer.json()) as { links: { self: string } }
    await waitFor(`${key} to be posted`, async () => (await statusOf(token, links)) === 'posted')
  }
  const rehearse = (employers: string[]) => rehearsalToken(installation, employers)

  test('a rehearsal whose database is away refuses its own alone, and comes back', async () => {
    await filesAndPosts(rehearse, 'before')
    const { rehearsal, live } = installation
    const admin = live.owner
    await admin.query(`alter database ${rehearsal} allow_connections false`)
    const cut = () =>
      admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
        rehearsal,
      ])
    await cut()
    const declaration = declare({ lines: 1 })
    const token = await rehearse([declaration.employer])
    const refused = await file(intake.address, token, 'away', declaration)
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    for (let i = 0; i < 3; i += 1) await filesAndPosts(tokenFor, `beside-${i}`)
    expect((await fetch(`${intake.address}/readyz`)).status).toBe(200)
    expect(await freshMetricsOf(intake)).toContain('spillway_accepted_declarations_total')
    await admin.query(`alter database ${rehearsal} allow_connections true`)
    await untilRehearsed(installation, intake)
    await filesAndPosts(rehearse, 'after')
  }, 60_000)

  test('a rehearsal that hangs with all that it may hold leaves room for what counts', async () => {
    const hanging = await installation.owner.connect()
    await hanging.query('begin; lock table journal.envelope in access exclusive mode')
    // Of large ones hardly a hundred fit into two groups, which is all that may be under way.
    const declaration = declare({ lines: 1_000 })
    const token = await rehearse([declaration.employer])
    let refused = 0
    const flood: Promise<void>[] = []
    const floodOne = async () => {
      const { status } = await file(intake.address, token, `flood-${flood.length}`, declaration)
      if (status >= 429) refused += 1
    }
    await waitFor('a rehearsal that is refused', () => {
      for (let i = 0; i < 5; i += 1) flood.push(floodOne())
      return refused > 5
    })
    // Who is refused for a moment, as the flood took this process's time, comes again while it hangs.
    const all = Array.from({ length: 15 }, async (_, i) => {
      const live = declare({ lines: 1 })
      const token = await tokenFor([live.employer])
      const accepted = async () =>
        (await file(intake.address, token, `room-${i}`, live)).status === 202
      await waitFor('room for what counts', accepted, 2_000)
    })
    await Promise.all(all)
    await hanging.query('rollback')
    hanging.release()
    await Promise.all(flood)
    await untilRehearsed(installation, intake)
  }, 60_000)

  test('remove leaves nothing, touches nothing that counts, and ends no process; then it begins anew', async () => {
    await filesAndPosts(tokenFor, 'counts')
    const before = await readGrowing(installation.live.owner)
    const { rows: rehearsed } = await installation.owner.query<{ employer: string }>(
      'select distinct employer from journal.acceptance',
    )
    const { code, text } = await installation.command('remove')
    expect({ code, text }).toMatchObject({ code: 0 })
    expect((await readPurpose(installation.owner)).kind).toBe('empty')
    const { rows } = await installation.owner.query(
      "select nspname from pg_namespace where nspname !~ '^pg_' order by 1",
    )
    expect(rows.map(({ nspname }) => nspname)).toEqual(['information_schema', 'public'])
    // Others may be posted meanwhile: nothing that was there is gone, and nothing rehearsed has come.
    expect(await readGrowing(installation.live.owner)).toEqual(expect.arrayContaining(before))
    const employers = rehearsed.map(({ employer }) => employer)
    expect(employers.length).toBeGreaterThan(0)
    expect(await countRowsNaming(installation.live.owner, employers)).toEqual({})
    if (queue === 'redis') expect(await keysOf(installation)).toEqual([])
    const declaration = declare({ lines: 1 })
    const token = await rehearse([declaration.employer])
    const shut = await file(intake.address, token, 'gone', declaration)
    expect(shut.status).toBe(503)
    expect(await shut.json()).toMatchObject({ code: 'REHEARSAL_SHUT' })
    await filesAndPosts(tokenFor, 'goes-on')
    expect((await installation.command('remove')).text).toMatch(/There was nothing/)
    expect((await installation.command('create')).code).toBe(0)
    await untilRehearsed(installation, intake)
    await filesAndPosts(rehearse, 'anew')
    for (const one of processes) expect(one.output()).not.toMatch(/nothing moves|stopping after/)
  }, 90_000)
})

/** Keys in Redis of its rehearsals. */
async function keysOf({ env }: Installation): Promise<string[]> {
  const redis = new Redis(inject('redisUrl'))
  const found: string[] = []
  const match = `{spillway:${env.ENVIRONMENT}:rehearsal*`
  for await (const keys of redis.scanStream({ match })) found.push(...(keys as string[]))
  redis.disconnect()
  return found
}

/** Of each declaration, the environment that it was filed in. */
async function readAcceptances(owner: pg.Pool): Promise<unknown[]> {
  const { rows } = await owner.query(
    'select a.*, e.environment from journal.acceptance a join journal.envelope e on e.number = a.envelope',
  )
  return rows
}

describe('what is no rehearsal', () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await openInstallation()
    await installation.create()
  }, 60_000)
  afterAll(() => installation.drop())

  test('the live database is never rehearsed in, made one, or removed', async () => {
    const { live, env } = installation
    const wrong = { REHEARSAL_DATABASE: live.name }
    const kinds = ['intake', 'worker', 'batches'] as const
    const started = kinds.map((kind) => startProcess(kind, { ...env, ...wrong }))
    const processes = await Promise.all(started)
    try {
      for (const one of processes)
        await waitFor('what is wrong', () => /holds something else/.test(one.output()))
      const [intake] = processes as [EngineProcess]
      const declaration = declare({ lines: 1 })
      const counts = await tokenFor([declaration.employer])
      expect((await file(intake.address, counts, 'counts', declaration)).status).toBe(202)
      const before = await readAcceptances(live.owner)
      const token = await rehearsalToken(installation, [declaration.employer])
      const shut = await file(intake.address, token, 'rehearsed', declaration)
      expect(await shut.json()).toMatchObject({ status: 503, code: 'REHEARSAL_SHUT' })
      for (const verb of ['create', 'remove'] as const) {
        const { code, text } = await installation.command(verb, wrong)
        expect(code).toBe(1)
        expect(text).toMatch(/something else/)
      }
      expect(await readAcceptances(live.owner)).toEqual(before)
    } finally {
      await Promise.all(processes.map((one) => one.end()))
    }
  }, 60_000)

  test('nothing that counts is filed in a rehearsal’s database', async () => {
    const { live, rehearsal, env } = installation
    const wrong = { ...env, DATABASE_URL: databaseBeside(live.url, rehearsal) }
    for (const kind of ['intake', 'worker', 'batches'] as const)
      await expect(startProcess(kind, wrong)).rejects.toThrow(/DATABASE_URL names a database of re/)
    const insert = (environment: string) => `
      insert into journal.envelope (number, lane, environment, declarations, sealed, leaves,
        signed_root, writer, writer_position, previous_link, link)
      values (nextval('journal.envelope_number'), 'filing', '${environment}', 1, '', sha256(''), '',
        gen_random_uuid(), 1, sha256(''), sha256(''))`
    const refusal = { code: '23514' }
    await expect(installation.owner.query(insert('production'))).rejects.toMatchObject(refusal)
    await expect(live.owner.query(insert('rehearsal'))).rejects.toMatchObject(refusal)
  }, 60_000)

  test('a keyring that both would have, and an environment with that name, start nothing', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'spillway-same-keys-'))
    const same = path.join(folder, 'keyring.json')
    cpSync(inject('keyringFile'), same)
    const env = { ...installation.env, REHEARSAL_KEYRING_FILE: same }
    await expect(startProcess('intake', env)).rejects.toThrow(/not a rehearsal's own/)
    const named = { ...installation.env, ENVIRONMENT: 'rehearsal-1' }
    await expect(startProcess('intake', named)).rejects.toThrow(/must not have the word/)
  }, 60_000)
})
