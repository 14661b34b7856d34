/**
 * What a request holds is given back when its answer is over, or its connection: also where that was
 * before anybody listened, as while a token was verified.
 */
import type { FastifyReply } from 'fastify'

export function onceClosed({ raw }: Pick<FastifyReply, 'raw'>, giveBack: () => void): void {
  if (raw.destroyed) giveBack()
  else raw.once('close', giveBack)
}
