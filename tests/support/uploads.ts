/** The store of uploads on a test's own database, and files to send. */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import type { NewUpload } from '../../src/batch/state/upload.ts'
import { createReceiptOf } from '../../src/batch/uploads/batch-receipts.ts'
import { readBytes } from '../../src/batch/uploads/chunk-reader.ts'
import { openRunningDigest, type RunningDigest } from '../../src/batch/uploads/running-digest.ts'
import { createUploadStore } from '../../src/batch/uploads/upload-store.ts'
import { createConfirm } from '../../src/journal/durable.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { inTransaction, openPool } from '../../src/platform/postgres/postgres.ts'
import { createDatabase } from './database.ts'
import { policies } from './journal.ts'

export async function openUploads() {
  const database = await createDatabase()
  const clock = { nowMicros: 1_732_352_400_000_000 }
  const pool = openPool({
    url: database.url,
    name: 'test',
    connectionsMax: 4,
    statementMsMax: 20_000,
  })
  const { sealingKeys, receiptKeys, salts } = readKeyring(inject('keyringFile'))
  const [signer] = receiptKeys
  if (signer === undefined) throw new Error('no keys')
  const receiptOf = createReceiptOf({ signer, policies, environment: () => 'test' })
  /** As each intake process has one. */
  const openStore = async (runningDigest?: RunningDigest, otherReceiptOf?: typeof receiptOf) =>
    createUploadStore({
      pool,
      confirm: createConfirm(pool),
      inTransaction,
      sealingKeys,
      salts,
      runningDigest: runningDigest ?? (await openRunningDigest()),
      nowMicros: () => clock.nowMicros,
      receiptOf: otherReceiptOf ?? receiptOf,
    })
  return {
    database,
    pool,
    clock,
    openStore,
    store: await openStore(),
    close: async () => {
      await pool.end()
      await database.drop()
    },
  }
}

/** What a filer asks for; members in `more` replace these. */
export function asked(more: Partial<NewUpload> = {}): NewUpload {
  return {
    issuer: 'spillway',
    subject: 'a filer',
    mayFileFor: ['91350100M000100Y43'],
    employer: '91350100M000100Y43',
    period: '2024-11',
    region: '340100',
    kind: 'regular',
    format: 'csv',
    mode: 'all-or-nothing',
    size: undefined,
    expectedDigest: undefined,
    fileName: undefined,
    amends: undefined,
    idempotencyKey: undefined,
    slot: undefined,
    ...more,
  }
}

/** A file as no other: half of it repeats itself, as spreadsheets do. */
export function fileOf(bytes: number): Buffer {
  const line = Buffer.from('11010519491231002X,王伟,6500.00,none\n')
  const half = Buffer.alloc(Math.floor(bytes / 2), line)
  return Buffer.concat([half, randomBytes(bytes - half.length)])
}

/** What is kept of a file, as whoever works on it reads it. */
export async function readStored(databaseUrl: string, id: string): Promise<Buffer> {
  const pool = openPool({
    url: databaseUrl,
    name: 'test',
    connectionsMax: 1,
    statementMsMax: 20_000,
  })
  const { sealingKeys } = readKeyring(inject('keyringFile'))
  try {
    const pieces: Uint8Array[] = []
    for await (const piece of readBytes({ pool, sealingKeys }, id, 0)) pieces.push(piece)
    return Buffer.concat(pieces)
  } finally {
    await pool.end()
  }
}
