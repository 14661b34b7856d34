/**
 * Where faults of a file's content part from faults of the system that reads it. What the source of its
 * bytes throws (Postgres away, a lease that is lost, a process that is to stop) is the system's, and goes
 * on as it was thrown: a later try may mend it. Anything else that reading throws comes from the content,
 * which is the same at every try: it ends the reading with a finding, and operators are told, as a reader
 * that throws has a defect. No memory to go on is the system's fault, too.
 */

import type { FileSource } from '../../formats/rows.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'

/** What the source threw. */
class SourceFault extends Error {}

/** A source whose errors are known to be its own. */
export function marked({ bytes, read, keep }: FileSource): FileSource {
  return {
    bytes,
    async *read(offset) {
      const pieces = read(offset)[Symbol.asyncIterator]()
      try {
        for (;;) {
          const { done, value } = await marking(() => pieces.next())
          if (done === true) return
          yield value
        }
      } finally {
        await marking(async () => pieces.return?.())
      }
    },
    ...(keep !== undefined && { keep: () => marking(keep) }),
  }
}

async function marking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new SourceFault('', { cause: error })
  }
}

/** That a reader has a defect; without its message, which may quote a person's line. */
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
 * The finding for what was thrown while a marked source was read.
 * @throws what the source threw, and lack of memory
 */
export function findingOfThrown(
  thrown: unknown,
  onDefect: (defect: ReaderDefect) => void,
): FileFinding {
  if (thrown instanceof SourceFault) throw thrown.cause
  if (isLackOfMemory(thrown)) throw thrown
  onDefect(new ReaderDefect(thrown))
  return fileFinding('FILE_NOT_READ')
}

const lacksOfMemory: readonly unknown[] = ['Z_MEM_ERROR', 'ERR_MEMORY_ALLOCATION_FAILED', 'ENOMEM']

function isLackOfMemory(thrown: unknown): boolean {
  return lacksOfMemory.includes(((thrown ?? {}) as { code?: unknown }).code)
}
