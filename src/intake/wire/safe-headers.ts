/**
 * What every answer tells a browser: to take it for what its media type says, to show it in no frame of
 * another page, and, where TLS ends in front of intake, to come by TLS alone from then on.
 */
import type { FastifyInstance } from 'fastify'

/** Of answers that Fastify writes. What is refused before it says the first, as it is no page. */
export const noSniffing = { 'x-content-type-options': 'nosniff' } as const

export const safeHeaders = {
  ...noSniffing,
  'x-frame-options': 'DENY',
  'content-security-policy': "frame-ancestors 'none'",
} as const

/** @param hstsSeconds 0: says nothing of TLS */
export function protectAnswers(app: FastifyInstance, hstsSeconds: number): void {
  const headers: Readonly<Record<string, string>> = {
    ...safeHeaders,
    ...(hstsSeconds > 0 && { 'strict-transport-security': `max-age=${hstsSeconds}` }),
  }
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
}
