/** Checks Redis: whether it can hold the queue, was emptied, or is nearly full. */
import { randomInt, randomUUID } from 'node:crypto'
import type { RedisOptions as AllRedisOptions, Redis } from 'ioredis'
import { redisFullShare, redisLookEveryMs } from '../limits.ts'
import type { QueueCheck, QueueFault } from './backend.ts'
import { isRefusal, queueErrorCode } from './error-code.ts'

/** BullMQ knows no mapping of replies. */
export type RedisOptions = Omit<AllRedisOptions, 'replyMapping'>

export type ProbeDependencies = {
  readonly connect: () => Redis
  /** Lets all connections look anew where the queue is. */
  readonly reconnect: () => void
  /** Of keys that belong to no lane. */
  readonly prefix: string
}

/** A connection that looks at the server, made when it is first used. */
export function createProbe({ connect, reconnect, prefix }: ProbeDependencies) {
  const epochKey = `${prefix}:epoch`
  const self = randomUUID()
  let redis: Redis | undefined
  let epoch: string | undefined
  const open = () => {
    redis ??= connect()
    return redis
  }
  /** Another epoch, or none where there was one: it was emptied, or an older copy took over. */
  const lookAtEpoch = async () => {
    const made = `${Date.now()}-${randomInt(2 ** 47)}`
    const found = (await open().set(epochKey, made, 'NX', 'GET')) ?? made
    const emptied = epoch !== undefined && epoch !== found
    epoch = found
    return emptied
  }
  return {
    check: async (): Promise<QueueCheck> => {
      const faults: QueueFault[] = []
      const advice: string[] = []
      let emptied = false
      try {
        const info = await open().info()
        faults.push(...redisFaults(info))
        advice.push(...redisAdvice(info))
        if (isReplica(info)) reconnect()
        else {
          emptied = await lookAtEpoch()
          await open().eval('return 1', 1, epochKey) // the queue is made of scripts
        }
      } catch (error) {
        if (isRefusal(error as Error)) faults.push(refusalFault(error as Error))
      }
      return { faults, emptied, advice }
    },
    isFull: watchMemory(open),
    exchange: async (name: string, text: string, msMax: number): Promise<string[]> => {
      const key = `${prefix}:${name}`
      const redis = open()
      // By the store's clock: those of the processes' machines may be apart.
      const [seconds, micros] = await redis.time()
      const nowMs = 1_000 * Number(seconds) + Number(micros) / 1_000
      await redis.hset(key, self, `${nowMs} ${text}`)
      await redis.pexpire(key, msMax)
      const all = await redis.hgetall(key)
      const heard: string[] = []
      for (const [process, report] of Object.entries(all)) {
        if (process === self) continue
        const space = report.indexOf(' ')
        // Another store may have taken over, with a clock of its own.
        if (Math.abs(nowMs - Number(report.slice(0, space))) < msMax)
          heard.push(report.slice(space + 1))
        else await redis.hdel(key, process)
      }
      return heard
    },
  }
}

/**
 * Whether Redis has less room than its workers need. At `maxmemory` it refuses workers as well as producers,
 * and nothing drains it. The check runs now and then while something is enqueued. If Redis can't be asked,
 * it counts as having room: the enqueue itself will fail.
 */
function watchMemory(open: () => Redis): () => boolean {
  let full = false
  let lookedAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    const info = await open().info('memory')
    const [used, max] = [numberIn(info, 'used_memory'), numberIn(info, 'maxmemory')]
    full = max > 0 && used > redisFullShare * max
  }
  return () => {
    const now = performance.now()
    if (now - lookedAt > redisLookEveryMs) {
      lookedAt = now
      look().catch(() => {
        full = false
      })
    }
    return full
  }
}

function numberIn(info: string, name: string): number {
  return Number(infoField(info, name) ?? 0)
}

function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim()
}

/** Persistence is not asked for: what it would save, the sweeper finds in the journal. */
function redisAdvice(info: string): string[] {
  if (numberIn(info, 'maxmemory') > 0) return []
  return [
    'Redis has no maxmemory: what else grows in it can take the memory of its machine. Set it: config set maxmemory 1gb',
  ]
}

function isReplica(info: string): boolean {
  return infoField(info, 'role') === 'slave'
}

function refusalFault(error: Error): QueueFault {
  return {
    setting: queueErrorCode(error),
    risk: 'Redis refuses what the queue asks of it',
    mend: 'check user, password and rights of REDIS_URL, and that no command is renamed',
  }
}

/** From INFO, which needs no right to read the configuration. */
function redisFaults(info: string): QueueFault[] {
  const faults: QueueFault[] = []
  const policy = infoField(info, 'maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    const risk = `Redis drops parts of the queue when it is full (${policy})`
    faults.push({
      setting: 'maxmemory-policy',
      risk,
      mend: 'config set maxmemory-policy noeviction',
    })
  }
  if (isReplica(info)) {
    const risk = 'this Redis only follows another and takes nothing'
    faults.push({ setting: 'replica', risk, mend: 'point REDIS_URL at the primary' })
  }
  if (Number.parseInt(infoField(info, 'redis_version') ?? '7', 10) < 7) {
    faults.push({
      setting: 'redis_version',
      risk: 'releases before 7 are not tested',
      mend: 'upgrade',
    })
  }
  return faults
}
