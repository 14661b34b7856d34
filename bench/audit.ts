/**
 * `npm run bench:audit [-- --json]`: how many declarations the auditor checks in a second, on a
 * journal of groups of 64 that was accepted and posted before, with its client's history.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { auditHistory } from '../src/audit/audit.ts'
import { HistoryFile } from '../src/audit/history.ts'
import { canonicalDeclaration } from '../src/declaration/canonical.ts'
import { createAcceptGroup, type Filing } from '../src/journal/accept.ts'
import { declarationId, digestOf } from '../src/journal/digest.ts'
import { createPersonIndex } from '../src/ledger/person.ts'
import { createPosting } from '../src/ledger/post.ts'
import { type Keyring, readKeyring } from '../src/platform/keyring.ts'
import { readPolicies } from '../src/platform/packs.ts'
import { inTransaction, openPool } from '../src/platform/postgres.ts'
import { createGenerator } from './support/generator.ts'
import { cpuMicrosOfFamily } from './support/processes.ts'
import { type Figure, report, say } from './support/report.ts'
import { startServices } from './support/services.ts'

const declarations = Number(process.env.BENCH_DECLARATIONS ?? 100_000)
const groupSize = 64

async function main(): Promise<void> {
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-bench-audit-'))
  try {
    const historyFile = path.join(folder, 'history.jsonl')
    const keyring = readKeyring(services.keyringFile)
    say(`accepting and posting ${declarations} declarations`)
    await fill(services.databaseUrl, keyring, new HistoryFile(historyFile))
    const client = new pg.Client({ connectionString: services.databaseUrl })
    await client.connect()
    await client.query('analyze')
    say('auditing')
    const [began, cpu, postgres] = [
      performance.now(),
      process.cpuUsage(),
      cpuMicrosOfFamily(services.postgresPid),
    ]
    const audit = await auditHistory({
      client,
      historyFile,
      sealingKeys: keyring.sealingKeys,
      publicKeys: keyring.receiptKeys.map(({ publicJwk }) => publicJwk),
      onProgress: (what) => say(`  ${((performance.now() - began) / 1_000).toFixed(1)} s ${what}`),
    })
    const seconds = (performance.now() - began) / 1_000
    const { user, system } = process.cpuUsage(cpu)
    const database = cpuMicrosOfFamily(services.postgresPid) - postgres
    await client.end()
    if (!audit.holds) throw new Error('the audit of an honest run does not hold')
    const figures: Figure[] = [
      {
        figure: 'declarations audited, auditor and Postgres taking turns',
        value: declarations / seconds,
        unit: 'declarations/s',
        goal: { atLeast: 50_000 },
      },
      { figure: 'CPU, auditor', value: (user + system) / declarations, unit: 'µs/declaration' },
      { figure: 'CPU, Postgres', value: database / declarations, unit: 'µs/declaration' },
      {
        figure: 'auditor resident size, at most',
        value: process.resourceUsage().maxRSS / 1_024,
        unit: 'MiB',
      },
    ]
    if (!report('bench:audit', figures)) process.exitCode = 1
  } finally {
    await services.stop()
    rmSync(folder, { recursive: true })
  }
}

async function fill(url: string, keyring: Keyring, history: HistoryFile): Promise<void> {
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const pool = openPool({
    url,
    name: 'bench',
    connectionsMax: 2,
    statementMsMax: 60_000,
    searchPath: 'ledger,journal',
  })
  const policies = readPolicies(undefined)
  const environment = () => 'bench'
  const accept = createAcceptGroup({ pool, signer, sealingKey, environment, lane: 'filing' })
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
    policy: { region, hash },
    digest: digestOf(canonical),
    acceptedAtMicros: 1_732_000_000_000_000,
    deadlineMicros: 1_733_000_000_000_000,
    onTime: true,
  }
}

await main()
