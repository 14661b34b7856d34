/**
 * What a team would otherwise build, as far as it differs from one to the next: how a declaration is
 * kept before it is answered, and how a worker comes by it. Everything else, the HTTP edge, the checks,
 * the assessment and the ledger's tables, is shared (intake.ts, worker.ts, ledger.ts).
 */
import type { CheckedFiling } from '../../src/policy/check.ts'
import type { Filed } from './filed.ts'
import type { Ledger } from './ledger.ts'

export type PeerContext = {
  /** The owner's URL of a database of the peer's own. */
  readonly databaseUrl: string
  /** A Redis that writes every command to disk before it answers. */
  readonly redisUrl: string
  readonly ledger: Ledger
}

/** Resolves when the declaration is durable: only then is it answered. */
export type Accept = (filed: Filed, checked: CheckedFiling) => Promise<void>

export type Peer = {
  readonly title: string
  /** Makes its tables, once for a database. */
  prepare(databaseUrl: string): Promise<void>
  openIntake(context: PeerContext): Promise<Accept>
  /** Posts for as long as the process lives. None where the request does it all. */
  readonly startWorker?: (context: PeerContext) => Promise<void>
  /** Ids of declarations that it still holds, to be posted later or by hand. */
  held(context: Omit<PeerContext, 'ledger'>): Promise<string[]>
  /** When it posts what a killed worker held, by the settings used here. */
  readonly recovers: string
}
