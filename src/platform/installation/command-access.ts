/**
 * Notes in the access log that a command is run which opens what is sealed, or tells who filed: before it
 * opens anything. Where that can't be noted, the command opens nothing.
 */
import { randomUUID } from 'node:crypto'
import { appendGroup } from '../../access/append.ts'
import { chainStart } from '../../access/chain.ts'
import type { ReadTarget } from '../../access/entry.ts'
import { accessStatementMsMax } from '../../limits.ts'
import { sentenceOf } from '../command/failure.ts'
import type { Config } from '../config/config.ts'
import { openKeys, sealerOf } from '../config/key-store.ts'
import { openPool } from '../postgres/postgres.ts'
import { operatorOf } from './operator.ts'

/** What was to be opened is closed still. */
export class AccessLogError extends Error {
  override name = 'AccessLogError'
}

/** @param read the command with what it was asked; nothing of what is in rows */
export async function noteCommand(
  { accessLog, keyringFile }: Config,
  url: string,
  read: string,
  seen: ReadTarget = {},
): Promise<void> {
  if (!accessLog) return
  const pool = openPool({
    ...{ url, name: 'spillway-access' },
    connectionsMax: 1,
    statementMsMax: accessStatementMsMax,
  })
  try {
    const who = await operatorOf(pool, read.split(' ', 1)[0] ?? '')
    const entry = { at: Date.now(), who, read, ...seen }
    const key = sealerOf(openKeys(keyringFile, ['sealing'], 'The access log'))
    await appendGroup({ pool, key }, chainStart, { writer: randomUUID(), nth: 1 }, [entry])
  } catch (error) {
    throw new AccessLogError(
      `Nothing was opened: the access log can't be written. ${sentenceOf(error)} With ACCESS_LOG=off nothing is noted.`,
    )
  } finally {
    await pool.end()
  }
}
