/**
 * Sends a file in parts by the tus 1.0 protocol and follows it to its end. Where a part went missing the intake is
 * asked how many bytes it has, and the file goes on there. A tus client of others would do the parts, but none that
 * is kept has Retry-After, attempts told apart by their problem, or comes without packages of its own.
 *
 * If the program ends after each step, with `keep` storing the upload:
 *
 * | ended after | then |
 * |---|---|
 * | the file is begun | the same file begins the same batch, by its key; the batch without bytes expires |
 * | `keep` | its address goes on with the same file, or is followed without it once all bytes are here |
 * | a part was sent | the same: the intake says how much of it came |
 * | the last part was sent | the same; the file is worked on, whoever watches |
 */
import { type Batch, isBatch, type KeptUpload } from './batch.ts'
import { ask } from './declarations.ts'
import { type Answer, type Connection, exchange, type Lost } from './exchange.ts'
import { contentOf, failureOf } from './failure.ts'
import { type FileDescription, keyOf, nameOfContent } from './file-content.ts'
import { endOf, type FollowOptions, followBatch, lookUpBatch } from './follow-batch.ts'
import { type Insisted, insist } from './insist.ts'
import { batchesOfContentMax, giveUpAfterMs, partBytesMax, partBytesMin, partMs } from './limits.ts'
import type { UploadOutcome } from './outcome.ts'
import { problemIn } from './problem.ts'

/**
 * `giveUpAfterMs` counts from the last byte that came: a large file may take longer.
 */
export type UploadOptions = FollowOptions & {
  /** An upload that was begun before: of another file it is not gone on with. */
  readonly kept?: KeptUpload
  /** Stores where the upload is, so that it can be gone on with after a reload. Awaited before the first byte. */
  readonly keep?: (upload: KeptUpload) => void | Promise<void>
  readonly onProgress?: (progress: { readonly sent: number; readonly size: number }) => void
  /** Ends when all bytes are here: the file is worked on, whoever watches. */
  readonly follows?: boolean
}

export async function uploadFile(
  connection: Connection,
  file: Blob,
  description: FileDescription,
  options: UploadOptions = {},
): Promise<UploadOutcome> {
  const { kept, keep, follows = true } = options
  const content = await nameOfContent(file, description, kept?.content)
  if (kept !== undefined && kept.content !== content) return { kind: 'otherFile', kept }
  const begun = await begin(connection, file, { description, content, kept }, options)
  if ('kind' in begun) return begun
  const { batch } = begun
  const upload = { address: `${batch.links.self}/file`, id: batch.id, content, size: file.size }
  await keep?.(upload)
  if (batch.stage === 'receiving') {
    const ended = await new Parts(connection, file, upload, options).send(batch.received)
    if (ended !== undefined) return ended
  }
  if (follows) return followBatch(connection, upload.id, options)
  const looked = await ask(connection, lookUpBatch(upload.id), patient(options))
  const seen = contentOf<Batch>(looked)
  if (seen === undefined) return failureOf(looked)
  return endOf(seen) ?? { kind: 'underWay', batch: seen }
}

const patient = (options: UploadOptions) => ({ giveUpAfterMs, ...options, fits: isBatch })

type Beginning = {
  readonly description: FileDescription
  readonly content: string
  readonly kept: KeptUpload | undefined
}

/**
 * Begins the batch of a file, or finds it. One that has ended used its key, so the next is tried: whether what the
 * earlier one filed stands, the intake decides, and says `duplicate` if it does.
 */
async function begin(
  connection: Connection,
  file: Blob,
  { description, content, kept }: Beginning,
  options: UploadOptions,
): Promise<{ readonly batch: Batch } | UploadOutcome> {
  if (kept !== undefined) {
    const looked = await ask(connection, lookUpBatch(kept.id), patient(options))
    const batch = contentOf<Batch>(looked)
    if (batch !== undefined && endOf(batch)?.kind !== 'discarded') return { batch }
    if (batch === undefined && looked.problem?.code !== 'NOT_FOUND') return failureOf(looked)
  }
  let found: Insisted | undefined
  for (let nth = 1; nth <= batchesOfContentMax; nth += 1) {
    const key = await keyOf(content, nth)
    const outgoing = {
      method: 'POST',
      path: '/v1/batches',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ ...description, size: file.size }),
    } as const
    found = await ask(connection, outgoing, patient(options))
    const batch = contentOf<Batch>(found)
    if (batch === undefined) return failureOf(found)
    if (endOf(batch) === undefined) return { batch }
  }
  throw new RangeError(`${batchesOfContentMax} batches of the same file have ended`)
}

