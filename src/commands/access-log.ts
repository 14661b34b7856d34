/**
 * `npm run access-log -- export [--from DAY] [--to DAY] [--employer USCC] [--subject NAME] | verify
 * [--after HEAD] [--head HEAD] | head`: exports who read what as JSON lines, verifies that the log is unchanged, or
 * prints its head for an outside witness. Each export and verification is first recorded in the log
 * itself. Exits with 1 if the log has changed.
 */
import { type ChainHead, headText, readHead } from '../access/chain.ts'
import type { Entry } from '../access/entry.ts'
import {
  findHead,
  type ReadDependencies,
  readAccessLog,
  type TimeSpan,
  verifyAccessLog,
} from '../access/read.ts'
import { addDays, instantMicros, isDay } from '../declaration/period.ts'
import { accessStatementMsMax, offendersNamedMax } from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import { openKeys } from '../platform/config/key-store.ts'
import { noteCommand } from '../platform/installation/command-access.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { assertSchema } from '../platform/postgres/migrations.ts'
import { openPool, postingRole } from '../platform/postgres/postgres.ts'
import { Output } from './checking/sheet-report.ts'

const usage = helpText(
  `Usage: npm run access-log -- export [--from YYYY-MM-DD] [--to YYYY-MM-DD] [--employer USCC] [--subject NAME]
       npm run access-log -- verify [--after NUMBER:LINK] [--head NUMBER:LINK]
       npm run access-log -- head
--head: the head that a witness stored; --after: the head of the archived beginning, if there is one.`,
  {
    export: 'print who read what, as JSON lines',
    verify: 'find entries that were changed, removed or reordered',
    head: 'print where the log ends, for a witness to keep',
    '--from YYYY-MM-DD': 'first day to export',
    '--to YYYY-MM-DD': 'last day to export',
    '--employer USCC': 'only reads of this employer',
    '--subject NAME': 'only reads by this holder of a token',
    '--after NUMBER:LINK': 'the head of entries that were removed from the beginning',
    '--head NUMBER:LINK': 'the head that a witness kept: the log must lead to it',
  },
  'npm run --silent access-log -- export --from 2024-11-01 --to 2024-11-30 > reads.ndjson',
)

const commands = ['export', 'verify', 'head'] as const
type Command = (typeof commands)[number]

const takes: Readonly<Record<Command, readonly string[]>> = {
  export: ['from', 'to', 'employer', 'subject'],
  verify: ['after', 'head'],
  head: [],
}

type Options = {
  readonly command: Command
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly employer?: string | undefined
  readonly subject?: string | undefined
  readonly after?: ChainHead | undefined
  readonly head?: ChainHead | undefined
}

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const config = readConfig(process.env)
  await withDatabase(config, async ({ url }) => {
    const pool = openPool({
      ...{ url, name: 'spillway-access-log', role: postingRole },
      connectionsMax: 1,
      statementMsMax: 4 * accessStatementMsMax,
    })
    try {
      await assertSchema(pool)
      const { command, employer } = options
      if (command !== 'head')
        await noteCommand(config, url, `access-log ${command}`, employer ? { employer } : {})
      await run(
        { pool, keys: openKeys(config.keyringFile, ['sealing'], 'npm run access-log').sealingKeys },
        options,
      )
    } finally {
      await pool.end()
    }
  })
}

function readArguments(args: string[]): Options {
  const text = { type: 'string' } as const
  const options = { from: text, to: text, employer: text, subject: text, after: text, head: text }
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options }, usage)
  const [named, ...rest] = positionals
  const command = commands.find((one) => one === named)
  if (command === undefined)
    throw wrongUse(named === undefined ? 'A command is missing.' : `There is no ${named}.`, usage)
  const [other] = Object.keys(values).filter((name) => !takes[command].includes(name))
  if (rest.length > 0 || other !== undefined)
    throw wrongUse(`${command} does not take ${rest[0] ?? `--${other}`}.`, usage)
  const { from, to, employer, subject } = values
  const wrong = [from, to].find((day) => day !== undefined && !isDay(day))
  if (wrong !== undefined) throw wrongUse(`${wrong} is no day.`, usage)
  if (from !== undefined && to !== undefined && from > to)
    throw wrongUse(`--from ${from} is after --to ${to}.`, usage)
  const headOf = (name: 'after' | 'head') => {
    const value = values[name]
    const head = value === undefined ? undefined : readHead(value)
    if (value !== undefined && head === undefined)
      throw wrongUse(`--${name} must be NUMBER:LINK, as head prints it.`, usage)
    return head
  }
  return { command, from, to, employer, subject, after: headOf('after'), head: headOf('head') }
}

async function run(dependencies: ReadDependencies, options: Options): Promise<void> {
  switch (options.command) {
    case 'export':
      return exportEntries(dependencies, options)
    case 'verify':
      return verify(dependencies, options)
    case 'head':
      return say(headText(await findHead(dependencies.pool)))
  }
}

async function exportEntries(dependencies: ReadDependencies, options: Options): Promise<void> {
  const output = new Output()
  for await (const line of linesOf(dependencies, options)) await output.write(line)
  await output.flush()
}

async function* linesOf(
  dependencies: ReadDependencies,
  { from, to, employer, subject }: Options,
): AsyncGenerator<string> {
  const span: TimeSpan = {
    fromMs: from === undefined ? 0 : instantMicros(from, '00:00') / 1_000,
    untilMs:
      to === undefined ? Number.MAX_SAFE_INTEGER : instantMicros(addDays(to, 1), '00:00') / 1_000,
  }
  for await (const { at, ...entry } of readAccessLog(dependencies, span)) {
    const isOfEmployer = employer === undefined || ('read' in entry && entry.employer === employer)
    const isOfSubject = subject === undefined || names(entry).includes(subject)
    // Lost or cut entries may have been anybody's.
    if (!('read' in entry) || (isOfEmployer && isOfSubject))
      yield `${JSON.stringify({ at: new Date(at).toISOString(), ...entry })}\n`
  }
}

/** The names of a reader. */
function names(entry: Omit<Entry, 'at'>): string[] {
  if (!('who' in entry)) return []
  const { who } = entry as Extract<Entry, { who: unknown }>
  return 'subject' in who ? [who.subject] : [who.osUser, who.login]
}

async function verify(dependencies: ReadDependencies, { after, head }: Options): Promise<void> {
  let faults = 0
  const verdict = await verifyAccessLog(dependencies, { after, head }, ({ group, why }) => {
    faults += 1
    if (faults <= offendersNamedMax) say(`group ${group}: ${why}`)
  })
  const { groups, entries } = verdict
  say(`${groups} groups with ${entries} entries; the log ends with ${headText(verdict.head)}`)
  if (faults === 0) return say('VALID: each follows the one before, as it was written.')
  say(`NOT VALID: ${faults} faults.`)
  process.exitCode = 1
}

main(process.argv.slice(2)).catch(reportFailure)
