/**
 * Stores the bytes of files until they are worked on: in Postgres, sealed, in the chunks in which they
 * came. Every answer is durable; a file is never in memory. Any number of processes may use it at once.
 *
 * If the process dies after
 * - `create` committed, before the answer: the same Idempotency-Key finds the batch again, with its
 *   slot. Without a key, the empty batch expires.
 * - `begin`, before the first byte is durable: nothing was stored. Whoever begins next is the writer.
 *   The same statement, before any byte, removes the employers that the token did not name from those
 *   that the file may be filed for. Their rows are rejected, and never filed without a mandate.
 * - bytes arrived, before their chunk is committed: these bytes are lost, at most one chunk. `received`
 *   does not count them, and the sender continues there.
 * - a chunk's commit, before the answer: `received` counts it. The sender asks before it continues.
 * - the last chunk's commit: chunk, digest, stage, instant of receipt, signed receipt and whether it is
 *   a duplicate are one transaction. So the file is complete with all of them, or its last chunk is
 *   missing. The same transaction records who sent it, as beginning and cancelling do in theirs
 *   (acts.ts).
 * - `cancel`, `expire` or `remove`: stage and deletion are one transaction.
 * No lock outlives a process, and nothing has to be cleaned up after one.
 *
 * Of two requests that append at once, the one that began later is the writer. The next append of the
 * other finds that out and stores nothing. So a new connection never waits for a dead one, and the
 * stored bytes are one sender's up to a point, and the next one's from there.
 */
import type { FiledByToken } from '../../journal/attribution.ts'
import { uploadsOpenBytesMax } from '../../limits.ts'
import type { NewUpload, Upload } from '../state/upload.ts'
import { cancelUpload, deleteBytes, expireUploads } from './cancel-and-expire.ts'
import { readBytes } from './chunk-reader.ts'
import { findUpload } from './find-batch.ts'
import { countOpen, createUpload } from './new-upload.ts'
import type { Viewer } from './owner-view.ts'
import type { BeginOutcome } from './receive-bytes.ts'
import { beginReceiving, type Mandate, restartReceiving, type UploadPart } from './receive-bytes.ts'
import type { CancelOutcome, CreateOutcome, StoreDependencies } from './store-dependencies.ts'

export type UploadStore = {
  create(asked: NewUpload): Promise<CreateOutcome>
  /**
   * @param viewer sees the batch as far as `owner-view.ts` allows, or not at all; without it, all is
   *   visible
   */
  find(id: string, viewer?: Viewer): Promise<Upload | undefined>
  /** The same, and the answer is as durable as a new commit. */
  findDurable(id: string, viewer?: Viewer): Promise<Upload | undefined>
  /**
   * Makes the caller the writer, if the next byte is at `offset`. From then on the file may be filed
   * only for employers that its token names.
   */
  begin(id: string, part: UploadPart): Promise<BeginOutcome>
  /** Bytes that a file of unannounced size may still have, beside the owner's other uploads. */
  room(upload: Upload): Promise<number>
  /** Begins again at the first byte and drops the stored ones. For senders that can't send parts. */
  restart(id: string, mandate: Mandate): Promise<BeginOutcome>
  /**
   * The file's bytes from an offset, in order, as many as are durable when each chunk is read.
   * @throws SealedBytesError if a chunk can't be opened; AssertionError if one is missing
   */
  read(id: string, offset: number): AsyncIterable<Uint8Array>
  /** @param by who cancels, where that is recorded */
  cancel(id: string, by?: FiledByToken): Promise<CancelOutcome>
  /** Expires uploads that received nothing for too long. @returns how many */
  expire(): Promise<number>
  /** Deletes the bytes of a processed batch; its record stays. */
  remove(id: string): Promise<void>
}

export function createUploadStore(dependencies: StoreDependencies): UploadStore {
  const confirmed = async <T>(done: Promise<T>): Promise<T> => {
    const outcome = await done
    await dependencies.confirm()
    return outcome
  }
  return {
    create: (asked) => confirmed(createUpload(dependencies, asked)),
    find: (id, viewer) => findUpload(dependencies, id, 'visible', viewer),
    findDurable: (id, viewer) => findUpload(dependencies, id, 'durable', viewer),
    begin: (id, part) => beginReceiving(dependencies, id, part),
    room: async (upload) => {
      const { bytes } = await countOpen(dependencies, upload, upload.id)
      return Math.max(0, uploadsOpenBytesMax - bytes - upload.received)
    },
    restart: (id, mandate) => restartReceiving(dependencies, id, mandate),
    read: (id, offset) => readBytes(dependencies, id, offset),
    cancel: (id, by) => confirmed(cancelUpload(dependencies, id, by)),
    expire: () => expireUploads(dependencies),
    remove: (id) => deleteBytes(dependencies, id),
  }
}
