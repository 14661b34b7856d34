/**
 * `npm run dead-letters -- list [--all] | show ID … | retry ID … | retry --all | export`: shows which declarations could
 * not be posted and why, and retries them after a fix. Nothing is deleted, and each retry is recorded.
 * Exits with 1 if a retry fails. `export` writes all of them as JSON lines.
 */
import type pg from 'pg'
import { type ListedDeadLetter, listDeadLetters } from '../ledger/dead-letter.ts'
import { createPersonIndex } from '../ledger/person.ts'
import type { PostDependencies } from '../ledger/post.ts'
import { retryDeadLetter } from '../ledger/retry.ts'
import { deadLettersPageMax, postStatementMsMax } from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { say, tellAside } from '../platform/command/output.ts'
import { databaseFault } from '../platform/command/sqlstate.ts'
import { type Config, readConfig } from '../platform/config/config.ts'
import { openKeys } from '../platform/config/key-store.ts'
import { readPolicies } from '../platform/config/packs.ts'
import { noteCommand } from '../platform/installation/command-access.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { osUser } from '../platform/installation/operator.ts'
import { assertSchema } from '../platform/postgres/migrations.ts'
import { inTransaction, openPool, postingRole } from '../platform/postgres/postgres.ts'

const usage = helpText(
  `Usage: npm run dead-letters -- list [--all]
       npm run dead-letters -- show ID …
       npm run dead-letters -- retry ID … | --all
       npm run dead-letters -- export`,
  {
    list: 'print what could not be posted, and why',
    show: 'print single ones in full',
    retry: 'post again, after the cause is fixed',
    export: 'print all as JSON lines',
    '--all': 'list: also those that were posted since; retry: every one',
  },
  'npm run dead-letters -- retry --all',
)

const commands = ['list', 'show', 'retry', 'export'] as const

type Options = {
  readonly command: (typeof commands)[number]
  readonly ids: readonly string[]
  readonly all: boolean
}

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const config = readConfig(process.env)
  await withDatabase(config, async ({ url }) => {
    const pool = openPool({
      url,
      name: 'spillway-dead-letters',
      connectionsMax: 2,
      statementMsMax: postStatementMsMax,
      role: postingRole,
      searchPath: 'ledger,journal',
    })
    try {
      await assertSchema(pool)
      // A retry opens the envelope; the other commands show nothing of its content.
      if (options.command === 'retry')
        await noteCommand(config, url, 'dead-letters retry', { id: options.ids.join(' ') || 'all' })
      await run(pool, config, options)
    } finally {
      await pool.end()
    }
  })
}

function readArguments(args: string[]): Options {
  const options = { all: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options }, usage)
  const [named, ...ids] = positionals
  const command = commands.find((one) => one === named)
  const { all } = values
  if (command === undefined)
    throw wrongUse(named === undefined ? 'A command is missing.' : `There is no ${named}.`, usage)
  if (command === 'show' && ids.length === 0) throw wrongUse('show takes an ID, or several.', usage)
  if (command === 'retry' && ids.length > 0 === all)
    throw wrongUse('retry takes IDs, or --all; not both.', usage)
  return { command, ids, all }
}

async function run(pool: pg.Pool, config: Config, { command, ids, all }: Options): Promise<void> {
  const named = ids.length === 0 ? undefined : ids
  const openOnly = command === 'retry' || (command === 'list' && !all)
  const posting = command === 'retry' ? postingOf(pool, config) : undefined
  let count = 0
  let after = { envelope: 0n, position: -1 }
  for (;;) {
    const query = { ids: named, openOnly, after, limit: deadLettersPageMax }
    const page = await listDeadLetters(pool, query)
    for (const letter of page) {
      count += 1
      if (posting !== undefined) await retry(posting, letter)
      else if (command === 'export') say(textOf(letter))
      else if (command === 'show') show(letter)
      else list(letter)
    }
    const last = page.at(-1)
    if (last === undefined) break
    after = last
  }
  if (command === 'export') {
    if (count === 0) tellAside('There are no dead letters.\n')
    return
  }
  if (named !== undefined && count < named.length) {
    say(`${named.length - count} of these ids are no ${openOnly ? 'open ' : ''}dead letters.`)
    process.exitCode = 1
  }
  if (command === 'retry' && all && count === 0) say('There are no open dead letters.')
  if (command === 'list') say(`${count} ${all ? '' : 'open '}dead letters.`)
}

function postingOf(pool: pg.Pool, config: Config): PostDependencies {
  const { sealingKeys, blindIndexSecret } = openKeys(
    config.keyringFile,
    ['sealing', 'persons'],
    'npm run dead-letters',
  )
  return {
    pool,
    inTransaction,
    sealingKeys,
    personIndex: createPersonIndex(blindIndexSecret),
    policies: readPolicies(config.policyDir),
    isDataFault: (error) => databaseFault(error) === 'data',
  }
}

async function retry(posting: PostDependencies, letter: ListedDeadLetter): Promise<void> {
  const outcome = await retryDeadLetter(posting, { ...letter, operator: osUser() })
  switch (outcome.kind) {
    case 'posted':
      say(`${letter.id}: posted`)
      break
    case 'superseded':
      say(`${letter.id}: posted, and does not count: a later reassessment stands in its place`)
      break
    case 'alreadyPosted':
      say(`${letter.id}: was posted already`)
      break
    case 'failed':
      say(`${letter.id}: failed again, ${outcome.letter.code} ${outcome.letter.reason}`)
      process.exitCode = 1
  }
}

function list({ id, lane, code, reason, at, open, retries }: ListedDeadLetter): void {
  const state = open ? `${retries.length} retries` : 'posted since'
  say(`${id}  ${lane.padEnd(6)} ${at.toISOString()}  ${code} ${reason} (${state})`)
}

function show(letter: ListedDeadLetter): void {
  const { id, employer, period, kind, acceptedAt, envelope, position, retries } = letter
  list(letter)
  say(`  ${kind} of ${employer} for ${period}, accepted ${acceptedAt.toISOString()}`)
  say(`  envelope ${envelope}, position ${position}; its content is in the journal`)
  for (const { at, operator, login, posted, code, reason } of retries) {
    const who = login === null ? operator : `${operator}, as ${login}`
    say(`  ${at} ${who}: ${posted ? 'posted' : `failed, ${code} ${reason}`}`)
  }
  if (letter.open) say(`  after the fix: npm run dead-letters -- retry ${id}`)
}

/** JSON; the envelope number is text, because it may exceed JSON's numbers. */
function textOf(letter: ListedDeadLetter): string {
  return JSON.stringify({ ...letter, envelope: `${letter.envelope}` })
}

main(process.argv.slice(2)).catch(reportFailure)
