/** What can't be posted leaves the queue to what can, and comes back slowly. */
import { createSecretKey, randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { countPutOff, putOff, takeDue } from '../../src/journal/put-off.ts'
import { readOldestWaitSeconds } from '../../src/journal/reading/unposted.ts'
import { envelopesAtATime, putOffMsMax, putOffMsMin, putOffPerSweep } from '../../src/limits.ts'
import { applicationRole } from '../../src/platform/postgres/postgres.ts'
import { createWorkerMetrics } from '../../src/platform/process/metrics.ts'
import { type LaneQueue, type QueueBackend, QueueFullError } from '../../src/queue/backend.ts'
import { openPostgresBackend } from '../../src/queue/postgres-backend.ts'
import { openRedisBackend } from '../../src/queue/redis-backend.ts'
import { startSweeper } from '../../src/queue/sweep.ts'
import { openPosting } from '../../workers/posting.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
beforeEach(async () => {
  journal = await openJournal()
})
afterEach(() => journal.close())

const poison = 12 * envelopesAtATime

/** Accepts so many under a key that the keyring lacks; returns their envelopes. */
async function acceptPoison(): Promise<bigint[]> {
  const [signer] = journal.keyring.receiptKeys
  if (signer === undefined) throw new Error('no key')
  const sealingKey = { kid: 'aaaaaaaaaaaa', secret: createSecretKey(randomBytes(32)) }
  const { pool } = journal
  const accept = createAcceptGroup({
    pool,
    signer,
    sealingKey,
    salts: journal.keyring.salts,
    environment: () => 'test',
    lane: 'filing',
  })
  const envelopes: bigint[] = []
  for (let i = 0; i < poison; i += 1) {
    const { envelope } = await accept([filingOf(declare({ lines: 1 }), `poison-${i}`)])
    envelopes.push(envelope as bigint)
  }
  return envelopes
}

function openPost() {
  const config = { policyDir: undefined, crashAt: undefined }
  const installation = { config, keyring: journal.keyring } as Parameters<typeof openPosting>[0]
  const metrics = createWorkerMetrics()
  return openPosting(installation, journal.pool, pino({ level: 'silent' }), metrics)
}

const unposted = async () =>
  (
    await journal.pool.query<{ envelope: string }>('select envelope from journal.unposted')
  ).rows.map(({ envelope }) => BigInt(envelope))

describe.each(['redis', 'postgres'] as const)('on %s', (kind) => {
  let redis: TestRedis | undefined
  let backend: QueueBackend
  let queue: LaneQueue
  beforeEach(async () => {
    const { url } = journal.database
    redis = kind === 'redis' ? await startRedis() : undefined
    backend =
      redis === undefined
        ? openPostgresBackend({ url, role: applicationRole, onError: () => {} })
        : openRedisBackend({ url: redis.url, namespace: 'poison', onError: () => {} })
    queue = backend.openQueue('filing')
  })
  afterEach(async () => {
    await queue.close()
    await backend.close()
    await redis?.stop()
  })

  test('many envelopes that can’t be opened keep no good one from being posted', async () => {
    const bad = await acceptPoison()
    const { envelope: good } = await journal.openWriter()([filingOf(declare(), 'good')])
    await queue.add(bad)
    await queue.add([good as bigint])
    const post = openPost()
    const worker = backend.openWorker('filing', (envelope) => post('filing', envelope))
    await waitFor('the queue to be empty', async () => (await queue.count()) === 0)
    expect(new Set(await unposted())).toEqual(new Set(bad))
    expect(await countPutOff(journal.pool)).toEqual(new Map([['UNKNOWN_KEY', poison]]))
    // Each was tried once, and none is due.
    const { rows } = await journal.pool.query(
      'select from journal.put_off where tries > 1 or next_try <= now()',
    )
    expect(rows).toEqual([])

    // The tail: of those that are due a sweep brings back some, and what is accepted meanwhile is posted.
    await journal.pool.query("update journal.put_off set next_try = now() - interval '1 second'")
    const sweeper = sweep(new Map([['filing', queue]]))
    const { envelope: later } = await journal.openWriter()([filingOf(declare(), 'later')])
    await queue.add([later as bigint])
    await waitFor('it and all tries', async () => {
      const text = 'select from journal.put_off where tries = 2'
      return (await journal.pool.query(text)).rows.length === poison
    })
    await waitFor('the good one', async () => !(await unposted()).includes(later as bigint))
    await sweeper.stop()
    await worker.close()
  })
})

function sweep(
  queues: Parameters<typeof startSweeper>[0]['queues'],
  onError: (error: unknown) => void = () => {},
) {
  return startSweeper({ pool: journal.pool, queues, onSwept: () => {}, onError, everyMs: 10 })
}

test('each try is twice as late as the one before, up to a most', async () => {
  const delays: number[] = []
  for (let tries = 1; tries <= 8; tries += 1) {
    await putOff(journal.pool, { number: 1n, lane: 'filing' }, 'UNREADABLE')
    const { rows } = await journal.pool.query<{ ms: number }>(
      'select extract(epoch from next_try - now())::float8 * 1000 as ms from journal.put_off',
    )
    delays.push(rows[0]?.ms ?? 0)
  }
  delays.forEach((ms, i) => {
    const goal = Math.min(putOffMsMax, putOffMsMin * 2 ** i)
    expect(ms).toBeGreaterThan(0.7 * goal)
    expect(ms).toBeLessThan(1.3 * goal)
  })
})

const wait = (from: number, to: number, lane = 'filing') =>
  journal.database.owner.query(
    `insert into journal.unposted (envelope, lane, declarations, accepted_at, committed_at)
     select n, $3, 1, now(), now() - interval '1 minute' from generate_series($1::integer, $2) n`,
    [from, to, lane],
  )

test('what is put off is taken some at a time, forgotten when posted, and counts for no backlog', async () => {
  const many = putOffPerSweep + 20
  await wait(1, many)
  expect(await readOldestWaitSeconds(journal.pool)).toBeGreaterThan(50)
  for (let n = 1; n <= many; n += 1) {
    await putOff(journal.pool, { number: BigInt(n), lane: 'filing' }, 'UNREADABLE')
  }
  expect(await readOldestWaitSeconds(journal.pool)).toBe(0)
  await journal.pool.query("update journal.put_off set next_try = now() - interval '1 second'")
  await journal.database.owner.query('delete from journal.unposted where envelope <= 5')
  const first = await takeDue(journal.pool, putOffPerSweep)
  const second = await takeDue(journal.pool, putOffPerSweep)
  expect(first.length + second.length).toBe(many - 5)
  expect(second.length).toBeGreaterThan(0)
  expect(await takeDue(journal.pool, putOffPerSweep)).toEqual([])
  const { rows } = await journal.pool.query('select from journal.put_off')
  expect(rows.length).toBe(many - 5)
})

test('a lane that takes nothing keeps no other from being swept', async () => {
  await wait(1, 3_000)
  await wait(3_001, 3_010, 'bulk')
  const added: bigint[] = []
  const lane = (add: LaneQueue['add']): LaneQueue => ({
    add,
    count: async () => 0,
    waiting: async () => 0,
    close: async () => {},
  })
  const errors: unknown[] = []
  const full = lane(async () => {
    throw new QueueFullError('Redis has too little room')
  })
  const takes = lane(async (envelopes) => void added.push(...envelopes))
  const sweeper = sweep(
    new Map([
      ['filing', full],
      ['bulk', takes],
    ]),
    (error) => errors.push(error),
  )
  await waitFor('the other lane', () => added.length >= 10)
  await sweeper.stop()
  expect(errors[0]).toBeInstanceOf(QueueFullError)
})
