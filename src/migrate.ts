/**
 * `npm run migrate [-- finish]`: brings the database's schema up to date, and that of rehearsals; safe to run
 * at any time. With `finish`, for when each intake has been restarted since: what only new ones understand is
 * written from then on.
 */

import { parseArguments, wrongUse } from './platform/arguments.ts'
import { readConfig } from './platform/config.ts'
import { withDatabase } from './platform/database.ts'
import { reportFailure } from './platform/failure.ts'
import { say } from './platform/output.ts'
import { finishSides, isFinished, migrateSides } from './platform/rehearsal-database.ts'

const usage = 'Usage: npm run migrate [-- finish]'

async function main(args: string[]): Promise<void> {
  const { positionals } = parseArguments({ args, allowPositionals: true }, usage)
  const [verb, more] = positionals
  if ((verb !== undefined && verb !== 'finish') || more !== undefined)
    throw wrongUse(`There is no ${positionals.join(' ')}.`, usage)
  const config = readConfig(process.env)
  await withDatabase(config, async ({ ownerUrl }) => {
    const applied = await migrateSides(config, ownerUrl)
    say(applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`)
    if (verb === 'finish') await finishSides(config, ownerUrl)
    if (await isFinished(config, ownerUrl)) return
    say('Once each intake has been restarted with this version, run "npm run migrate -- finish".')
  })
}

main(process.argv.slice(2)).catch(reportFailure)
