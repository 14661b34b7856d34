/**
 * A download that goes on for long ends soon after its holder is denied, its token is, or the token's key is
 * withdrawn: no piece is sent after that, and the last one is not sent either, so that who fetches it sees that it
 * broke off. A token that merely expires meanwhile was good when the download began.
 */
import type { FastifyRequest } from 'fastify'
import { streamTokenLookMs } from '../../limits.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { isWithdrawn } from './bearer.ts'

/** @throws RefusedRequestError in the place of the next piece */
export async function* whileHolds<T>(
  request: FastifyRequest,
  pieces: AsyncIterable<T>,
): AsyncGenerator<T> {
  const { filer, server } = request
  let lookedAt = performance.now()
  const look = async (isLast: boolean) => {
    // Denials are in memory; whether a key was withdrawn may take a signature.
    const isTime = isLast || performance.now() - lookedAt >= streamTokenLookMs
    if (isTime) lookedAt = performance.now()
    const isOver = isTime
      ? await isWithdrawn(request)
      : filer !== undefined && server.authenticator.denies(filer)
    if (isOver) throw new RefusedRequestError('TOKEN_WITHDRAWN')
  }
  for await (const piece of pieces) {
    await look(false)
    yield piece
  }
  await look(true)
}
