/**
 * A backlog made without HTTP: declarations accepted straight into the journal, one in each envelope,
 * and put on the queue, with the same history as a filer would keep.
 */
import type { HistoryFile } from '../../src/audit/history.ts'
import { addDays, dayOf } from '../../src/declaration/period.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { type Filing, fileDeclaration } from '../../src/journal/filing.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { applicationRole, openPool } from '../../src/platform/postgres/postgres.ts'
import type { Policies } from '../../src/policy/rules.ts'
import { openPostgresBackend } from '../../src/queue/postgres-backend.ts'
import { openRedisBackend } from '../../src/queue/redis-backend.ts'
import { createGenerator, type Generator } from '../support/generator.ts'
import { FaultError } from './fault-error.ts'
import { environment, type World } from './world.ts'

const writers = 4
/** Of all backlogs of a run: neither attempts nor keys may come twice. */
let made = 0
const enqueuedAtATime = 500

export type BacklogOptions = {
  readonly world: World
  readonly history: HistoryFile
  readonly policies: Policies
  readonly envelopes: number
  readonly seed: number
}

/** Resolves when so many envelopes wait on the queue. */
export async function makeBacklog(options: BacklogOptions): Promise<void> {
  const numbers = await acceptAll(options)
  const { world } = options
  const onError = () => {}
  const backend =
    world.backend === 'redis'
      ? openRedisBackend({ url: world.redis?.url ?? '', namespace: environment, onError })
      : openPostgresBackend({ url: world.postgres.ownerUrl, role: applicationRole, onError })
  const queue = backend.openQueue('filing')
  try {
    for (let at = 0; at < numbers.length; at += enqueuedAtATime) {
      await queue.add(numbers.slice(at, at + enqueuedAtATime))
    }
    const waiting = await queue.waiting()
    if (waiting < numbers.length) throw new FaultError(`only ${waiting} envelopes wait`)
  } finally {
    await queue.close()
    await backend.close()
  }
}

async function acceptAll({ world, history, policies, envelopes, seed }: BacklogOptions) {
  const { receiptKeys, sealingKeys, salts } = readKeyring(world.keyringFile)
  const [signer] = receiptKeys
  const [sealingKey] = sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const pool = openPool({
    url: world.postgres.ownerUrl,
    name: 'fault-runner',
    connectionsMax: writers,
    statementMsMax: 20_000,
  })
  const numbers: bigint[] = []
  const until = made + envelopes
  const write = async (generator: Generator) => {
    const named = () => environment
    const accept = createAcceptGroup({
      pool,
      signer,
      sealingKey,
      salts,
      environment: named,
      lane: 'filing',
    })
    while (made < until) {
      made += 1
      const n = -made // attempts over HTTP have positive numbers
      const filing = filingOf(generator, policies, `backlog-${seed}-${made}`)
      const { id, employer, period, digest } = filing
      history.add({ kind: 'try', n, id, employer, period, digest: digest.toString('hex'), fen: [] })
      const { acceptances, envelope } = await accept([filing])
      const receipt = acceptances.get(id)?.receipt as string
      history.add({ kind: 'answer', n, status: 202, receipt })
      numbers.push(envelope as bigint)
    }
  }
  await Promise.all(
    Array.from({ length: writers }, (_, i) => write(createGenerator(seed * 100 + i + made))),
  )
  history.sync()
  await pool.end()
  return numbers
}

function filingOf(generator: Generator, policies: Policies, key: string): Filing {
  const nowMicros = Date.now() * 1_000
  const period = dayOf(nowMicros).slice(0, 7)
  const declaration = generator.declaration({ period, lines: 1 })
  const hash = policies.current.get(declaration.region)?.hash ?? ''
  const deadlineMicros = Date.parse(addDays(dayOf(nowMicros), 20)) * 1_000
  const rules = { hash, deadlineMicros }
  return fileDeclaration({
    declaration,
    rules,
    key,
    acceptedAtMicros: nowMicros,
    expects: 'anything',
  })
}
