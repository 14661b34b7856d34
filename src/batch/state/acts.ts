/**
 * Records who did what with a file: began it, sent its last byte, or cancelled it; with which token,
 * from where, and when. Each act is sealed, bound to its file, and written in the transaction of what
 * was done, so neither exists without the other. No process may change or delete an act.
 *
 * Declarations of a file are filed by whoever sent its last byte; that travels with each declaration
 * (journal/attribution.ts). Parts in between come from the same subject of the same issuer, because
 * nobody else sees the file; their tokens are not recorded.
 */
import type pg from 'pg'
import type { FiledByToken } from '../../journal/attribution.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import { attributionBytesMax } from '../../limits.ts'
import { openBytes, sealBytes } from './seal.ts'

export type SenderAct = 'begin' | 'complete' | 'cancel'

/** `at` in milliseconds since 1970. */
export type BatchAct = { readonly act: SenderAct; readonly at: number; readonly by: FiledByToken }

export function sealAct(key: EnvelopeKey, batch: string, act: SenderAct, by: FiledByToken): Buffer {
  const text = JSON.stringify({ at: Date.now(), by })
  return sealBytes(key, bindingOf(batch, act), Buffer.from(text))
}

/** In the caller's transaction. */
export async function noteAct(
  client: Pick<pg.ClientBase, 'query'>,
  key: EnvelopeKey,
  batch: string,
  { act, by }: Pick<BatchAct, 'act' | 'by'>,
): Promise<void> {
  await client.query({
    name: 'note-batch-act',
    text: 'insert into batch.act (batch, act, sealed) values ($1, $2, $3)',
    values: [batch, act, sealAct(key, batch, act, by)],
  })
}

/** In the order in which they were done; none for a file from before acts were recorded. */
export async function readActs(
  pool: Pick<pg.Pool, 'query'>,
  keys: readonly EnvelopeKey[],
  batch: string,
): Promise<BatchAct[]> {
  const { rows } = await pool.query<{ act: SenderAct; sealed: Buffer }>({
    name: 'read-batch-acts',
    text: 'select act, sealed from batch.act where batch = $1 order by number',
    values: [batch],
  })
  return rows.map(({ act, sealed }) => {
    const text = openBytes(keys, bindingOf(batch, act), sealed, attributionBytesMax).toString()
    return { act, ...(JSON.parse(text) as Omit<BatchAct, 'act'>) }
  })
}

type Owned = { readonly batch: string; readonly issuer: string; readonly subject: string }

/** Who files the declarations of a file. For an older file, only its owner is known. */
export async function findFiler(
  pool: Pick<pg.Pool, 'query'>,
  keys: readonly EnvelopeKey[],
  { batch, issuer, subject }: Owned,
): Promise<FiledByToken> {
  const acts = await readActs(pool, keys, batch)
  const by = acts.findLast(({ act }) => act === 'complete')?.by ?? acts[0]?.by
  return { ...(by ?? { issuer, subject }), batch }
}

function bindingOf(batch: string, act: SenderAct): string {
  return `batch ${batch} ${act} by`
}