/** The parts of one upload, from where the intake has it to the last byte. */
class Parts {
  readonly #connection: Connection
  readonly #file: Blob
  readonly #upload: KeptUpload
  readonly #options: UploadOptions
  #offset = 0
  #partBytes = partBytesMin
  /** It is not known how many bytes are there. */
  #isUnsure = false

  constructor(connection: Connection, file: Blob, upload: KeptUpload, options: UploadOptions) {
    this.#connection = connection
    this.#file = file
    this.#upload = upload
    this.#options = options
  }

  /** @returns undefined once all bytes are there */
  async send(received: number): Promise<UploadOutcome | undefined> {
    this.#reach(received)
    const { size } = this.#upload
    while (this.#offset < size) {
      const ended = await insist(this.#connection, {
        giveUpAfterMs,
        ...this.#options,
        send: () => this.#attempt(),
        fits: isBatch,
        isDone: isPartTaken,
      })
      const failed = ended.kind === 'gaveUp' || ended.answer.status >= 300
      if (failed) return this.#interrupted(ended)
    }
    return undefined
  }

  #interrupted(ended: Insisted): UploadOutcome {
    const failure = failureOf(ended)
    if (failure.kind !== 'unavailable') return failure
    return { ...failure, kind: 'interrupted', upload: this.#upload, received: this.#offset }
  }

  /** One part; before it, where the last one went missing, how many bytes are there. */
  async #attempt(): Promise<Answer | Lost> {
    if (this.#isUnsure) {
      const looked = await exchange(this.#connection, lookUpBatch(this.#upload.id), this.#options)
      const batch = 'lost' in looked ? undefined : contentOf<Batch>(answered(looked))
      if (batch === undefined || !isBatch(batch)) return looked
      this.#isUnsure = false
      this.#reach(batch.stage === 'receiving' ? batch.received : this.#upload.size)
      if (this.#offset >= this.#upload.size) return looked as Answer
    }
    const came = await this.#sendPart()
    if ('lost' in came || !isPartTaken(came)) this.#isUnsure = true
    else this.#reach(Number(came.headers.get('upload-offset')))
    // A part that came twice, or in two ways at once: what is there decides.
    return isElsewhere(came) ? { lost: 'broken' } : came
  }

  async #sendPart(): Promise<Answer | Lost> {
    const from = this.#offset
    const beganMs = Date.now()
    const outgoing = {
      method: 'PATCH',
      path: this.#upload.address,
      headers: {
        'tus-resumable': '1.0.0',
        'content-type': 'application/offset+octet-stream',
        'upload-offset': String(from),
      },
      body: this.#file.slice(from, from + this.#partBytes),
    } as const
    const came = await exchange(this.#connection, outgoing, this.#options)
    const isQuick = !('lost' in came) && Date.now() - beganMs < partMs
    const wanted = isQuick ? 2 * this.#partBytes : this.#partBytes / 2
    this.#partBytes = Math.min(partBytesMax, Math.max(partBytesMin, wanted))
    return came
  }

  #reach(offset: number): void {
    this.#offset = offset
    this.#options.onProgress?.({ sent: offset, size: this.#upload.size })
  }
}

function answered(answer: Answer): Insisted {
  return { kind: 'answer', answer, problem: problemIn(answer) }
}

function isPartTaken({ status, headers }: Answer): boolean {
  return status === 204 && /^\d+$/.test(headers.get('upload-offset') ?? '')
}

const elsewhereCodes = ['UPLOAD_OFFSET_CONFLICT', 'UPLOAD_OVERTAKEN', 'UPLOAD_BROKEN']

function isElsewhere(came: Answer | Lost): boolean {
  return !('lost' in came) && elsewhereCodes.includes(problemIn(came)?.code ?? '')
}
