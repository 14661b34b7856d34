/**
 * Metrics of files and slots.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TcpProxy } from '../../bench/faults/proxy.ts'
import { slotRowsPerQuarter } from '../../src/batch/slots/reserve-slot.ts'
import { rowsPerSecondUnmeasured } from '../../src/limits.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, freshMetricsOf, startProcess, tokenFor } from '../support/engine.ts'
import { batchReaches, csvOf, employersOf, type Row, rowsOf, sendFile } from './support.ts'

let database: TestDatabase
let intake: EngineProcess
/** The address where the worker is expected; it starts later, on another port. */
let door: TcpProxy
beforeAll(async () => {
  database = await createDatabase()
  door = await new TcpProxy(1).start()
  const urls = `http://127.0.0.1:1/metrics, http://127.0.0.1:${door.port}/metrics`
  intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    WORKER_METRICS_URL: urls,
  })
})
afterAll(async () => {
  await intake.end()
  await door.stop()
  await database.drop()
})

async function readMetrics() {
  const text = await freshMetricsOf(intake)
  const read = (name: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }
  return { text, read }
}

test('bytes received, files by stage, rows, how long files wait, and slots, and nothing of whom they are of', async () => {
  const rows = rowsOf(5)
  const token = await tokenFor(employersOf(rows))
  const [employer, idNumber, name] = rows[0] as Row
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const reserve = async () => {
    const body = JSON.stringify({ period: '2024-11', region: '340100', rows: 5 })
    const answer = await fetch(`${intake.address}/v1/slots`, { method: 'POST', headers, body })
    return ((await answer.json()) as { id: string }).id
  }
  const [slot] = [await reserve(), await reserve()]
  const file = csvOf([[employer, idNumber, name, 'abc'], ...rows.slice(1)])
  const id = await sendFile(intake.address, token, file, { slot })
  const waiting = await readMetrics()
  expect(waiting.read('spillway_upload_bytes_total')).toBe(file.length)
  expect(waiting.read('spillway_batches{stage="received"}')).toBe(1)
  expect(waiting.read('spillway_batches{stage="receiving"}')).toBe(0)
  expect(waiting.read('spillway_oldest_waiting_batch_seconds')).toBeGreaterThan(0)
  expect(waiting.read('spillway_slots{state="reserved"}')).toBe(1)
  expect(waiting.read('spillway_slots{state="used"}')).toBe(1)
  expect(waiting.read('spillway_slot_rows_per_quarter')).toBe(
    slotRowsPerQuarter(rowsPerSecondUnmeasured),
  )
  expect(waiting.text.match(/# a worker does not answer/g)).toHaveLength(2)

  const batches = await startProcess('batches', {
    DATABASE_URL: database.url,
    WORKER_PORT: '0',
  })
  door.retarget(Number(new URL(batches.address).port))
  try {
    await batchReaches(intake.address, token, id, ['posting'], 60_000)
    const filed = await readMetrics()
    expect(filed.read('spillway_batches{stage="posting"}')).toBe(1)
    expect(filed.read('spillway_batches{stage="received"}')).toBe(0)
    expect(filed.read('spillway_oldest_waiting_batch_seconds')).toBe(0)
    expect(filed.read('spillway_batch_rows_total{step="read"}')).toBe(5)
    expect(filed.read('spillway_batch_rows_total{step="set_aside"}')).toBe(1)
    expect(filed.read('spillway_batch_rows_total{step="filed"}')).toBe(4)
    for (const personal of [employer, idNumber, name, id, slot as string])
      expect(filed.text).not.toContain(personal)
  } finally {
    await batches.end()
  }
})
