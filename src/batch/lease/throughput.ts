/**
 * How fast files are worked on: each batch worker's process measures it by its own work, and tells it in
 * the database. A row counts a third for each step that it comes through (read, checked, filed), by the
 * time in which the process worked on files that are not small: small ones measure how soon work begins.
 */
import type pg from 'pg'
import {
  rateKeptMs,
  rateToldMsMax,
  rateWorkMsHalved,
  rateWorkMsMin,
  rowsPerSecondUnmeasured,
} from '../../limits.ts'
import type { StepCounts } from './batch-lease.ts'

const steps = 3

export class ThroughputMeter {
  readonly #nowMs: () => number
  #rows = 0
  #workMs = 0
  #working = 0
  #sinceMs = 0

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Work on a file begins; returns what to call when it is left. Of several at once, time counts once. */
  begin(): () => void {
    this.#pass()
    this.#working += 1
    return () => {
      this.#pass()
      this.#working -= 1
    }
  }

  /** A step was written. */
  count({ rows_read = 0, rows_good = 0, rows_set_aside = 0, rows_filed = 0 }: StepCounts): void {
    this.#rows += (rows_read + rows_good + rows_set_aside + rows_filed) / steps
    this.#pass()
  }

  /** Rows a second; undefined until there was enough work to tell. */
  get perSecond(): number | undefined {
    this.#pass()
    const enough = this.#workMs >= rateWorkMsMin && this.#rows > 0
    return enough ? this.#rows / (this.#workMs / 1_000) : undefined
  }

  #pass(): void {
    const now = this.#nowMs()
    if (this.#working > 0) this.#workMs += now - this.#sinceMs
    this.#sinceMs = now
    if (this.#workMs < 2 * rateWorkMsHalved) return
    this.#workMs /= 2
    this.#rows /= 2
  }
}

/** Writes down what a process measured, and that it is there; forgets those that are long gone. */
export async function reportThroughput(
  pool: pg.Pool,
  process: string,
  perSecond: number | undefined,
): Promise<void> {
  await pool.query({
    name: 'tell-batch-rate',
    text: `
      with gone as (
        delete from batch.rate where seen_at < now() - $3 * interval '1 millisecond'
      )
      insert into batch.rate (process, rows_per_second)
      values ($1, $2)
      on conflict (process) do update
      set rows_per_second = excluded.rows_per_second, seen_at = now()`,
    values: [process, perSecond ?? null, rateKeptMs],
  })
}

/**
 * Rows a second of all processes together: as many times what one does on average as there are, and once
 * where none is, as one must come before anything is worked on.
 */
export async function readThroughput(client: pg.Pool | pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ of_one: number | null; processes: number }>({
    name: 'read-batch-rate',
    text: `
      select
        avg(rows_per_second)::float8 as of_one,
        count(*) filter (where seen_at > now() - $1 * interval '1 millisecond')::integer as processes
      from batch.rate
      where seen_at > now() - $2 * interval '1 millisecond'`,
    values: [rateToldMsMax, rateKeptMs],
  })
  const [read] = rows
  return (read?.of_one ?? rowsPerSecondUnmeasured) * Math.max(1, read?.processes ?? 0)
}
