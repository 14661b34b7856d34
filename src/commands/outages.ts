/**
 * `npm run outages -- [--from YYYY-MM-DD] [--to YYYY-MM-DD] [--filers] [--json]`: shows when filings
 * were refused or could not be committed, why, and how many; --filers lists who tried then and holds an
 * attempt ticket. This is the evidence for extending a deadline. Without days: today.
 */

import { addDays, dayOf, formatInstant, instantMicros, isDay } from '../declaration/period.ts'
import { listAttempts, listOutages, type OutageCause } from '../journal/outages.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { applicationRole, connectAs } from '../platform/postgres/postgres.ts'

const usage = helpText(
  'Usage: npm run outages -- [--from YYYY-MM-DD] [--to YYYY-MM-DD] [--filers] [--json]',
  {
    '--from YYYY-MM-DD': 'first day; today unless given',
    '--to YYYY-MM-DD': 'last day; the first unless given',
    '--filers': 'also print who holds attempt tickets',
    '--json': 'print the result as JSON',
  },
  'npm run outages -- --from 2024-11-20 --to 2024-11-25 --filers',
)

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const { from, to, filers, json } = readArguments(args)
  const [fromMicros, untilMicros] = [
    instantMicros(from, '00:00'),
    instantMicros(addDays(to, 1), '00:00'),
  ]
  await withDatabase(readConfig(process.env), async ({ url }) => {
    const client = await connectAs(url, 'spillway-outages', applicationRole)
    try {
      const outages = await listOutages(client, fromMicros, untilMicros)
      const attempts = filers ? await listAttempts(client, fromMicros, untilMicros) : []
      if (json) say(JSON.stringify({ from, to, outages, ...(filers && { filers: attempts }) }))
      else show(from, to, outages, attempts)
    } finally {
      await client.end()
    }
  })
}

function readArguments(args: string[]) {
  const options = {
    from: { type: 'string', default: dayOf(Date.now() * 1_000) },
    to: { type: 'string' },
    filers: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  } as const
  const { from, to = from, filers, json } = parseArguments({ args, options }, usage).values
  const wrong = [from, to].find((one) => !isDay(one))
  if (wrong !== undefined) throw wrongUse(`${wrong} is no day.`, usage)
  if (from > to) throw wrongUse(`--from ${from} is after --to ${to}.`, usage)
  return { from, to, filers, json }
}

function show(
  from: string,
  to: string,
  outages: Awaited<ReturnType<typeof listOutages>>,
  filers: Awaited<ReturnType<typeof listAttempts>>,
): void {
  for (const { beganAt, lastAt, endedAt, cause, refused, failed } of outages) {
    const until = endedAt === null ? `${instant(lastAt)} and may go on` : instant(endedAt)
    say(`${instant(beganAt)} to ${until}: ${cause}, ${refused} refused, ${failed} failed`)
  }
  for (const { subject, employers, attempts, first, last } of filers) {
    say(
      `  ${subject}  ${attempts} tickets, ${instant(first)} to ${instant(last)}  ${employers.join(' ')}`,
    )
  }
  for (const cause of new Set(outages.map((one) => one.cause)))
    say(`  ${cause}: ${meanings[cause]}`)
  say(`${outages.length} windows from ${from} to ${to}.`)
}

/** What a cause means, for whoever decides about a deadline. */
const meanings: Readonly<Record<OutageCause, string>> = {
  commit: 'the database could not be reached, or did not commit in time; filings failed',
  keys: 'the keys that tokens are verified with could not be read; nobody new was let in',
  journal: 'more filings came than can be committed in time; some were refused',
  loop: 'an intake process had more requests than it can read in time',
  requests: 'an intake process had as many requests under way as it may have',
  memory: 'an intake process was nearly out of memory',
  disk: 'the disk of the database was nearly full',
  off: 'an operator had SHED_AT refuse filings',
}

function instant(date: Date): string {
  return formatInstant(date.getTime() * 1_000)
}

main(process.argv.slice(2)).catch(reportFailure)
