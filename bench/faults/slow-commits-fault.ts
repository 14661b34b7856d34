/**
 * Commits of the journal are slow for a while, as on a storage that is taken by something else. Group commit
 * brings as many then, in larger groups: whoever files is accepted, later.
 */
import type pg from 'pg'
import { afterDependency, type Fault, onPostgres } from './fault.ts'
import { FaultError } from './fault-error.ts'

const commitSeconds = 0.7
const filings = 150
/** Of the filings; a few may meet a first group that is still small. */
const acceptedShare = 0.9

export const slowCommits: Fault = {
  name: `commits take ${commitSeconds} s longer, and ${filings} file at once`,
  within: afterDependency,
  run: (world, _random, load) =>
    onPostgres(world, async (client) => {
      await sleepInCommits(client, commitSeconds)
      try {
        await load.fileAtOnce(filings) // from these, intakes learn what a commit takes
        const accepted = await load.fileAtOnce(filings)
        if (accepted < acceptedShare * filings)
          throw new FaultError(`of ${filings} filings at once ${accepted} were accepted`)
      } finally {
        await sleepInCommits(client, 0)
      }
    }),
}

async function sleepInCommits(client: pg.Client, seconds: number): Promise<void> {
  await client.query(
    `create or replace function journal.slow_commit() returns trigger language plpgsql as $$
     begin perform pg_sleep(${seconds}); return new; end $$`,
  )
  await client.query(
    seconds === 0
      ? 'drop trigger slow_commit on journal.envelope'
      : `create trigger slow_commit before insert on journal.envelope
         for each row execute function journal.slow_commit()`,
  )
}
