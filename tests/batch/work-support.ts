/**
 * Received files, and a worker on them that can be killed, on a test's own journal.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, vi } from 'vitest'
import { type ErrorRow, errorsFileRows, readErrorRows } from '../../src/batch/errors/error-rows.ts'
import { claimBatch, type LeasedBatch } from '../../src/batch/lease/batch-lease.ts'
import type { ErrorsFileRow } from '../../src/batch/table/errors-file.ts'
import { findLayout } from '../../src/batch/uploads/find-batch.ts'
import type { BatchDependencies } from '../../src/batch/worker/batch-worker.ts'
import type { FileSource } from '../../src/formats/rows.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { type Journal, openJournal, policies } from '../support/journal.ts'
import { csvOf, employersOf, type Row, sourceOf } from './support.ts'

export let journal: Journal
const files = new Map<string, Buffer | FileSource>()

/** Gives a test file a journal of its own, on which the functions below work. */
export function useJournal(): void {
  beforeAll(async () => {
    journal = await openJournal()
  })
  afterAll(() => journal.close())
}

function fileOf({ batch }: Pick<LeasedBatch, 'batch'>): FileSource {
  const file = files.get(batch) as Buffer | FileSource
  return Buffer.isBuffer(file) ? sourceOf(file) : file
}

export type Received = {
  readonly format: LeasedBatch['format']
  readonly mayFileFor: readonly string[]
  readonly mode?: LeasedBatch['mode']
  readonly kind?: string
  readonly employer?: string
  readonly receivedAt?: string
  readonly subject?: string
  readonly period?: string
  readonly region?: string
  readonly amends?: string
  readonly id?: string
}

/** A batch whose last byte is here. */
export async function receiveFile(file: Buffer | FileSource, more: Received): Promise<string> {
  const { id = randomUUID() } = more
  files.set(id, file)
  await journal.database.owner.query(
    `insert into batch.batch (id, may_file_for, region, kind, format, mode, stage,
       received, received_at, employer, subject, period, amends)
     values ($1, $2, $12, $3, $4, $5, 'received', $6, $7, $8, $9, $10, $11)`,
    [
      id,
      more.mayFileFor,
      more.kind ?? 'regular',
      more.format,
      more.mode ?? 'accept-good',
      Buffer.isBuffer(file) ? file.length : 1,
      more.receivedAt ?? '2024-11-20T10:00:00+08:00',
      more.employer,
      more.subject ?? 'bureau',
      more.period ?? '2024-11',
      more.amends,
      more.region ?? '340100',
    ],
  )
  return id
}

/** The same for rows, as CSV; its sender may file for all of their employers. */
export function receive(
  rows: readonly Row[],
  more: { mode?: LeasedBatch['mode']; kind?: string; mayFileFor?: string[] } = {},
): Promise<string> {
  return receiveFile(csvOf(rows), { format: 'csv', mayFileFor: employersOf(rows), ...more })
}

/** With an identity number whose check digit is wrong. */
export const wrongNumber = (row: Row): Row => [
  row[0],
  `${row[1].slice(0, 17)}${row[1].endsWith('1') ? '2' : '1'}`,
  row[2],
  row[3],
]

export function dependencies(more: Partial<BatchDependencies> = {}): BatchDependencies {
  const { pool, keyring } = journal
  const [sealing] = keyring.sealingKeys
  const [signer] = keyring.receiptKeys
  if (sealing === undefined || signer === undefined) throw new Error('no keys')
  const environment = () => 'test'
  return {
    pool,
    inTransaction,
    keys: { sealing, all: keyring.sealingKeys, salts: keyring.salts },
    policies,
    sourceOf: fileOf,
    acceptGroup: createAcceptGroup({
      pool,
      signer,
      sealingKey: sealing,
      salts: keyring.salts,
      environment,
      lane: 'bulk',
    }),
    enqueue: () => {},
    onFinished: () => {},
    onTriedOften: () => {},
    onError: (error) => {
      throw error
    },
    ...more,
  }
}

export async function claim(): Promise<LeasedBatch> {
  const work = await claimBatch(journal.pool, randomUUID())
  if (work === undefined) throw new Error('nothing to work on')
  return work
}

export async function postAll(): Promise<void> {
  const { rows } = await journal.pool.query('select envelope from journal.unposted')
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
}

export async function stateOf(batch: string) {
  const { rows } = await journal.pool.query(
    `select b.stage, w.rows_read::int as read, w.rows_good::int as good,
       w.rows_set_aside::int as aside, w.rows_filed::int as filed, w.declarations
     from batch.batch b join batch.work w on w.batch = b.id where b.id = $1`,
    [batch],
  )
  return rows[0]
}

/** The stored rejected rows. */
export async function keptRowsOf(batch: string): Promise<ErrorRow[]> {
  const found: ErrorRow[] = []
  const all = journal.keyring.sealingKeys
  for await (const row of readErrorRows(journal.pool, all, batch)) found.push(row)
  return found
}

/** The rows of the errors file of a table. */
export async function refusedRowsOf(batch: string): Promise<ErrorsFileRow[]> {
  const all = journal.keyring.sealingKeys
  const layout = await findLayout(journal.pool, all, batch)
  if (layout?.kind !== 'table') throw new Error('no header')
  const found: ErrorsFileRow[] = []
  const rows = readErrorRows(journal.pool, all, batch)
  for await (const row of errorsFileRows(rows, layout.header)) found.push(row)
  return found
}

export class Killed extends Error {}

/** Kills the worker at its n-th transaction, before or after the commit. */
export function killedAt(n: number, when: 'before' | 'after') {
  let count = 0
  return dependencies({
    inTransaction: async (pool, work) => {
      count += 1
      const mine = count === n
      const result = await inTransaction(pool, async (client) => {
        const done = await work(client)
        if (mine && when === 'before') throw new Killed()
        return done
      })
      if (mine) throw new Killed()
      return result
    },
  })
}

/** Advances the clock by a quarter of a minute at each look. */
export async function onSlowMachine<T>(work: () => Promise<T>): Promise<T> {
  let nowMs = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += 15_000
    return nowMs
  })
  return work().finally(() => clock.mockRestore())
}
