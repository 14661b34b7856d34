/**
 * A Fastify app that posts in the request: one synchronous transaction with the declaration, its lines
 * and amounts, committed before the answer. No queue and no worker: nothing waits, and nothing is
 * accepted while the ledger can't be written.
 */
import { postStatement, postValues } from './ledger.ts'
import type { Peer } from './peer.ts'

export const oneTransaction: Peer = {
  title: 'Fastify, one transaction for each request',
  prepare: async () => {},
  openIntake:
    async ({ ledger }) =>
    async (filed, { valid, findings }) => {
      if (valid === undefined) throw new Error('only valid declarations are posted')
      const prepared = ledger.assess(filed, valid, findings.counts())
      await ledger.pool.query({ ...postStatement, values: postValues([prepared]) })
    },
  held: async () => [],
  recovers: 'no worker',
}
