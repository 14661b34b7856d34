/**
 * A slot is a time in which a file goes before files without one. It orders work and never delays it.
 * It has nothing to do with the time of filing, which is when the file's last byte is received.
 */
import type pg from 'pg'
import { slotKeptMs, slotsListedMax } from '../../limits.ts'
import type { Owner } from '../state/owner.ts'
import { isEnded, stages } from '../state/stages.ts'
import type { SlotWindow } from './slot-windows.ts'

/** What the filer asks for. */
export type SlotRequest = Owner & {
  readonly idempotencyKey: string | undefined
  /** Undefined: the file has lines of several employers. */
  readonly employer: string | undefined
  readonly period: string
  readonly region: string
  readonly rows: number
  /** A larger file exceeds its reservation and is treated as one without a slot. */
  readonly bytes: number
}

export type Slot = Omit<SlotRequest, 'idempotencyKey'> &
  SlotWindow & {
    readonly id: string
    /** The batch that uses it. */
    readonly batch: string | undefined
  }

/** Stages in which a batch needs no more work and its slot's capacity is free again. */
export const endedStages = stages.filter(isEnded)

/** SQL: slot `s`, unless it is over, holds capacity, because the batch that uses it has not ended. */
export const holdsCapacity = `not exists (
  select from batch.batch b where b.id = s.batch and b.stage = any($1::text[])
)`

export type SlotRow = {
  id: string
  issuer: string
  subject: string
  employer: string | null
  period: string
  region: string
  rows: number
  bytes: string
  starts_at: string
  ends_at: string
  quarters: number
  batch: string | null
}

export const slotColumns = `
  s.id, s.issuer, s.subject, s.employer, s.period, s.region, s.rows, s.bytes, s.quarters, s.batch,
  (extract(epoch from s.starts_at) * 1000000)::bigint as starts_at,
  (extract(epoch from s.ends_at) * 1000000)::bigint as ends_at`

export function slotOf(row: SlotRow): Slot {
  const { id, issuer, subject, period, region, rows, quarters } = row
  return {
    ...{ id, issuer, subject, period, region, rows, quarters },
    employer: row.employer ?? undefined,
    bytes: Number(row.bytes),
    startMicros: Number(row.starts_at),
    endMicros: Number(row.ends_at),
    batch: row.batch ?? undefined,
  }
}

/** Finds a slot of its owner. */
export async function findSlot(
  pool: pg.Pool,
  id: string,
  { issuer, subject }: Owner,
): Promise<Slot | undefined> {
  const { rows } = await pool.query<SlotRow>({
    name: 'find-slot',
    text: `
      select ${slotColumns}
      from batch.slot s
      where s.id = $1 and s.subject = $2 and s.issuer in ($3, '')`,
    values: [id, subject, issuer],
  })
  return rows[0] && slotOf(rows[0])
}

/** An owner's slots, newest first: all upcoming ones and some past ones. */
export async function listSlots(pool: pg.Pool, { issuer, subject }: Owner): Promise<Slot[]> {
  const { rows } = await pool.query<SlotRow>({
    name: 'list-slots',
    text: `
      select ${slotColumns}
      from batch.slot s
      where s.subject = $1 and s.issuer in ($2, '')
      order by s.number desc
      limit $3`,
    values: [subject, issuer, slotsListedMax],
  })
  return rows.map(slotOf)
}

/** Releases a slot; a slot that a batch uses stays. @returns whether the slot is gone */
export async function releaseSlot(pool: pg.Pool, { id, ...owner }: Slot): Promise<boolean> {
  await pool.query({
    name: 'release-slot',
    text: 'delete from batch.slot where id = $1 and batch is null',
    values: [id],
  })
  return (await findSlot(pool, id, owner)) === undefined
}

/** Deletes unused slots some time after their end. */
export async function deleteUnusedSlots(pool: pg.Pool): Promise<void> {
  await pool.query({
    name: 'delete-unused-slots',
    text: `
      delete from batch.slot
      where ends_at < now() - $1 * interval '1 millisecond' and batch is null`,
    values: [slotKeptMs],
  })
}
