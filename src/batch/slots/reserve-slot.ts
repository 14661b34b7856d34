/**
 * Reserves a slot, and assigns it to a batch.
 *
 * Lock order: `batch.reserving` (reserving), the slot (using or releasing it), the batch. A reservation
 * holds the only row of `batch.reserving` until its commit, so that no two processes see the same free
 * capacity. Using a slot keeps its capacity; releasing one only adds capacity.
 *
 * If the process dies before the commit, nothing is reserved. After the commit, the same
 * Idempotency-Key finds the slot; without a key, its capacity is free again when it ends.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { claimsPerTurn, slotsAheadMs, slotsOfferedMax, slotsOpenMax } from '../../limits.ts'
import type { InTransaction } from '../lease/batch-lease.ts'
import { readThroughput } from '../lease/throughput.ts'
import { type Owner, ownerKeyOf } from '../state/owner.ts'
import {
  endedStages,
  holdsCapacity,
  type Slot,
  type SlotRequest,
  type SlotRow,
  slotColumns,
  slotOf,
} from './slot.ts'
import { freeWindows, type ReservedRows, rowsByQuarter, type SlotWindow } from './slot-windows.ts'

export type ReserveDependencies = { readonly pool: pg.Pool; readonly inTransaction: InTransaction }

export type Reservation = {
  /** The slot starts no earlier. */
  readonly fromMicros: number
  readonly nowMicros: number
}

/** In order of precedence. */
export type ReserveOutcome =
  | { readonly kind: 'conflicting'; readonly slot: Slot }
  | { readonly kind: 'replayed'; readonly slot: Slot }
  | { readonly kind: 'tooMany' }
  /** No window is free as far ahead as slots are given. */
  | { readonly kind: 'noneFree' }
  /** `next`: the free windows after this one. */
  | { readonly kind: 'reserved'; readonly slot: Slot; readonly next: readonly SlotWindow[] }

/** The share of capacity for slots; the rest stays for files without one. */
export const slotShare = (claimsPerTurn - 1) / claimsPerTurn

/** Rows that all slots of a quarter of an hour may have together. */
export function slotRowsPerQuarter(rowsPerSecond: number): number {
  return Math.floor(rowsPerSecond * 15 * 60 * slotShare)
}

/** Reserves the earliest free window. The same Idempotency-Key returns the same slot. */
export function reserveSlot(
  { pool, inTransaction }: ReserveDependencies,
  request: SlotRequest,
  { fromMicros, nowMicros }: Reservation,
): Promise<ReserveOutcome> {
  return inTransaction(pool, async (client) => {
    await client.query('select from batch.reserving for update')
    const existing = await findByKey(client, request)
    if (existing !== undefined)
      return { kind: isSame(request, existing) ? 'replayed' : 'conflicting', slot: existing }
    if ((await countOpen(client, request, nowMicros)) >= slotsOpenMax) return { kind: 'tooMany' }
    const [window, ...next] = freeWindows({
      rows: request.rows,
      capacityRows: slotRowsPerQuarter(await readThroughput(client)),
      loads: rowsByQuarter(await readReserved(client, nowMicros)),
      fromMicros,
      untilMicros: nowMicros + 1_000 * slotsAheadMs,
      count: 1 + slotsOfferedMax,
    })
    if (window === undefined) return { kind: 'noneFree' }
    return { kind: 'reserved', slot: await insert(client, request, window, nowMicros), next }
  })
}

async function findByKey(client: pg.PoolClient, request: SlotRequest): Promise<Slot | undefined> {
  const { issuer, subject, idempotencyKey } = request
  if (idempotencyKey === undefined) return undefined
  const { rows } = await client.query<SlotRow>({
    name: 'find-slot-by-key',
    text: `
      select ${slotColumns}
      from batch.slot s
      where s.subject = $1 and s.idempotency_key in ($2, $3) and s.issuer in ($4, '')
      order by s.issuer desc
      limit 1`,
    values: [subject, ownerKeyOf(request, idempotencyKey), idempotencyKey, issuer],
  })
  return rows[0] && slotOf(rows[0])
}

