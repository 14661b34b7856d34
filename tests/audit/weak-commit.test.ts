/** A server that acknowledges before it is durable: the auditor finds what an immediate stop loses. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { auditHistory } from '../../src/audit/audit.ts'
import { HistoryFile } from '../../src/audit/history.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { createPersonIndex } from '../../src/ledger/person.ts'
import { createPosting } from '../../src/ledger/post.ts'
import { readEmbeddedPostgresPassword, readKeyring } from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { migrateDatabase } from '../../src/platform/installation/database.ts'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { inTransaction, openPool, postingRole } from '../../src/platform/postgres/postgres.ts'
import { declare, filingOf, policies } from '../support/journal.ts'

test.each([
  ['on', true],
  ['off', false],
])(
  'commits that wait for the disk: %s; what was acknowledged survives: %s',
  async (commits, survives) => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'weak-commit-'))
    const keyringFile = path.join(dataDir, 'keyring.json')
    createKeyring(keyringFile, new Date())
    const ownerPassword = readEmbeddedPostgresPassword(keyringFile)
    let postgres = await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true })
    try {
      await migrateDatabase(postgres.ownerUrl)
      const owner = new pg.Client({ connectionString: postgres.ownerUrl })
      await owner.connect()
      // What is not waited for is written by the WAL writer, here much later.
      await owner.query("alter system set wal_writer_delay = '10s'")
      await owner.query("alter system set wal_writer_flush_after = '1GB'")
      await owner.query(`alter database spillway set synchronous_commit to ${commits}`)
      await owner.query('select pg_reload_conf()')
      await owner.end()

      const historyFile = path.join(dataDir, 'history.jsonl')
      await acceptAndPost(postgres.ownerUrl, keyringFile, new HistoryFile(historyFile))
      process.kill(postgres.pid, 'SIGQUIT')
      postgres = await startEmbeddedPostgres({
        dataDir,
        ownerPassword,
        port: postgres.port,
        guarded: true,
      })

      const keyring = readKeyring(keyringFile)
      const client = new pg.Client({ connectionString: postgres.ownerUrl })
      await client.connect()
      const report = await auditHistory({
        client,
        historyFile,
        sealingKeys: keyring.sealingKeys,
        salts: keyring.salts,
        publicKeys: keyring.receiptKeys.map(({ publicJwk }) => publicJwk),
        onProgress: () => {},
      })
      await client.end()
      expect(report.holds, JSON.stringify(report.verdicts)).toBe(survives)
      const lost = report.verdicts.find(({ code }) => code === 'I1')
      if (!survives) expect(lost?.named[0]?.why).toBe('it is nowhere')
    } finally {
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
)

async function acceptAndPost(url: string, keyringFile: string, history: HistoryFile) {
  const keyring = readKeyring(keyringFile)
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const pool = openPool({
    url,
    name: 'test',
    connectionsMax: 2,
    statementMsMax: 10_000,
    role: postingRole,
    searchPath: 'ledger,journal',
  })
  const accept = createAcceptGroup({
    pool,
    signer,
    sealingKey,
    salts: keyring.salts,
    environment: () => 'test',
    lane: 'filing',
  })
  const post = createPosting({
    pool,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    policies,
    isDataFault: () => false,
  })
  for (let n = 0; n < 20; n += 1) {
    const filing = filingOf(declare({ lines: 2 }), `weak-${n}`)
    const { id, employer, period, digest } = filing
    history.add({ kind: 'try', n, id, employer, period, digest: digest.toString('hex'), fen: [] })
    const { acceptances, envelope } = await accept([filing])
    const receipt = acceptances.get(id)?.receipt as string
    history.add({ kind: 'answer', n, status: 202, receipt })
    await post(envelope as bigint)
  }
  history.close()
  await pool.end()
}
