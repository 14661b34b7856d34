/** What readiness asks of a process's database, its settings and its queue. */
import type pg from 'pg'
import { type DurabilityWatch, namesOf } from '../postgres/durability.ts'
import { assertMigrated } from '../postgres/migrations.ts'
import type { CommitWatch } from './commit-watch.ts'
import type { QueueWatch } from './queue-watch.ts'

/** @param commits of a process that accepts */
export function healthOf(
  pool: pg.Pool,
  durability: DurabilityWatch,
  queue: QueueWatch,
  commits?: CommitWatch,
) {
  return {
    checkDatabase: () => assertMigrated(pool),
    durability: () => ({ refuses: durability.refuses, settings: namesOf(durability.faults) }),
    commitTrouble: () => commits?.trouble ?? '',
    queueTrouble: () => queue.trouble,
  }
}
