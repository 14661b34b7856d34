/**
 * Separates faults of a file's content from faults of the system that reads it. Errors of the byte
 * source (Postgres away, a lost lease, a process that is to stop) are the system's: they pass through
 * unchanged, and a later try may succeed. Any other error while reading comes from the content, which
 * is the same at every try: it ends the reading with a finding and is reported to operators, because a
 * reader that throws has a defect. Lack of memory is the system's fault, too.
 */

import type { FileSource } from '../../formats/rows.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'

/** An error that the source threw. */
class SourceError extends Error {}

/** Wraps a source so that its errors can be told from others. */
export function markSourceErrors({ bytes, read, heartbeat }: FileSource): FileSource {
  return {
    bytes,
    async *read(offset) {
      const pieces = read(offset)[Symbol.asyncIterator]()
      try {
        for (;;) {
          const { done, value } = await markErrors(() => pieces.next())
          if (done === true) return
          yield value
        }
      } finally {
        await markErrors(async () => pieces.return?.())
      }
    },
    ...(heartbeat !== undefined && { heartbeat: () => markErrors(heartbeat) }),
  }
}

async function markErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new SourceError('', { cause: error })
  }
}

/** A reader has a defect. It omits the error's message, which may quote a person's line. */
export class ReaderDefect extends Error {
  override name = 'ReaderDefect'

  constructor(thrown: unknown) {
    const { name = typeof thrown, stack = '' } = thrown instanceof Error ? thrown : {}
    super(`a reader of files threw ${name}`)
    const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
    this.stack = [`${this.name}: ${this.message}`, ...frames].join('\n')
  }
}

/**
 * The finding for an error that was thrown while a wrapped source was read.
 * @throws what the source threw, and lack of memory
 */
export function findingOfThrown(
  thrown: unknown,
  onDefect: (defect: ReaderDefect) => void,
): FileFinding {
  if (thrown instanceof SourceError) throw thrown.cause
  if (isLackOfMemory(thrown)) throw thrown
  onDefect(new ReaderDefect(thrown))
  return fileFinding('FILE_NOT_READ')
}

const lacksOfMemory: readonly unknown[] = ['Z_MEM_ERROR', 'ERR_MEMORY_ALLOCATION_FAILED', 'ENOMEM']

function isLackOfMemory(thrown: unknown): boolean {
  return lacksOfMemory.includes(((thrown ?? {}) as { code?: unknown }).code)
}
