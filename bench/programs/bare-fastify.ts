/** What intake is compared to: a bare Fastify app with the same body schema that keeps nothing. */
import Fastify from 'fastify'
import { declarationSchema } from '../../src/declaration/schema.ts'
import { requestBodyBytesMax } from '../../src/limits.ts'

const app = Fastify({ logger: false, bodyLimit: requestBodyBytesMax })
app.post('/v1/declarations', { schema: { body: declarationSchema } }, async (_request, reply) =>
  reply.code(202).send({ status: 'accepted' }),
)
const address = await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ ready: true, address })
process.once('SIGTERM', () => app.close().then(() => process.exit()))
process.once('disconnect', () => process.exit())
