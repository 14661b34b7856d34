/**
 * `npm run reassess -- --region CODE --from YYYY-MM --to YYYY-MM [--dry-run]`: shows what the current
 * pack changes in amounts posted with earlier ones, for how many and why. Without --dry-run it orders
 * the differences, which workers post in the bulk lane.
 */

import { isPeriod } from '../declaration/period.ts'
import { createAcceptGroup } from '../journal/accept.ts'
import { loadPacks, recordPacks } from '../journal/policy-packs.ts'
import { createPersonIndex } from '../ledger/person.ts'
import { countUnposted, type OutdatedQuery } from '../ledger/reassessment/outdated.ts'
import { aloneReassessing, reassessAll } from '../ledger/reassessment/reassess.ts'
import { ReassessmentReport } from '../ledger/reassessment/reassessment-report.ts'
import { reassessStatementMsMax } from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from '../platform/command/failure.ts'
import { say, tellAside, write } from '../platform/command/output.ts'
import { type Config, readConfig } from '../platform/config/config.ts'
import { activeKeys, openKeys } from '../platform/config/key-store.ts'
import { readPolicies } from '../platform/config/packs.ts'
import { noteCommand } from '../platform/installation/command-access.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { operatorOf } from '../platform/installation/operator.ts'
import { assertSchema } from '../platform/postgres/migrations.ts'
import { openPool } from '../platform/postgres/postgres.ts'
import type { PolicyPack } from '../policy/pack.ts'
import type { Policies } from '../policy/rules.ts'

const who = 'npm run reassess'
const usage = helpText(
  'Usage: npm run reassess -- --region CODE --from YYYY-MM --to YYYY-MM [--dry-run]',
  {
    '--region CODE': 'of this region',
    '--from YYYY-MM': 'first period',
    '--to YYYY-MM': 'last period',
    '--dry-run': 'print the differences and post nothing',
  },
  'npm run reassess -- --region 340100 --from 2024-01 --to 2024-12 --dry-run',
)

type Options = Omit<OutdatedQuery, 'policyHash'> & { readonly dryRun: boolean }

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const config = readConfig(process.env)
  const policies = readPolicies(config.policyDir)
  const current = policies.current.get(options.region)
  if (current === undefined) {
    const regions = [...policies.current.keys()].join(', ')
    throw new UsageError(`There is no policy pack for ${options.region}; there are: ${regions}.`)
  }
  await withDatabase(config, async ({ url }) => {
    const query = { ...options, policyHash: current.hash }
    const report = new ReassessmentReport(personIndexOf(config))
    const done = await run(config, url, policies, query, report)
    if (done === undefined) {
      tellAside('Another reassessment is under way: wait for it.\n')
      process.exitCode = 1
      return
    }
    write(`${report.text(query, current.pack, done.packsBefore, options.dryRun)}\n`)
    if (done.unposted > 0) {
      say(`${done.unposted} declarations of these periods are not posted yet: run it again later.`)
    }
  })
}

function readArguments(args: string[]): Options {
  const options = {
    region: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  } as const
  const { region, from, to, 'dry-run': dryRun } = parseArguments({ args, options }, usage).values
  if (region === undefined) throw wrongUse('--region is missing.', usage)
  if (!isPeriod(from)) throw wrongUse('--from must be a month like 2024-11.', usage)
  if (!isPeriod(to)) throw wrongUse('--to must be a month like 2024-11.', usage)
  if (from > to) throw wrongUse(`--from ${from} is after --to ${to}.`, usage)
  return { region, from, to, dryRun }
}

function personIndexOf({ keyringFile }: Config) {
  return createPersonIndex(openKeys(keyringFile, ['persons'], who).blindIndexSecret)
}

/** Undefined if another run holds the lock. */
async function run(
  config: Config,
  url: string,
  policies: Policies,
  query: OutdatedQuery & Options,
  report: ReassessmentReport,
): Promise<{ unposted: number; packsBefore: readonly PolicyPack[] } | undefined> {
  const pool = openPool({
    url,
    name: 'spillway-reassess',
    connectionsMax: 3,
    statementMsMax: reassessStatementMsMax,
  })
  const keyring = openKeys(config.keyringFile, ['receipts', 'sealing', 'salts'], who)
  const { sealingKeys } = keyring
  const accepting = activeKeys(keyring)
  const environment = () => config.environment
  try {
    await assertSchema(pool)
    const { region, from, to } = query
    await noteCommand(config, url, `reassess${query.dryRun ? ' --dry-run' : ''}`, {
      region,
      from,
      to,
    })
    return await aloneReassessing(pool, async () => {
      if (!query.dryRun) await recordPacks(pool, policies)
      const by = await operatorOf(pool, 'reassess')
      await reassessAll(
        {
          pool,
          sealingKeys,
          policies,
          by,
          nowMicros: () => Date.now() * 1_000,
          acceptGroup: query.dryRun
            ? undefined
            : createAcceptGroup({ pool, ...accepting, environment, lane: 'bulk' }),
          onChange: (change) => report.add(change),
          onSkipped: (id, reason) => report.skip(id, reason),
        },
        query,
      )
      await loadPacks(pool, policies, report.hashesBefore)
      const packsBefore = [...report.hashesBefore].flatMap((hash) => policies.packOf(hash) ?? [])
      return { unposted: await countUnposted(pool, query.from, query.to), packsBefore }
    })
  } finally {
    await pool.end()
  }
}

main(process.argv.slice(2)).catch(reportFailure)
