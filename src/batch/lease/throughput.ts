/**
 * How fast batches are processed. Each worker process measures its own throughput and writes it to the
 * database. A row counts a third for each of three steps: read, checked, filed. Only time with files
 * that are not small counts: small files measure how soon work starts, not how fast it is.
 */
import type pg from 'pg'
import {
  rateKeptMs,
  rateReportMsMax,
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

  /**
   * Starts the clock for a file. @returns what to call at its end; overlapping files count their time
   * once
   */
  begin(): () => void {
    this.#pass()
    this.#working += 1
    return () => {
      this.#pass()
      this.#working -= 1
    }
  }

  /** Counts the rows of a written step. */
  count({ rows_read = 0, rows_good = 0, rows_set_aside = 0, rows_filed = 0 }: StepCounts): void {
    this.#rows += (rows_read + rows_good + rows_set_aside + rows_filed) / steps
    this.#pass()
  }

  /** Rows per second; undefined until enough work was measured. */
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

/**
 * Writes the throughput of a process and when it was last seen; deletes processes not seen for long.
 */
export async function reportThroughput(
  pool: pg.Pool,
  process: string,
  perSecond: number | undefined,
): Promise<void> {
  await pool.query({
    name: 'report-throughput',
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

/** Rows per second of all processes: average throughput × live workers (at least one). */
export async function readThroughput(client: pg.Pool | pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ of_one: number | null; processes: number }>({
    name: 'read-throughput',
    text: `
      select
        avg(rows_per_second)::float8 as of_one,
        count(*) filter (where seen_at > now() - $1 * interval '1 millisecond')::integer as processes
      from batch.rate
      where seen_at > now() - $2 * interval '1 millisecond'`,
    values: [rateReportMsMax, rateKeptMs],
  })
  const [read] = rows
  return (read?.of_one ?? rowsPerSecondUnmeasured) * Math.max(1, read?.processes ?? 0)
}
