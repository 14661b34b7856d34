/**
 * Reads the bytes of a file back chunk by chunk: one chunk is in memory at a time, never the file.
 */
import assert from 'node:assert/strict'
import { chunkBytesMax } from '../../limits.ts'
import { openBytes } from '../state/seal.ts'
import type { StoreDependencies } from './store-dependencies.ts'

type ChunkRow = { number: number; start: string; bytes: number; sealed: Buffer }

/** The associated data that a sealed chunk is bound to. */
export function chunkBinding(id: string, start: number): string {
  return `batch ${id} at ${start}`
}

/** Uses one statement for each chunk, so a reader that pauses holds no connection. */
export async function* readBytes(
  dependencies: Pick<StoreDependencies, 'pool' | 'sealingKeys'>,
  id: string,
  offset: number,
): AsyncGenerator<Uint8Array> {
  const first = await readChunk(dependencies, id, await findChunk(dependencies, id, offset))
  if (first === undefined) return
  let next = Number(first.start)
  for (let row: ChunkRow | undefined = first; row !== undefined; ) {
    assert.equal(Number(row.start), next, `batch ${id} lacks a chunk`)
    const { sealingKeys } = dependencies
    const bytes = openBytes(sealingKeys, chunkBinding(id, next), row.sealed, chunkBytesMax)
    assert.equal(bytes.length, row.bytes, `batch ${id} has a chunk of another length`)
    yield bytes.subarray(Math.max(0, offset - next))
    next += row.bytes
    row = await readChunk(dependencies, id, row.number + 1)
  }
}

/** The number of the chunk that contains an offset; 0, which no chunk has, beyond the last. */
async function findChunk(
  { pool }: Pick<StoreDependencies, 'pool'>,
  id: string,
  offset: number,
): Promise<number> {
  if (offset === 0) return 1
  const { rows } = await pool.query<{ number: number }>({
    name: 'find-chunk',
    text: `
      select number
      from batch.chunk
      where batch = $1 and start <= $2 and start + bytes > $2`,
    values: [id, offset],
  })
  return rows[0]?.number ?? 0
}

async function readChunk(
  { pool }: Pick<StoreDependencies, 'pool'>,
  id: string,
  number: number,
): Promise<ChunkRow | undefined> {
  const { rows } = await pool.query<ChunkRow>({
    name: 'read-chunk',
    text: 'select number, start, bytes, sealed from batch.chunk where batch = $1 and number = $2',
    values: [id, number],
  })
  return rows[0]
}
