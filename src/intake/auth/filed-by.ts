/**
 * Who filed a declaration, from the head of its envelope: told to auditors and supervisors of its region with
 * the status; and to who filed it, who asks for it (`?filedBy=true`). Anybody else is told nothing, not even that it is another:
 * of one employer, many persons file. An envelope is opened for it, some milliseconds for one of a
 * thousand declarations: so it is not told to filers with each look.
 */

import assert from 'node:assert/strict'
import type { FastifyRequest } from 'fastify'
import type { Attribution } from '../../journal/attribution.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import { isReached } from '../../journal/reading/reach.ts'
import { readEnvelope } from '../../journal/reading/read.ts'
import type { Queryable } from '../../journal/reading/read-pool.ts'
import type { Standing } from '../../ledger/status.ts'
import type { Filer } from './claims.ts'

export type FiledByDependencies = {
  readonly readPool: Queryable
  readonly sealingKeys: readonly EnvelopeKey[]
}

/** @param isAsked whether the request asks for it */
export async function findFiledBy(
  { readPool, sealingKeys }: FiledByDependencies,
  request: FastifyRequest,
  standing: Standing,
  isAsked: boolean,
): Promise<Attribution | undefined> {
  const { filer } = request
  assert(filer !== undefined, 'who asks has a token')
  const { trace } = filer.reach
  const mayTrace = trace !== undefined && isReached(trace, standing)
  if (!mayTrace && !isAsked) return undefined
  const { id, envelope } = standing
  const opened = await readEnvelope(readPool, sealingKeys, envelope, new Set([id]))
  const by = (opened?.accepted[0] ?? opened?.orders[0])?.filedBy
  return by !== undefined && (mayTrace || isOwn(filer, by)) ? by : undefined
}

function isOwn({ issuer, subject }: Filer, by: Attribution): boolean {
  return 'subject' in by && subject !== '' && by.subject === subject && by.issuer === issuer
}
