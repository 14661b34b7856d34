/** `npm run migrate`: brings the database's schema up to date, and that of rehearsals; safe to run at any time. */
import { readConfig } from './platform/config.ts'
import { withDatabase } from './platform/database.ts'
import { reportFailure } from './platform/failure.ts'
import { migrateSides } from './platform/rehearsal-database.ts'

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const applied = await withDatabase(config, ({ ownerUrl }) => migrateSides(config, ownerUrl))
  const done = applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`
  process.stdout.write(`${done}\n`)
}

main().catch(reportFailure)
