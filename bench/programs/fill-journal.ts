/**
 * Fills a journal and its ledger for bench:audit, and keeps its client's history: declarations of five
 * lines in groups of 64, accepted and posted. A process of its own, so that its memory is not the
 * auditor's. HISTORY_FILE and BENCH_DECLARATIONS say where to and how many.
 */
import { HistoryFile } from '../../src/audit/history.ts'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { declarationId, digestOf } from '../../src/journal/digest.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { createPersonIndex } from '../../src/ledger/person.ts'
import { createPosting } from '../../src/ledger/post.ts'
import { readConfig } from '../../src/platform/config/config.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { readPolicies } from '../../src/platform/config/packs.ts'
import { inTransaction, openPool, postingRole } from '../../src/platform/postgres/postgres.ts'
import { tellParent } from '../../src/platform/process/child.ts'
import { createGenerator } from '../support/generator.ts'

const declarations = Number(process.env.BENCH_DECLARATIONS)
const groupSize = 64

async function fill(): Promise<void> {
  const { databaseUrl = '', keyringFile } = readConfig(process.env)
  const keyring = readKeyring(keyringFile)
  const history = new HistoryFile(process.env.HISTORY_FILE ?? '')
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const pool = openPool({
    url: databaseUrl,
    name: 'bench',
    connectionsMax: 2,
    statementMsMax: 60_000,
    role: postingRole,
    searchPath: 'ledger,journal',
  })
  const policies = readPolicies(undefined)
  const environment = () => 'bench'
  const accept = createAcceptGroup({
    ...{ pool, signer, sealingKey, environment, lane: 'filing' },
    salts: keyring.salts,
  })
  const post = createPosting({
    pool,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    policies,
    isDataFault: () => false,
  })
  const hash = policies.current.get('340100')?.hash ?? ''
  const generator = createGenerator(1)
  for (let done = 0; done < declarations; done += groupSize) {
    const size = Math.min(groupSize, declarations - done)
    const group = Array.from({ length: size }, (_, i) => filing(generator, hash, done + i))
    for (const [i, { id, employer, period, digest }] of group.entries()) {
      const hex = digest.toString('hex')
      history.add({ kind: 'try', n: done + i, id, employer, period, digest: hex, fen: [] })
    }
    const { acceptances, envelope } = await accept(group)
    for (const [i, { id }] of group.entries()) {
      const receipt = acceptances.get(id)?.receipt as string
      history.add({ kind: 'answer', n: done + i, status: 202, receipt })
    }
    await post(envelope as bigint)
  }
  history.close()
  await pool.end()
}

function filing(generator: ReturnType<typeof createGenerator>, hash: string, n: number): Filing {
  const declaration = generator.declaration({ period: '2024-11', lines: 5 })
  const { employer, period, kind, region } = declaration
  const canonical = Buffer.from(canonicalDeclaration(declaration))
  return {
    id: declarationId(employer, period, `bench-${n}`),
    employer,
    period,
    kind,
    canonical,
    expects: 'anything',
    lines: declaration.lines?.length ?? 0,
    policy: { region, hash },
    digest: digestOf(canonical),
    acceptedAtMicros: 1_732_000_000_000_000,
    deadlineMicros: 1_733_000_000_000_000,
    onTime: true,
  }
}

await fill()
tellParent({ ready: true })
process.disconnect()
