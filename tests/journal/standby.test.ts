/**
 * A commit that may be on too few standbys is acknowledged to nobody, however it came to be; and while
 * they are away, a process holds no more connections than its pools have.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { sayInChinese, TcpProxy } from '../../bench/faults/proxy.ts'
import { WalReceiver } from '../../bench/faults/standby.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { createConfirm } from '../../src/journal/durable.ts'
import { runPipelined } from '../../src/ledger/pipeline.ts'
import {
  activeKeys,
  readEmbeddedPostgresPassword,
  readKeyring,
} from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { watchCommits } from '../../src/platform/installation/commit-watch.ts'
import { migrateDatabase } from '../../src/platform/installation/database.ts'
import { createJudge } from '../../src/platform/postgres/durability.ts'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/postgres/embedded-postgres.ts'
import { inTransaction, openPool } from '../../src/platform/postgres/postgres.ts'
import { file, metricsOf, startProcess, tokenFor } from '../support/engine.ts'
import { declare, filingOf } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

const dataDir = mkdtempSync(path.join(tmpdir(), 'standby-'))
const keyringFile = path.join(dataDir, 'keyring.json')
let postgres: EmbeddedPostgres
let proxy: TcpProxy
let owner: pg.Client
const pools: pg.Pool[] = []
beforeAll(async () => {
  createKeyring(keyringFile, new Date())
  const ownerPassword = readEmbeddedPostgresPassword(keyringFile)
  postgres = await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true })
  await migrateDatabase(postgres.ownerUrl)
  owner = new pg.Client({ connectionString: postgres.ownerUrl })
  await owner.connect()
  proxy = await new TcpProxy(postgres.port, { reply: sayInChinese }).start()
})
afterEach(() => setStandbys(''))
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()))
  await owner.end()
  await proxy.stop()
  await postgres.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Through a server that speaks Chinese. */
function open(name: string, statementMsMax: number): pg.Pool {
  const url = new URL(postgres.ownerUrl)
  url.port = String(proxy.port)
  const pool = openPool({
    url: url.href,
    name,
    connectionsMax: 2,
    statementMsMax,
    pipeline: true,
  })
  pools.push(pool)
  return pool
}

function acceptThrough(pool: pg.Pool, standbys: number) {
  return createAcceptGroup({
    ...activeKeys(readKeyring(keyringFile)),
    pool,
    environment: () => 'test',
    lane: 'filing',
    judge: createJudge('strict', standbys, () => {}),
  })
}

async function setStandbys(names: string): Promise<void> {
  await owner.query(`alter system set synchronous_standby_names = '${names}'`)
  await owner.query('select pg_reload_conf()')
  await waitFor('the setting', async () => {
    const { rows } = await owner.query(
      "select current_setting('synchronous_standby_names') as names",
    )
    return rows[0].names === names
  })
}

async function waiting(name: string): Promise<number> {
  const { rows } = await owner.query(
    `select count(*)::int as count from pg_stat_activity
     where application_name = $1 and wait_event = 'SyncRep'`,
    [name],
  )
  return rows[0].count
}

const untilWaits = (name: string) =>
  waitFor('a commit that waits for its standby', async () => (await waiting(name)) > 0)

/** Cancels the wait for a standby, as an operator does who sees commits that hang. */
async function cancelWait(name: string): Promise<void> {
  await untilWaits(name)
  await owner.query(
    `select pg_cancel_backend(pid) from pg_stat_activity
     where application_name = $1 and wait_event = 'SyncRep'`,
    [name],
  )
}

async function isStored(id: string): Promise<boolean> {
  const { rows } = await owner.query('select from journal.acceptance where id = $1', [id])
  return rows.length > 0
}

test('neither the commit nor a retry that finds it is acknowledged before a standby has it', async () => {
  const accept = acceptThrough(open('cancelled', 60_000), 0)
  await accept([filingOf(declare({ lines: 1 }), 'before')]) // draws numbers without logging for a while
  await setStandbys('nobody')
  const filing = filingOf(declare({ lines: 1 }), 'unconfirmed')
  const first = accept([filing])
  first.catch(() => {})
  await cancelWait('cancelled')
  await expect(first).rejects.toMatchObject({ code: '08007' })
  expect(await isStored(filing.id)).toBe(true)

  const retry = accept([filing])
  retry.catch(() => {})
  await cancelWait('cancelled')
  await expect(retry).rejects.toMatchObject({ code: '08007' })

  await setStandbys('')
  const { acceptances } = await accept([filing])
  expect(acceptances.get(filing.id)).toMatchObject({ fresh: false })
})

test('a commit that was let go as the names of standbys were emptied is acknowledged to nobody', async () => {
  const accept = acceptThrough(open('let-go', 60_000), 1)
  await setStandbys('nobody')
  const filing = filingOf(declare({ lines: 1 }), 'let go')
  const accepting = accept([filing])
  accepting.catch(() => {})
  await untilWaits('let-go')
  await setStandbys('')
  await expect(accepting).rejects.toMatchObject({ code: '08007' })
  expect(await isStored(filing.id)).toBe(true)
})

test('nothing is stored by a connection whose commits wait for too few standbys', async () => {
  const accept = acceptThrough(open('too-few', 60_000), 1)
  const filing = filingOf(declare({ lines: 1 }), 'too few')
  await expect(accept([filing])).rejects.toMatchObject({ name: 'DurabilityError' })
  expect(await isStored(filing.id)).toBe(false)
})

