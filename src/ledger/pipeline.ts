/**
 * Pipelining: statements and the rows that their COPYs take, sent to Postgres in one write and
 * answered in one round trip. Step by step, each COPY costs two round trips and four writes, and
 * writing to the socket was a third of a worker's CPU time.
 *
 * Uses the simple query protocol (PostgreSQL manual, 54.2.2 and 54.2.6): the statements of one
 * message are one transaction, and after an error the server drops the COPY data that still comes.
 */
import type pg from 'pg'

/** What `pg` offers a query of its own kind: the socket's stream. */
type Connection = { readonly stream: { write(bytes: Buffer): boolean } }

type PipelinedQuery = {
  submit(connection: Connection): void
  handleCopyInResponse(): void
  handleCommandComplete(): void
  handleError(error: Error): void
  handleReadyForQuery(): void
  callback?: () => void
}

/**
 * Runs statements, in a transaction of their own unless one is open; `copies` are the texts for the
 * COPYs among them, in order. Resolves when all is done: when no transaction was open, committed.
 * @throws the server's error; then nothing is done
 */
export function runPipelined(
  client: pg.PoolClient,
  statements: readonly string[],
  copies: readonly string[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const bytes = messagesOf(statements.join(';'), copies)
    // The methods that pg calls on a query; pg's types name only the first. Its time-out is a timer
    // that holds the rows, and ends when `callback`, which pg puts there, is called.
    const query: PipelinedQuery = {
      submit: ({ stream }) => void stream.write(bytes),
      handleCopyInResponse: () => {}, // the rows are under way
      handleCommandComplete: () => {},
      handleError: (error) => {
        query.callback?.()
        reject(error)
      },
      handleReadyForQuery: () => {
        query.callback?.()
        resolve()
      },
    }
    client.query(query as unknown as pg.Submittable)
  })
}

const headerBytes = 5
const [queryType, copyDataType, copyDoneType] = [...'Qdc'].map((letter) => letter.charCodeAt(0))

/** A Query message, and CopyData and CopyDone for each COPY (PostgreSQL manual, 54.7). */
function messagesOf(statements: string, copies: readonly string[]): Buffer {
  const sizes = copies.map((text) => Buffer.byteLength(text))
  const queryBytes = Buffer.byteLength(statements) + 1
  const copyBytes = sizes.reduce((sum, size) => sum + headerBytes + size + headerBytes, 0)
  const bytes = Buffer.allocUnsafe(headerBytes + queryBytes + copyBytes)
  let end = startMessage(bytes, 0, queryType as number, queryBytes)
  end += bytes.write(`${statements}\0`, end)
  copies.forEach((text, i) => {
    end = startMessage(bytes, end, copyDataType as number, sizes[i] as number)
    end += bytes.write(text, end)
    end = startMessage(bytes, end, copyDoneType as number, 0)
  })
  return bytes
}

/** Writes a message's type and length, which counts itself but not the type. */
function startMessage(bytes: Buffer, at: number, type: number, contentBytes: number): number {
  bytes[at] = type
  return bytes.writeUInt32BE(4 + contentBytes, at + 1)
}
