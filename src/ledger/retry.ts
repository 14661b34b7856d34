/**
 * Retries a dead letter after a fix: posts it from the journal like any other declaration, in ONE transaction
 * with the record of the retry.
 *
 * If the process dies before the commit, nothing is stored, and it can be tried again; after it, the
 * declaration is posted, and another try finds it so: its row's key lets it in once.
 *
 * A reassessment may come late: by then, another one has gone back behind it. Its rows are posted, as they
 * are when the ledger is rebuilt, and it counts for nothing.
 */
import type pg from 'pg'
import { readEnvelope } from '../journal/reading/read.ts'
import { type DeadLetter, deadLetterOf } from './dead-letter.ts'
import { raiseInForce } from './in-force.ts'
import { runPipelined } from './pipeline.ts'
import { type PostDependencies, prepareAll } from './post.ts'
import { copiesOf, isDeclaration } from './rows.ts'

export type RetryOutcome =
  | { readonly kind: 'posted' }
  /** Posted, and doesn't count: meanwhile another reassessment followed what it follows. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'alreadyPosted' }
  | { readonly kind: 'failed'; readonly letter: DeadLetter }

export type Retried = {
  readonly id: string
  readonly envelope: bigint
  readonly position: number
  readonly operator: string
}

/** @throws faults that another try may fix, such as an unreachable database */
export async function retryDeadLetter(
  dependencies: PostDependencies,
  retried: Retried,
): Promise<RetryOutcome> {
  const { pool, sealingKeys, isDataFault, inTransaction } = dependencies
  const { envelope, position } = retried
  const opened = await readEnvelope(pool, sealingKeys, envelope)
  const isIt = (one: { position: number }) => one.position === position
  const { ready, deadLetters } = await prepareAll(dependencies, {
    number: envelope,
    lane: opened?.lane ?? 'filing',
    accepted: (opened?.accepted ?? []).filter(isIt),
    orders: (opened?.orders ?? []).filter(isIt),
  })
  const [letter] = deadLetters
  if (letter !== undefined) return fail(pool, retried, letter)
  try {
    return await inTransaction(pool, async (client) => {
      const { statements, texts } = copiesOf(ready)
      await runPipelined(client, [...statements, ...raiseInForce(envelope, ready)], texts)
      await noteRetry(client, retried, undefined)
      const reassessed = ready.some((one) => !isDeclaration(one))
      return { kind: reassessed && !(await counts(client, retried)) ? 'superseded' : 'posted' }
    })
  } catch (error) {
    const { code, table } = error as { code?: unknown; table?: unknown }
    if (code === '23505' && (table === 'declaration' || table === 'reassessment')) {
      return { kind: 'alreadyPosted' }
    }
    if (!isDataFault(error)) throw error
    return fail(pool, retried, deadLetterOf(retried, error))
  }
}

async function counts(
  client: Pick<pg.Pool, 'query'>,
  { envelope, position }: Retried,
): Promise<boolean> {
  const { rows } = await client.query(
    'select from ledger.reassessment_that_counts where envelope = $1 and position = $2',
    [envelope, position],
  )
  return rows.length > 0
}

async function fail(pool: pg.Pool, retried: Retried, letter: DeadLetter): Promise<RetryOutcome> {
  await noteRetry(pool, retried, letter)
  return { kind: 'failed', letter }
}

async function noteRetry(
  client: Pick<pg.Pool, 'query'>,
  { envelope, position, operator }: Retried,
  letter: DeadLetter | undefined,
): Promise<void> {
  await client.query(
    `insert into dead_letter_retry (envelope, position, operator, posted, code, reason)
     values ($1, $2, $3, $4, $5, $6)`,
    [envelope, position, operator, letter === undefined, letter?.code, letter?.reason],
  )
}
