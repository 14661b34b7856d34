/**
 * `npm run rehearsal -- create|remove`: makes the database and the keys of rehearsals, or takes
 * everything that was rehearsed out of database and queue again. Both may be run again; running processes
 * see it within seconds, and what counts goes on meanwhile.
 */
import { existsSync } from 'node:fs'
import { parseArguments, wrongUse } from './platform/arguments.ts'
import { type Config, ConfigError, readConfig } from './platform/config.ts'
import { withDatabase } from './platform/database.ts'
import { reportFailure } from './platform/failure.ts'
import { createKeyring } from './platform/keyring.ts'
import { write } from './platform/output.ts'
import { rehearsalConfig, rehearsalKidPrefix } from './platform/rehearsal.ts'
import { createRehearsalDatabase, removeRehearsal } from './platform/rehearsal-database.ts'
import { emptyRedisQueue } from './queue/empty.ts'

const usage = 'Usage: npm run rehearsal -- create|remove'

async function main(args: string[]): Promise<void> {
  const { positionals } = parseArguments({ args, allowPositionals: true }, usage)
  const [verb, more] = positionals
  if ((verb !== 'create' && verb !== 'remove') || more !== undefined)
    throw wrongUse(`${positionals.join(' ') || 'Nothing'} is neither create nor remove.`, usage)
  const config = readConfig(process.env)
  if (config.rehearsal === undefined) {
    throw new ConfigError(
      'Set REHEARSAL_DATABASE, here and for every process: a name for a second database on the same Postgres, like filing_rehearsal.',
    )
  }
  const told = await (verb === 'create' ? create : remove)(config, config.rehearsal)
  write(`${told}\n`)
}

type Named = NonNullable<Config['rehearsal']>

async function create(config: Config, { database, keyringFile }: Named): Promise<string> {
  const isNew = !existsSync(keyringFile)
  if (isNew) createKeyring(keyringFile, new Date(), rehearsalKidPrefix)
  const applied = await withDatabase(config, ({ ownerUrl }) =>
    createRehearsalDatabase(ownerUrl, database),
  )
  return [
    `The database ${database} is ready for rehearsals (${applied.length} migrations applied).`,
    `${isNew ? 'Made' : 'Kept'} the keys in ${keyringFile}: every process reads the same file.`,
  ].join('\n')
}

async function remove(config: Config, { database, keyringFile }: Named): Promise<string> {
  const removed = await withDatabase(config, ({ ownerUrl }) => removeRehearsal(ownerUrl, database))
  const { redisUrl } = config
  const namespace = rehearsalConfig(config)?.queueNamespace
  const keys =
    redisUrl === undefined || namespace === undefined
      ? undefined
      : await emptyRedisQueue({ url: redisUrl, namespace })
  return [
    removed
      ? `Removed everything from the database ${database}, which is empty now.`
      : `There was nothing in the database ${database}.`,
    ...(keys === undefined ? [] : [`Removed ${keys} keys of its queue from Redis.`]),
    ...(existsSync(keyringFile)
      ? [`The keys in ${keyringFile} are left: receipts of rehearsals verify with them.`]
      : []),
  ].join('\n')
}

main(process.argv.slice(2)).catch(reportFailure)
