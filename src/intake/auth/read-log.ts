/**
 * Notes each read that somebody with a token makes: every GET and HEAD, whatever its answer, so that no route
 * can be forgotten. What a handler finds out beyond the address, it leaves in `request.seen`. Who sees what
 * is others', as staff do, gets the answer once its entry is durable, else 503; a filer at once (src/access/log.ts).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessEntry, ReadTarget } from '../../access/entry.ts'
import { type AccessLog, AccessNotLoggedError } from '../../access/log.ts'
import { checkSocialCreditCode } from '../../declaration/social-credit-code.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { askerOf } from './asker.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What was read, as far as it is known. */
    seen: ReadTarget | undefined
  }
}

const noted = new WeakSet<FastifyRequest>()

/** @param log undefined: nothing is noted */
export function logReads(app: FastifyInstance, log: AccessLog | undefined): void {
  app.decorateRequest('seen', undefined)
  if (log === undefined) return
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { method, filer, reach } = request
    const isRead = filer !== undefined && (method === 'GET' || method === 'HEAD')
    // The problem that is sent where an entry could not be written is no read.
    if (!isRead || noted.has(request)) return void done()
    const entry = () => entryOf(request, reply.statusCode)
    if (reach === undefined || reach.regions.length === 0) {
      log.note(entry)
      return void done()
    }
    noted.add(request)
    log.write(entry()).then(
      () => done(),
      (error: unknown) => {
        reply.removeHeader('etag')
        const isLate = error instanceof AccessNotLoggedError
        done(isLate ? new RefusedRequestError('UNAVAILABLE') : (error as Error))
      },
    )
  })
}

function entryOf(request: FastifyRequest, status: number): AccessEntry {
  const { filer, seen, params } = request
  const { id, uscc } = (params ?? {}) as { id?: unknown; uscc?: unknown }
  const roles = filer?.roles ?? []
  const isPlain = roles.length === 1 && roles[0] === 'filer'
  return {
    at: Date.now(),
    who: isPlain ? askerOf(request) : { ...askerOf(request), roles },
    read: request.routeOptions.url ?? '',
    status,
    ...(typeof id === 'string' && isId(id) && { id }),
    ...(typeof uscc === 'string' && seenEmployer(uscc)),
    ...seen,
  }
}

/** An id that was given out; what else stands in an address may be anything. */
function isId(text: string): boolean {
  return /^(?:\d{6}-[0-9a-z]{26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.test(text)
}

/** An employer that an address names, where it can be one. */
export function seenEmployer(employer: string): ReadTarget {
  return checkSocialCreditCode(employer) === undefined ? { employer } : {}
}
