/**
 * `npm run replay`: rebuilds the ledger from the journal in a scratch schema and compares it with the
 * one in use. It prints every difference, and exits with 1 if there is one.
 */
import pg from 'pg'
import { createPersonIndex } from '../ledger/person.ts'
import { createPosting } from '../ledger/post.ts'
import {
  createScratchSchema,
  dropScratchSchema,
  type ReplayDependencies,
  replay,
  type TableComparison,
} from '../ledger/replay.ts'
import { postStatementMsMax } from '../limits.ts'
import { expectNoArguments, helpText } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { overwriteAside, say, tellAside, write } from '../platform/command/output.ts'
import { databaseFault } from '../platform/command/sqlstate.ts'
import { type Config, readConfig } from '../platform/config/config.ts'
import { openKeys } from '../platform/config/key-store.ts'
import { readPolicies } from '../platform/config/packs.ts'
import { noteCommand } from '../platform/installation/command-access.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { assertSchema } from '../platform/postgres/migrations.ts'
import { inTransaction, openPool, postingRole } from '../platform/postgres/postgres.ts'

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  expectNoArguments(args, helpText('Usage: npm run replay', {}, 'npm run replay'))
  const config = readConfig(process.env)
  const equal = await withDatabase(config, ({ ownerUrl }) => replayDatabase(config, ownerUrl))
  if (!equal) process.exitCode = 1
}

async function replayDatabase(config: Config, url: string): Promise<boolean> {
  const schema = `ledger_replay_${process.pid}_${Date.now()}`
  const searchPath = `${schema},journal`
  const [snapshot, scratch] = [new pg.Client(url), new pg.Client(url)]
  const pool = openPool({
    url,
    name: 'spillway-replay',
    connectionsMax: 2,
    statementMsMax: postStatementMsMax,
    role: postingRole,
    searchPath,
  })
  await Promise.all([snapshot.connect(), scratch.connect()])
  try {
    await assertSchema(pool)
    await noteCommand(config, url, 'replay')
    await createScratchSchema(scratch, schema, postingRole)
    const { sealingKeys } = openKeys(config.keyringFile, ['sealing'], 'npm run replay')
    const policies = readPolicies(config.policyDir)
    const post = rebuild(config, pool)
    return await replayInto({ schema, snapshot, scratch, post, sealingKeys, policies })
  } finally {
    await pool.end()
    await dropScratchSchema(scratch, schema)
    await Promise.all([snapshot.end(), scratch.end()])
  }
}

function rebuild(config: Config, pool: pg.Pool): (envelope: bigint) => Promise<unknown> {
  const { sealingKeys, blindIndexSecret } = openKeys(
    config.keyringFile,
    ['sealing', 'persons'],
    'npm run replay',
  )
  return createPosting({
    pool,
    inTransaction,
    sealingKeys,
    personIndex: createPersonIndex(blindIndexSecret),
    policies: readPolicies(config.policyDir),
    isDataFault: (error) => databaseFault(error) === 'data',
  })
}

type Target = Omit<ReplayDependencies, 'onProgress' | 'onDifference' | 'onMisassessed'>

async function replayInto(target: Target): Promise<boolean> {
  let differences = 0
  const startedAt = performance.now()
  const compared = await replay({
    ...target,
    onProgress: (done, total) => {
      if (process.stderr.isTTY) overwriteAside(`${done} of ${total} envelopes rebuilt `)
    },
    onDifference: (difference) => {
      differences += 1
      say(`${difference.table}: only in ${difference.in}: ${difference.row}`)
    },
    onMisassessed: ({ id, why }) => {
      differences += 1
      say(`${id}: ${why}`)
    },
  })
  tellAside(process.stderr.isTTY ? '\n' : '')
  write(tableOf(compared))
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  const verdict =
    differences === 0
      ? 'The ledger is what the journal says.'
      : `${differences} differ: the ledger is NOT what the journal says.`
  say(`${verdict} (${seconds} s)`)
  return differences === 0
}

function tableOf(compared: readonly TableComparison[]): string {
  const lines = compared.map(({ table, rows, rebuiltRows, checksum, rebuiltChecksum }) =>
    [
      table.padEnd(18),
      String(rows).padStart(10),
      String(rebuiltRows).padStart(10),
      ` ${checksum.slice(0, 12)} ${rebuiltChecksum.slice(0, 12)}`,
      checksum === rebuiltChecksum ? ' same' : ' DIFFERS',
    ].join(''),
  )
  const head = `${'table'.padEnd(18)}${'rows'.padStart(10)}${'rebuilt'.padStart(10)} checksum     rebuilt\n`
  return `${head}${lines.join('\n')}\n`
}

main(process.argv.slice(2)).catch(reportFailure)
