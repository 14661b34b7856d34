/** What a peer's processes are told by their environment. */
import { isPeer, peers } from './catalogue.ts'
import { openLedger } from './ledger.ts'
import type { Peer, PeerContext } from './peer.ts'

type Environment = Readonly<Record<string, string | undefined>>

export function peerOf({ PEER = '' }: Environment): Peer {
  if (!isPeer(PEER)) throw new Error(`no such peer: ${PEER}`)
  return peers[PEER]
}

export function contextOf(environment: Environment): PeerContext {
  const { DATABASE_URL = '', REDIS_URL = '', KEYRING_FILE = '' } = environment
  return {
    databaseUrl: DATABASE_URL,
    redisUrl: REDIS_URL,
    ledger: openLedger(DATABASE_URL, KEYRING_FILE),
  }
}
