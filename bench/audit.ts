/**
 * `npm run bench:audit [-- --json]`: how many declarations the auditor checks in a second, on a
 * journal of groups of 64 that was accepted and posted before, with its client's history.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { auditHistory } from '../src/audit/audit.ts'
import { readKeyring } from '../src/platform/config/key-store.ts'
import { benchArguments } from './support/arguments.ts'
import { cpuMicrosOfFamily, startProgram } from './support/processes.ts'
import { type Figure, report, say } from './support/report.ts'
import { startServices } from './support/services.ts'

const declarations = Number(process.env.BENCH_DECLARATIONS ?? 100_000)

async function main(): Promise<void> {
  benchArguments('bench:audit', {})
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-bench-audit-'))
  try {
    const historyFile = path.join(folder, 'history.jsonl')
    const keyring = readKeyring(services.keyringFile)
    say(`accepting and posting ${declarations} declarations`)
    const filler = await startProgram('bench/programs/fill-journal.ts', {
      DATABASE_URL: services.databaseUrl,
      KEYRING_FILE: services.keyringFile,
      HISTORY_FILE: historyFile,
      BENCH_DECLARATIONS: String(declarations),
    })
    await filler.end()
    const client = new pg.Client({ connectionString: services.ownerUrl })
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
      salts: keyring.salts,
      publicKeys: keyring.receiptKeys.map(({ publicJwk }) => publicJwk),
      onProgress: (what) => say(`  ${((performance.now() - began) / 1_000).toFixed(1)} s ${what}`),
    })
    const seconds = (performance.now() - began) / 1_000
    const { user, system } = process.cpuUsage(cpu)
    const database = cpuMicrosOfFamily(services.postgresPid) - postgres
    await client.end()
    if (!audit.holds) throw new Error('the audit of an honest run does not hold')
    const cpuMicros = user + system + database
    const figures: Figure[] = [
      {
        figure: 'declarations audited on one core: auditor and Postgres together',
        value: (1_000_000 * declarations) / cpuMicros,
        unit: 'declarations/s',
        goal: { atLeast: 50_000 },
      },
      { figure: 'the same by the clock', value: declarations / seconds, unit: 'declarations/s' },
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

await main()
