/** The auditor on an engine of one's own, with what its filers wrote down. */
import pg from 'pg'
import { type AuditReport, auditHistory } from '../../src/audit/audit.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import type { World } from './world.ts'

export async function auditWorld(world: World, historyFile: string): Promise<AuditReport> {
  const { sealingKeys, receiptKeys, salts } = readKeyring(world.keyringFile)
  const client = new pg.Client({ connectionString: world.postgres.ownerUrl })
  await client.connect()
  try {
    return await auditHistory({
      client,
      historyFile,
      sealingKeys,
      salts,
      publicKeys: receiptKeys.map(({ publicJwk }) => publicJwk),
      onProgress: () => {},
    })
  } finally {
    await client.end()
  }
}
