/** What befalls a Redis is told in its own words, and everybody follows to the one that took over. */

import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TcpProxy } from '../../bench/faults/proxy.ts'
import { createQueueWatch, type QueueWatch } from '../../src/platform/installation/queue-watch.ts'
import type { QueueBackend } from '../../src/queue/backend.ts'
import { openRedisBackend } from '../../src/queue/redis-backend.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

let servers: [TestRedis, TestRedis]
let admins: [Redis, Redis]
let proxy: TcpProxy
let watch: QueueWatch
let backend: QueueBackend
let lines: { queue?: string }[]
beforeEach(async () => {
  servers = [await startRedis(), await startRedis()]
  admins = [new Redis(servers[0].url), new Redis(servers[1].url)]
  for (const admin of admins) await admin.client('SETNAME', 'admin')
  proxy = await new TcpProxy(portOf(servers[0])).start()
  lines = []
  const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line)) })
  watch = createQueueWatch(logger, () => {})
})
afterEach(async () => {
  watch.stop()
  await backend.close()
  for (const admin of admins) admin.disconnect()
  await proxy.stop()
  for (const server of servers) await server.stop()
})

const portOf = ({ url }: TestRedis) => Number(new URL(url).port)

function open(user = ''): void {
  const url = `redis://${user}127.0.0.1:${proxy.port}`
  backend = openRedisBackend({ url, namespace: 'failover', onError: watch.note })
  watch.watch(backend)
}

const says = (word: string) =>
  waitFor(`${word}, not ${watch.trouble}`, () => watch.trouble.includes(word))

/** Connections of the engine, which have no name of the test's. */
async function connectionsOf(admin: Redis): Promise<number> {
  const list = String(await admin.client('LIST', 'TYPE', 'NORMAL'))
  return list.split('\n').filter((line) => line !== '' && !line.includes('name=admin')).length
}

test.each(['idle', 'busy'])(
  'after a failover nobody stays with the old master: %s',
  async (how) => {
    const [old, taking] = admins
    await taking.replicaof('127.0.0.1', portOf(servers[0]))
    open()
    const queue = backend.openQueue('filing')
    const taken = new Set<bigint>()
    const worker = backend.openWorker('filing', async (envelope) => void taken.add(envelope))
    let last = 0n
    const add = () => {
      last += 1n
      return queue.add([last]).catch(() => {}) // what a sweeper is for
    }
    await add()
    await waitFor('the first', () => taken.has(1n))
    const adding = how === 'busy' ? setInterval(add, 20) : undefined

    await taking.replicaof('NO', 'ONE')
    await old.replicaof('127.0.0.1', portOf(servers[1]))
    await says('replica')
    proxy.retarget(portOf(servers[1])) // what is connected stays where it is
    await waitFor('all to follow', async () => (await connectionsOf(old)) === 0)
    clearInterval(adding)
    const before = last
    await waitFor('one more', async () => {
      if (taken.size === 0 || !taken.has(last) || last === before) await add()
      return [...taken].some((envelope) => envelope > before)
    })
    await waitFor('the trouble to be over', () => watch.trouble === '')
    await worker.close()
    await queue.close()
  },
)

test.each([
  ['no password', 'NOAUTH', '', (redis: Redis) => redis.config('SET', 'requirepass', 'secret')],
  [
    'a wrong password',
    'WRONGPASS',
    'default:wrong@',
    (redis: Redis) => redis.config('SET', 'requirepass', 'secret'),
  ],
  [
    'too few rights',
    'NOPERM',
    '',
    (redis: Redis) => redis.acl('SETUSER', 'default', '-eval', '-evalsha'),
  ],
])('%s is told by its first word, once', async (_what, word, user, set) => {
  await set(admins[0])
  open(user)
  const queue = backend.openQueue('filing')
  await says(word)
  await queue.add([1n]).catch(() => {})
  await queue.add([2n]).catch(() => {})
  expect(lines.filter((line) => line.queue?.includes(word)).length).toBe(1)
  expect(JSON.stringify(lines)).not.toMatch(/wrong|secret/)
  await queue.close()
})
