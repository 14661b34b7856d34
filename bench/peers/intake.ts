/**
 * The HTTP edge of every peer: the same token, key and checks as in Spillway's intake, the shape among
 * them (Ajv would check it a second time). PEER names what keeps the declaration; no receipt is made.
 */
import Fastify from 'fastify'
import { createAuthenticator } from '../../src/intake/auth/authentication.ts'
import { requireAct, useBearerTokens } from '../../src/intake/auth/bearer.ts'
import { tokenKeys } from '../../src/intake/auth/token-keys.ts'
import { mayFileFor } from '../../src/intake/routes/submit.ts'
import { readIdempotencyKey } from '../../src/intake/wire/idempotency-key.ts'
import { declarationId } from '../../src/journal/digest.ts'
import { findingsPerAnswerMax, requestBodyBytesMax } from '../../src/limits.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { checkFiling } from '../../src/policy/check.ts'
import { contextOf, peerOf } from './context.ts'

const context = contextOf(process.env)
const accept = await peerOf(process.env).openIntake(context)

const app = Fastify({ logger: false, bodyLimit: requestBodyBytesMax })
const publicJwk = readKeyring(process.env.KEYRING_FILE ?? '').tokenKeys.map((key) => key.publicJwk)
const keys = tokenKeys({ publicJwk })
useBearerTokens(
  app,
  createAuthenticator({ issuer: 'spillway', audience: 'spillway', keys, now: Date.now }),
)
app.post('/v1/declarations', { onRequest: requireAct('file') }, async (request, reply) => {
  const key = readIdempotencyKey(request.headers['idempotency-key'])
  if (typeof key === 'string') return reply.code(400).send({ title: `key ${key}` })
  if (!mayFileFor(request, request.body)) return reply.code(403).send({ title: 'not yours' })
  const acceptedAtMicros = Date.now() * 1_000
  const { policies } = context.ledger
  const checked = checkFiling(request.body, {
    policies,
    nowMicros: acceptedAtMicros,
    keptMax: findingsPerAnswerMax,
  })
  if (checked.valid === undefined) {
    const { findings } = checked
    return reply.code(422).send({ errors: findings.first(findingsPerAnswerMax) })
  }
  const { declaration } = checked.valid
  const id = declarationId(declaration.employer, declaration.period, key.value)
  await accept({ id, sequence: nextSequence(), acceptedAtMicros, declaration }, checked)
  return reply.code(202).send({ id, status: 'accepted' })
})

let last = 0
/** Microseconds since 1970, each once: there is one intake process. */
function nextSequence(): number {
  last = Math.max(last + 1, Date.now() * 1_000)
  return last
}

const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 0) })
process.send?.({ ready: true, address })
process.once('SIGTERM', () => process.exit())
process.once('disconnect', () => process.exit())
