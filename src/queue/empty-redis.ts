/** Takes all keys of one namespace out of Redis, page by page: others' queues there are left alone. */
import { Redis } from 'ioredis'
import { enqueueMsMax, queueKeysAtATime } from '../limits.ts'
import { keyPatterns, tlsOf } from './redis-backend.ts'

/** @returns how many keys there were */
export async function emptyRedisQueue(options: {
  readonly url: string
  readonly ca?: string | undefined
  readonly namespace: string
}): Promise<number> {
  const redis = new Redis(options.url, {
    ...{ commandTimeout: enqueueMsMax, maxRetriesPerRequest: 2 },
    ...tlsOf(options.ca),
  })
  redis.on('error', () => {}) // the command says it
  let keys = 0
  try {
    for (const pattern of keyPatterns(options.namespace)) {
      let cursor = '0'
      do {
        const page = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', queueKeysAtATime)
        cursor = page[0]
        if (page[1].length > 0) keys += await redis.unlink(...page[1])
      } while (cursor !== '0')
    }
    return keys
  } finally {
    redis.disconnect()
  }
}
