/**
 * What intake replaces: one synchronous transaction for each request. The same body schema, then
 * one INSERT, committed before the answer, on a pool of 20 connections.
 */
import Fastify from 'fastify'
import pg from 'pg'
import type { Declaration } from '../../src/declaration/schema.ts'
import { declarationSchema } from '../../src/declaration/schema.ts'
import { requestBodyBytesMax } from '../../src/limits.ts'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL as string, max: 20 })
await pool.query(
  'create table if not exists synchronous_filing (id bigserial primary key, employer text not null, period text not null, key text not null, body jsonb not null, unique (employer, period, key))',
)
const app = Fastify({ logger: false, bodyLimit: requestBodyBytesMax })
app.post<{ Body: Declaration }>(
  '/v1/declarations',
  { schema: { body: declarationSchema } },
  async (request, reply) => {
    const { employer, period } = request.body
    await pool.query({
      name: 'insert-filing',
      text: 'insert into synchronous_filing (employer, period, key, body) values ($1, $2, $3, $4)',
      values: [employer, period, request.headers['idempotency-key'], JSON.stringify(request.body)],
    })
    return reply.code(202).send({ status: 'accepted' })
  },
)
const address = await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ ready: true, address })
process.once('SIGTERM', () => app.close().then(() => process.exit()))
process.once('disconnect', () => process.exit())
