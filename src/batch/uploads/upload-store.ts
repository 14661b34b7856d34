/**
 * Where the bytes of files are until they are worked on: in Postgres, sealed, in chunks as they came.
 * What it tells a caller is durable; a file is never in memory. Any number of processes use it at once.
 *
 * If the process dies after
 * - `create` committed, before it is told: the same Idempotency-Key finds the batch again, with its
 *   slot. Without one, an empty batch expires.
 * - `begin`, before the first byte is durable: nothing was taken. Whoever begins next is the writer.
 *   The employers that its token did not name are taken from those that the file may be filed for, in the
 *   same statement, before any byte of it: rows of theirs are set aside, and never filed without a mandate.
 * - bytes arrived, before their chunk is committed: they are lost, one chunk at most; `received` does
 *   not count them, and the sender begins there.
 * - a chunk's commit, before it is told: `received` counts it; the sender asks before it goes on.
 * - the last chunk's commit: chunk, digest, stage, instant of receipt, its signed receipt and whether it
 *   was here before are one transaction, so the file is whole with all of them, or its last chunk is missing.
 *   Who brought it is written in the same transaction, as who begins and who cancels is in theirs (acts.ts).
 * - `cancel` or `expire` or `remove`: stage and deletion are one transaction.
 * There are no locks that outlive a process, and nothing to clean up after one.
 *
 * Two that append at once: the one that began later is the writer. The other's next append finds that
 * it is not, and takes nothing; so a new connection never waits for a dead one, and what is stored is
 * always one sender's bytes up to a point, and the next one's from there.
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
import { beginReceiving, type Mandate, type Part, restartReceiving } from './receive-bytes.ts'
import type { CancelOutcome, CreateOutcome, StoreDependencies } from './store-dependencies.ts'

export type UploadStore = {
  create(asked: NewUpload): Promise<CreateOutcome>
  /** @param viewer who finds it as far as it sees it (owner-view.ts), or not; whole unless given */
  find(id: string, viewer?: Viewer): Promise<Upload | undefined>
  /** The same, and all that is told of it is as durable as a new commit. */
  findDurable(id: string, viewer?: Viewer): Promise<Upload | undefined>
  /**
   * Makes the caller the writer, if the next byte is at `offset`. From then on the file may be filed for no
   * employer that its token does not name.
   */
  begin(id: string, part: Part): Promise<BeginOutcome>
  /** How many bytes more a file may have whose size was not said, beside the others of its owner. */
  room(upload: Upload): Promise<number>
  /** The same from the first byte: what is there is dropped. For what can't be sent in parts. */
  restart(id: string, mandate: Mandate): Promise<BeginOutcome>
  /**
   * The file's bytes from an offset, in order, as many as are durable when each piece is read.
   * @throws SealedPieceError where a chunk can't be opened; AssertionError where one is missing
   */
  read(id: string, offset: number): AsyncIterable<Uint8Array>
  /** @param by who does it, where that is to be kept */
  cancel(id: string, by?: FiledByToken): Promise<CancelOutcome>
  /** Gives up files of which nothing came for too long; returns how many. */
  expire(): Promise<number>
  /** Deletes the bytes of a batch that has been worked on; what is known of it stays. */
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
    find: (id, asker) => findUpload(dependencies, id, 'visible', asker),
    findDurable: (id, asker) => findUpload(dependencies, id, 'durable', asker),
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
