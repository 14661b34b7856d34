/** The access log of a test's own database: its writer, and what is in it. */
import type { Entry } from '../../src/access/entry.ts'
import { AccessLog, type AccessLogDependencies } from '../../src/access/log.ts'
import {
  type ChainFault,
  type ChainResult,
  readAccessLog,
  verifyAccessLog,
  type WitnessedHeads,
} from '../../src/access/read.ts'
import { activeKeys } from '../../src/platform/config/key-store.ts'
import type { Journal } from './journal.ts'

/** A writer of its own, as each intake process has one. */
export function openLog(
  { pool, keyring }: Journal,
  more: Partial<AccessLogDependencies> = {},
): AccessLog {
  return new AccessLog({ pool, key: activeKeys(keyring).sealingKey, ...more })
}

type Opened = Pick<Journal, 'pool' | 'keyring'>
const reading = ({ pool, keyring }: Opened) => ({ pool, keys: keyring.sealingKeys })

export async function readLog(journal: Opened): Promise<Entry[]> {
  const span = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER }
  const found: Entry[] = []
  for await (const { group: _, ...entry } of readAccessLog(reading(journal), span))
    found.push(entry)
  return found
}

export async function verifyLog(
  journal: Journal,
  witnessed: WitnessedHeads = {},
): Promise<ChainResult & { readonly faults: readonly ChainFault[] }> {
  const faults: ChainFault[] = []
  const verdict = await verifyAccessLog(reading(journal), witnessed, (one) => faults.push(one))
  return { ...verdict, faults }
}
