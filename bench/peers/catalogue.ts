/** The peers that Spillway is compared to. */
import { bullmqPostgres } from './bullmq-postgres.ts'
import { bullmqRedis } from './bullmq-redis.ts'
import { graphileWorker } from './graphile-worker.ts'
import { oneTransaction } from './one-transaction.ts'
import type { Peer } from './peer.ts'
import { pgBoss } from './pg-boss.ts'

export const peers = {
  'one-transaction': oneTransaction,
  'bullmq-redis': bullmqRedis,
  'bullmq-postgres': bullmqPostgres,
  'pg-boss': pgBoss,
  'graphile-worker': graphileWorker,
} as const satisfies Record<string, Peer>

export type PeerName = keyof typeof peers

export const peerNames = Object.keys(peers) as PeerName[]

export function isPeer(name: string): name is PeerName {
  return name in peers
}
