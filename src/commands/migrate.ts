/**
 * `npm run migrate [-- finish]`: brings the database's schema up to date; safe to run at any time. Run
 * `finish` after every intake was restarted: from then on data is written that only new ones
 * understand.
 */
import { isSalting } from '../journal/salting.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import {
  beginSalting,
  migrateDatabase,
  onDatabase,
  withDatabase,
} from '../platform/installation/database.ts'

const usage = helpText(
  'Usage: npm run migrate [-- finish]',
  {
    finish: 'after each intake was restarted with this version',
  },
  'npm run migrate',
)

async function main(args: string[]): Promise<void> {
  const { positionals } = parseArguments({ args, allowPositionals: true }, usage)
  const [verb, more] = positionals
  if ((verb !== undefined && verb !== 'finish') || more !== undefined)
    throw wrongUse(`There is no ${positionals.join(' ')}.`, usage)
  await withDatabase(readConfig(process.env), async ({ ownerUrl }) => {
    const applied = await migrateDatabase(ownerUrl)
    say(applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`)
    if (verb === 'finish') await onDatabase(ownerUrl, beginSalting)
    if (await onDatabase(ownerUrl, isSalting)) return
    say('Once each intake has been restarted with this version, run "npm run migrate -- finish".')
  })
}

main(process.argv.slice(2)).catch(reportFailure)
