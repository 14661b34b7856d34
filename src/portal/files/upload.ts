/**
 * Sends one file at a time for an employer, in parts, and knows after a reload which one was not sent to its end. Only
 * its address is kept, nothing that is in it: a page can't open a file again by itself, so it asks for the file.
 *
 * | the page ends after | then |
 * |---|---|
 * | the upload is kept | it is there as unfinished: the same file goes on, or it is given up |
 * | the last byte was sent | the same, until the page sees that all is there, and shows the file |
 */
import {
  type AttemptEvent,
  createClient,
  type FileDescription,
  type KeptUpload,
  type UploadOutcome,
} from '../../client/client.ts'
import { find, forget, keep } from '../filing/sealed.ts'
import { createStore, type Store } from '../state/store.ts'

export type Begun = { readonly upload: KeptUpload; readonly about: FileDescription }

export type Uploading =
  | { readonly kind: 'none' }
  /** Of before: it goes on with the same file. `other`: what was chosen is not what was begun. */
  | {
      readonly kind: 'unfinished'
      readonly begun: Begun
      readonly other?: 'file' | 'description' | undefined
    }
  | { readonly kind: 'reading'; readonly about: FileDescription }
  | {
      readonly kind: 'sending'
      readonly about: FileDescription
      readonly sent: number
      readonly size: number
      /** When it goes on; undefined while bytes are on their way. */
      readonly resumesAtMs?: number
    }
  /** Another tab sends one. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'ended'; readonly about: FileDescription; readonly outcome: UploadOutcome }
  /** The browser can't read it any more: it was saved again, moved or deleted since it was chosen. */
  | { readonly kind: 'unreadable'; readonly about: FileDescription }

export type Uploader = {
  readonly state: Store<Uploading>
  /** Finds what was begun before. */
  look(): Promise<void>
  /** @returns the id of the file's batch once all of it is there */
  send(file: Blob, about: FileDescription): Promise<string | undefined>
  stop(): void
  /**
   * Cancels what was begun. It stays where the service could not be asked.
   * @returns the id of the file's batch where it is too late to cancel
   */
  giveUp(): Promise<string | undefined>
}

/** What was not sent for so long without a byte has expired at the service. */
const giveUpAfterMs = 7 * 86_400_000

const uploaders = new Map<string, Uploader>()
export const client = createClient({ baseUrl: '' })

/**
 * @param amends of rows that are mended: what was changed in them is kept, and sent again it finds its batch, so that
 *   nothing of the upload is kept
 */
export function uploaderOf(subject: string, employer: string, amends?: string): Uploader {
  const name = `upload ${subject} ${employer}${amends === undefined ? '' : ` ${amends}`}`
  const uploader = uploaders.get(name) ?? createUploader(name, amends === undefined)
  uploaders.set(name, uploader)
  return uploader
}

function createUploader(name: string, isKept: boolean): Uploader {
  const state = createStore<Uploading>({ kind: 'none' })
  let stopping = new AbortController()

  const look = async () => {
    const { kind } = state.get()
    if (kind === 'sending' || kind === 'reading') return
    const begun = (await find<Begun>(name))?.value
    if (begun === undefined) return
    if (await isOver(begun)) await forget(name)
    else state.set({ kind: 'unfinished', begun })
  }
  const run = async (file: Blob, about: FileDescription) => {
    stopping = new AbortController()
    const begun = (await find<Begun>(name))?.value
    if (begun !== undefined && !isSameDescription(begun.about, about)) {
      state.set({ kind: 'unfinished', begun, other: 'description' })
      return undefined
    }
    state.set({ kind: 'reading', about })
    const shown = { kind: 'sending', about, size: file.size } as const
    let sent = 0
    const onAttempt = (event: AttemptEvent) => {
      const isWaiting = event.kind === 'waiting' && { resumesAtMs: event.resumesAtMs }
      state.set({ ...shown, sent, ...isWaiting })
    }
    const uploading = client.uploadFile(file, begun?.about ?? about, {
      ...(begun && { kept: begun.upload }),
      ...{ giveUpAfterMs, onAttempt, signal: stopping.signal, follows: false },
      ...(isKept && {
        keep: (upload) => keep(name, { upload, about: begun?.about ?? about }).catch(() => {}),
      }),
      onProgress: (progress) => {
        sent = progress.sent
        state.set({ ...shown, sent })
      },
    })
    const outcome = await uploading.catch((error: unknown) => {
      if (isUnreadable(error)) return undefined
      throw error
    })
    if (outcome !== undefined) return end(outcome, about)
    state.set({ kind: 'unreadable', about })
    return undefined
  }
  const end = async (outcome: UploadOutcome, about: FileDescription) => {
    if ('batch' in outcome && outcome.kind !== 'discarded') {
      await forget(name)
      state.set({ kind: 'none' })
      return outcome.batch.id
    }
    const begun = (await find<Begun>(name))?.value
    const other = outcome.kind === 'otherFile' ? 'file' : undefined
    if (begun !== undefined && (other !== undefined || outcome.kind === 'interrupted'))
      state.set({ kind: 'unfinished', begun, other })
    else state.set({ kind: 'ended', outcome, about })
    return undefined
  }
  return {
    state,
    look,
    send: (file, about) =>
      navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        if (lock !== null) return run(file, about)
        if (state.get().kind !== 'sending') state.set({ kind: 'elsewhere' })
        return undefined
      }),
    stop: () => stopping.abort(),
    giveUp: async () => {
      const begun = (await find<Begun>(name))?.value
      const outcome =
        begun === undefined
          ? ({ kind: 'notFound' } as const)
          : await client.cancelBatch(begun.upload.id)
      const { kind } = outcome
      if (kind !== 'cancelled' && kind !== 'notFound' && kind !== 'tooLate') return undefined
      await forget(name)
      state.set({ kind: 'none' })
      return kind === 'tooLate' ? begun?.upload.id : undefined
    },
  }
}

/** The month, region and way in which it is filed; the same file may have another name by now. */
function isSameDescription(one: FileDescription, other: FileDescription): boolean {
  const of = ({ employer, period, region, mode, kind }: FileDescription) =>
    JSON.stringify([employer, period, region, mode, kind])
  return of(one) === of(other)
}

/** As browsers say it of a file that is not any more what was chosen. */
function isUnreadable(error: unknown): boolean {
  return (
    error instanceof DOMException &&
    (error.name === 'NotReadableError' || error.name === 'NotFoundError')
  )
}

/** Its last byte came, though the page did not hear of it; or it is gone. */
async function isOver({ upload }: Begun): Promise<boolean> {
  const seen = await client.followBatch(upload.id, { giveUpAfterMs: 0 })
  return 'batch' in seen ? seen.batch.stage !== 'receiving' : seen.kind === 'notFound'
}