test('a confirmation, or any transaction, whose wait was cancelled has failed', async () => {
  const pool = open('confirming', 60_000)
  const confirm = createConfirm(pool)
  await confirm()
  await setStandbys('nobody')
  const confirming = confirm.once('an id')
  confirming.catch(() => {})
  await cancelWait('confirming')
  await expect(confirming).rejects.toMatchObject({ code: '08007' })
  const again = confirm.once('an id')
  again.catch(() => {})
  await cancelWait('confirming')
  await expect(again).rejects.toMatchObject({ code: '08007' })

  const committing = inTransaction(pool, (client) =>
    client.query("select pg_logical_emit_message(true, 'test', '')"),
  )
  committing.catch(() => {})
  await cancelWait('confirming')
  await expect(committing).rejects.toMatchObject({ code: '08007' })

  await setStandbys('')
  await confirm.once('an id')
})

test('who gives up a commit leaves no backend behind, and neither does a broken connection', async () => {
  const pool = open('giving-up', 200)
  const accept = acceptThrough(pool, 0)
  // What a connection does first takes longer, on a busy machine more than a statement may.
  await waitFor('a commit in time', () =>
    accept([filingOf(declare({ lines: 1 }), 'before it gives up')]).then(
      () => true,
      () => false,
    ),
  )
  await setStandbys('nobody')
  const backends = async () => {
    const { rows } = await owner.query(
      "select count(*)::int as count from pg_stat_activity where application_name = 'giving-up'",
    )
    return rows[0].count
  }
  for (let turn = 0; turn < 4; turn += 1) {
    const filing = filingOf(declare({ lines: 1 }), `given up ${turn}`)
    await expect(accept([filing])).rejects.toMatchObject({ code: '08007' })
    expect(await backends()).toBeLessThanOrEqual(2)
  }
  for (let turn = 0; turn < 4; turn += 1) {
    const cut = accept([filingOf(declare({ lines: 1 }), `cut ${turn}`)])
    cut.catch(() => {})
    await untilWaits('giving-up')
    proxy.cut()
    await expect(cut).rejects.toThrow()
    expect(await backends()).toBeLessThanOrEqual(2)
    await waitFor('the end of what was cut', async () => (await waiting('giving-up')) === 0)
  }
})

test('what is pipelined and given up leaves no backend behind either', async () => {
  const pool = open('pipelined', 200)
  await setStandbys('nobody')
  for (let turn = 0; turn < 3; turn += 1) {
    const client = await pool.connect()
    const run = runPipelined(client, ["select pg_logical_emit_message(true, 'test', '')"], [])
    await run.catch(() => {}) // cancelled, it is told as done here; its wait was ended
    client.release(true)
  }
  await waitFor('no wait to be left', async () => (await waiting('pipelined')) === 0)
})

test('one failed commit of the watch says nothing; two in a row do, unless one of acceptance got through', async () => {
  const failing = ['fails', 'passes', 'fails', 'accepts', 'fails', 'fails', 'passes']
  const seen: string[] = []
  const messages: string[] = []
  const log = (message: unknown) => void messages.push(String(message))
  const watch = watchCommits({
    commit: async () => {
      seen.push(watch.trouble)
      const step = failing[seen.length - 1]
      if (step === 'accepts') watch.committed()
      if (step === 'fails' || step === 'accepts') throw new Error('broken')
    },
    pool: open('watching', 10_000),
    logger: { error: (_: unknown, message?: string) => log(message), info: log },
    onStandbys: () => {},
  })
  await waitFor('all looks', () => seen.length > failing.length)
  watch.stop()
  // What it found at the end of each look is seen at the beginning of the next one.
  expect(seen.slice(0, 8).map((trouble) => trouble !== '')).toEqual([
    ...[false, false, false, false, false, true, true, false],
  ])
  expect(messages).toEqual(['nothing can be accepted', 'commits get through again'])
})

test('an intake whose only standby is away is not ready, says what it waits for, and is ready when it is back', async () => {
  const follower = new WalReceiver('follower', () => postgres.ownerUrl)
  follower.start()
  const intake = await startProcess('intake', { DATABASE_URL: postgres.ownerUrl })
  const readiness = async () => {
    const answer = await fetch(`${intake.address}/readyz`)
    const { commits } = (await answer.json()) as { commits?: string }
    return { status: answer.status, commits }
  }
  const becomes = (status: number) =>
    waitFor(`it to answer ${status}`, async () => {
      const now = await readiness()
      return now.status === status && now
    })
  try {
    await setStandbys('ANY 1 (follower)')
    await becomes(200)
    await waitFor('the gauge', async () =>
      /^spillway_standbys_connected 1$/m.test(await metricsOf(intake)),
    )
    await follower.stop()
    expect((await becomes(503)).commits).toBe('commits wait for standbys (0 connected)')
    await waitFor('the log', () =>
      /"names":"ANY 1 \(follower\)","msg":"nothing can be accepted"/.test(intake.output()),
    )
    await waitFor('the gauge', async () =>
      /^spillway_standbys_connected 0$/m.test(await metricsOf(intake)),
    )
    const token = await tokenFor(['91350100M000100Y43'])
    const answer = await file(
      intake.address,
      token,
      'waits',
      declare({ employer: '91350100M000100Y43' }),
    )
    expect(answer.status).toBe(503)
    expect(await metricsOf(intake)).toMatch(
      /^spillway_commits_failed_total\{reason="(standby|timeout)"\} [1-9]/m,
    )
    follower.start()
    await becomes(200)
    await waitFor('the log', () => intake.output().includes('commits get through again'))
  } finally {
    await follower.stop()
    await setStandbys('')
    await intake.end()
  }
})
