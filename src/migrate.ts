/** `npm run migrate`: brings the database's schema up to date; safe to run at any time. */
import { readConfig } from './platform/config.ts'
import { migrateDatabase, withDatabase } from './platform/database.ts'
import { reportFailure } from './platform/failure.ts'

async function main(): Promise<void> {
  const applied = await withDatabase(readConfig(process.env), ({ ownerUrl }) =>
    migrateDatabase(ownerUrl),
  )
  const done = applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`
  process.stdout.write(`${done}\n`)
}

main().catch(reportFailure)