function isSame(request: SlotRequest, slot: Slot): boolean {
  const names = ['employer', 'period', 'region', 'rows', 'bytes'] as const
  return names.every((name) => request[name] === slot[name])
}

/** Counts the owner's slots that still hold capacity. */
async function countOpen(
  client: pg.PoolClient,
  { issuer, subject }: Owner,
  nowMicros: number,
): Promise<number> {
  const { rows } = await client.query<{ count: number }>({
    name: 'count-open-slots',
    text: `
      select count(*)::integer as count
      from batch.slot s
      where s.subject = $2 and s.issuer in ($4, '')
        and s.ends_at > to_timestamp($3::numeric / 1000000) and ${holdsCapacity}`,
    values: [endedStages, subject, nowMicros, issuer],
  })
  return rows[0]?.count ?? 0
}

/** Reserved rows from now on, by the quarter in which their slot ends. */
async function readReserved(client: pg.PoolClient, nowMicros: number): Promise<ReservedRows[]> {
  const { rows } = await client.query<{ ends_at: string; quarters: number; rows: string }>({
    name: 'read-reserved-rows',
    text: `
      select (extract(epoch from s.ends_at) * 1000000)::bigint as ends_at, s.quarters, sum(s.rows) as rows
      from batch.slot s
      where s.ends_at > to_timestamp($2::numeric / 1000000) and ${holdsCapacity}
      group by s.ends_at, s.quarters`,
    values: [endedStages, nowMicros],
  })
  return rows.map((row) => ({
    endMicros: Number(row.ends_at),
    quarters: row.quarters,
    rows: Number(row.rows),
  }))
}

async function insert(
  client: pg.PoolClient,
  request: SlotRequest,
  { startMicros, endMicros, quarters }: SlotWindow,
  nowMicros: number,
): Promise<Slot> {
  const { rows } = await client.query<SlotRow>({
    name: 'insert-slot',
    text: `
      insert into batch.slot as s (
        id, issuer, subject, idempotency_key, employer, period, region, rows, bytes, quarters,
        starts_at, ends_at, created_at
      )
      values (
        $1, $13, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10::numeric / 1000000),
        to_timestamp($11::numeric / 1000000), to_timestamp($12::numeric / 1000000)
      )
      returning ${slotColumns}`,
    values: [
      ...[randomUUID(), request.subject],
      request.idempotencyKey && ownerKeyOf(request, request.idempotencyKey),
      ...[request.employer, request.period, request.region, request.rows, request.bytes, quarters],
      ...[startMicros, endMicros, nowMicros, request.issuer],
    ],
  })
  const [row] = rows
  assert(row !== undefined, 'the inserted slot is returned')
  return slotOf(row)
}

/** Why a batch can't have a slot, in order of precedence. */
export type SlotRefusal =
  /** The slot does not exist, or belongs to another owner. */
  | 'slotUnknown'
  /** The slot is for another employer, period or region. */
  | 'slotDiffers'
  /** The slot has ended, or another batch uses it. */
  | 'slotOver'

/** Locks the slot for a batch. @returns why the batch may not have it; undefined if it may */
export async function lockAndCheckSlot(
  client: pg.PoolClient,
  id: string,
  upload: Owner & Pick<SlotRequest, 'employer' | 'period' | 'region'>,
  nowMicros: number,
): Promise<SlotRefusal | undefined> {
  const { rows } = await client.query<SlotRow>({
    name: 'lock-slot',
    text: `
      select ${slotColumns}
      from batch.slot s
      where s.id = $1 and s.subject = $2 and s.issuer in ($3, '')
      for update`,
    values: [id, upload.subject, upload.issuer],
  })
  const slot = rows[0] && slotOf(rows[0])
  if (slot === undefined) return 'slotUnknown'
  const names = ['employer', 'period', 'region'] as const
  if (names.some((name) => slot[name] !== upload[name])) return 'slotDiffers'
  return slot.batch !== undefined || slot.endMicros <= nowMicros ? 'slotOver' : undefined
}

/** In the transaction that locked the slot. */
export async function assignSlot(client: pg.PoolClient, id: string, batch: string): Promise<void> {
  await client.query({
    name: 'assign-slot',
    text: 'update batch.slot set batch = $2 where id = $1',
    values: [id, batch],
  })
}
