import type { FiledByToken } from '../journal/attribution.ts'
import { uploadsOpenBytesMax } from '../limits.ts'
import { cancelUpload, expireUploads, removeBytes } from './end.ts'
import { findUpload } from './find.ts'
import { countOpen, createUpload } from './new-upload.ts'
import { readBytes } from './read.ts'
import type { BeginOutcome } from './receive.ts'
import { beginReceiving, type Mandate, type Part, restartReceiving } from './receive.ts'
import type { Asker } from './sight.ts'
import type { CancelOutcome, CreateOutcome, StoreDependencies } from './store-dependencies.ts'
import type { NewUpload, Upload } from './upload.ts'

export type UploadStore = {
  create(asked: NewUpload): Promise<CreateOutcome>
  /** @param asker who finds it as far as it sees it (sight.ts), or not; whole unless given */
  find(id: string, asker?: Asker): Promise<Upload | undefined>
  /** The same, and all that is told of it is as durable as a new commit. */
  findDurable(id: string, asker?: Asker): Promise<Upload | undefined>
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
    remove: (id) => removeBytes(dependencies, id),
  }
}
