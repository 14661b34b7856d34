/**
 * `npm run rehearsal -- create|remove`: creates the database and keys of a rehearsal, or removes
 * everything rehearsed from its database and queue. Both may be repeated, and neither touches live
 * data.
 */
import { existsSync } from 'node:fs'
import { rehearsalKidPrefix } from '../journal/rehearsal-keys.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure } from '../platform/command/failure.ts'
import { write } from '../platform/command/output.ts'
import type { Config } from '../platform/config/config.ts'
import { createKeyring } from '../platform/config/keyring.ts'
import { openOwnKeys, readRehearsalConfig } from '../platform/config/rehearsal.ts'
import { withServer } from '../platform/installation/database.ts'
import {
  createRehearsalDatabase,
  removeRehearsal,
} from '../platform/installation/rehearsal-database.ts'
import { emptyRedisQueue } from '../queue/empty-redis.ts'

const usage = helpText(
  'Usage: npm run rehearsal -- create|remove',
  {
    create: 'make the database and the keys of a rehearsal',
    remove: 'remove everything that was rehearsed',
  },
  'npm run rehearsal -- create',
)

async function main(args: string[]): Promise<void> {
  const { positionals } = parseArguments({ args, allowPositionals: true }, usage)
  const [verb, more] = positionals
  if ((verb !== 'create' && verb !== 'remove') || more !== undefined)
    throw wrongUse(`${positionals.join(' ') || 'Nothing'} is neither create nor remove.`, usage)
  const config = readRehearsalConfig(process.env)
  const lines = await (verb === 'create' ? create : remove)(config)
  write(`${lines.join('\n')}\n`)
}

async function create(config: Config): Promise<string[]> {
  const { keyringFile, environment } = config
  const isNew = !existsSync(keyringFile)
  if (isNew) createKeyring(keyringFile, new Date(), rehearsalKidPrefix)
  openOwnKeys(config, [], 'npm run rehearsal')
  const applied = await withServer(config, ({ ownerUrl }) => createRehearsalDatabase(ownerUrl))
  return [
    `The database is ready for a rehearsal (${applied.length} migrations applied).`,
    `${isNew ? 'Made' : 'Kept'} the keys in ${keyringFile}: each process of the rehearsal reads this file.`,
    `Start it with ENVIRONMENT=${environment}, as "ENVIRONMENT=${environment} npm start".`,
  ]
}

async function remove(config: Config): Promise<string[]> {
  const removed = await withServer(config, ({ ownerUrl }) => removeRehearsal(ownerUrl))
  const { redisUrl, redisCa: ca, queueNamespace: namespace, keyringFile } = config
  const keys =
    redisUrl === undefined ? undefined : await emptyRedisQueue({ url: redisUrl, ca, namespace })
  return [
    removed
      ? 'Removed everything from the database of the rehearsal, which is empty now.'
      : 'There was nothing in the database of the rehearsal.',
    ...(keys === undefined ? [] : [`Removed ${keys} keys of its queue from Redis.`]),
    ...(existsSync(keyringFile)
      ? [`The keys in ${keyringFile} are left: receipts of rehearsals verify with them.`]
      : []),
  ]
}

main(process.argv.slice(2)).catch(reportFailure)
