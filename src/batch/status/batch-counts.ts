/**
 * Batches in each stage, the longest wait, and the state of slots, for monitoring. The cost depends on
 * the batches under way, not on past ones.
 */
import type pg from 'pg'
import { readThroughput } from '../lease/throughput.ts'
import { slotRowsPerQuarter } from '../slots/reserve-slot.ts'
import { endedStages, holdsCapacity } from '../slots/slot.ts'
import { isEnded, type Stage, stages } from '../state/stages.ts'

export type BatchCounts = {
  /** For every stage that is not an end. */
  readonly byStage: ReadonlyMap<Stage, number>
  readonly oldestWaitingSeconds: number
  /** Slots that are not over and that no batch uses yet. */
  readonly slotsReserved: number
  readonly slotsUsed: number
  readonly slotRowsPerQuarter: number
}

export async function readBatchCounts(pool: pg.Pool): Promise<BatchCounts> {
  const [byStage, oldest, slots, rate] = await Promise.all([
    countByStage(pool),
    readOldestWaiting(pool),
    countSlots(pool),
    readThroughput(pool),
  ])
  return {
    byStage,
    oldestWaitingSeconds: oldest,
    slotsReserved: slots.reserved,
    slotsUsed: slots.used,
    slotRowsPerQuarter: slotRowsPerQuarter(rate),
  }
}

/** Each part of the union has an index of its own over the batches under way. */
async function countByStage(pool: pg.Pool): Promise<Map<Stage, number>> {
  const { rows } = await pool.query<{ stage: Stage; count: number }>({
    name: 'count-batches-by-stage',
    text: `
      select stage, count(*)::integer as count
      from (
        select stage from batch.batch where stage = 'receiving'
        union all
        select stage from batch.batch where stage in ('received', 'reading', 'checking', 'filing')
        union all
        select stage from batch.batch where stage = 'posting'
      ) under_way
      group by stage`,
  })
  const counts = new Map(stages.filter((stage) => !isEnded(stage)).map((stage) => [stage, 0]))
  for (const { stage, count } of rows) counts.set(stage, count)
  return counts
}

async function readOldestWaiting(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ seconds: string | null }>({
    name: 'read-oldest-waiting-batch',
    text: `
      select extract(epoch from now() - min(b.received_at)) as seconds
      from batch.batch b
      left join batch.work w on w.batch = b.id
      where b.stage in ('received', 'reading', 'checking', 'filing')
        and (w.leased_until is null or w.leased_until < now())`,
  })
  return Math.max(0, Number(rows[0]?.seconds ?? 0))
}

async function countSlots(pool: pg.Pool): Promise<{ reserved: number; used: number }> {
  const { rows } = await pool.query<{ reserved: number; used: number }>({
    name: 'count-slots',
    text: `
      select
        count(*) filter (where s.batch is null)::integer as reserved,
        count(*) filter (where s.batch is not null)::integer as used
      from batch.slot s
      where s.ends_at > now() and ${holdsCapacity}`,
    values: [endedStages],
  })
  return rows[0] ?? { reserved: 0, used: 0 }
}
