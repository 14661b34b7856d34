/** A commit that was cut off from its standbys is committed here, and acknowledged to nobody. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { migrateDatabase } from '../../src/platform/database.ts'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/embedded-postgres.ts'
import {
  createKeyring,
  readEmbeddedPostgresPassword,
  readKeyring,
} from '../../src/platform/keyring.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { declare, filingOf } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

const dataDir = mkdtempSync(path.join(tmpdir(), 'standby-'))
const keyringFile = path.join(dataDir, 'keyring.json')
let postgres: EmbeddedPostgres
let owner: pg.Client
let pool: pg.Pool
let warnings = 0
beforeAll(async () => {
  createKeyring(keyringFile, new Date())
  const ownerPassword = readEmbeddedPostgresPassword(keyringFile)
  postgres = await startEmbeddedPostgres({ dataDir, ownerPassword })
  await migrateDatabase(postgres.ownerUrl)
  owner = new pg.Client({ connectionString: postgres.ownerUrl })
  await owner.connect()
  pool = openPool({
    url: postgres.ownerUrl,
    name: 'accepting',
    connectionsMax: 2,
    statementMsMax: 60_000,
    onWarning: () => {
      warnings += 1
    },
  })
})
afterAll(async () => {
  await setStandbys('')
  await pool.end()
  await owner.end()
  await postgres.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

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

/** Cancels the wait for a standby, as an operator does who sees commits that hang. */
async function cancelWait(): Promise<void> {
  await waitFor('a commit that waits for its standby', async () => {
    const { rows } = await owner.query(
      `select pg_cancel_backend(pid) from pg_stat_activity
       where application_name = 'accepting' and wait_event = 'SyncRep'`,
    )
    return rows.length > 0
  })
}

test('neither the commit nor a retry that finds it is acknowledged before a standby has it', async () => {
  const { receiptKeys, sealingKeys } = readKeyring(keyringFile)
  const accept = createAcceptGroup({
    pool,
    signer: receiptKeys[0] as (typeof receiptKeys)[0],
    sealingKey: sealingKeys[0] as (typeof sealingKeys)[0],
    environment: () => 'test',
    lane: 'filing',
    warnings: () => warnings,
  })
  await accept([filingOf(declare({ lines: 1 }), 'before')]) // draws numbers without logging for a while
  await setStandbys('nobody')
  const filing = filingOf(declare({ lines: 1 }), 'unconfirmed')
  const first = accept([filing])
  first.catch(() => {})
  await cancelWait()
  await expect(first).rejects.toMatchObject({ code: '08007' })
  const { rows } = await owner.query('select from journal.acceptance where id = $1', [filing.id])
  expect(rows).toHaveLength(1)

  const retry = accept([filing])
  retry.catch(() => {})
  await cancelWait()
  await expect(retry).rejects.toMatchObject({ code: '08007' })

  await setStandbys('')
  const { acceptances } = await accept([filing])
  expect(acceptances.get(filing.id)).toMatchObject({ fresh: false })
})
