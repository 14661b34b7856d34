/** What settings say of TLS to Postgres and Redis. */
import { existsSync } from 'node:fs'

type PostgresUrls = {
  readonly databaseUrl: string | undefined
  readonly migrateDatabaseUrl: string | undefined
}

export function readPostgres(
  url: (
    name: 'DATABASE_URL' | 'MIGRATE_DATABASE_URL',
    protocols: readonly string[],
  ) => string | undefined,
  faults: string[],
): PostgresUrls {
  const read = (name: 'DATABASE_URL' | 'MIGRATE_DATABASE_URL') =>
    verified(name, url(name, ['postgres:', 'postgresql:']), faults)
  const databaseUrl = read('DATABASE_URL')
  return { databaseUrl, migrateDatabaseUrl: read('MIGRATE_DATABASE_URL') ?? databaseUrl }
}

/** Whoever asks for TLS is not left with one that anybody in between can end. */
function verified(name: string, url: string | undefined, faults: string[]): string | undefined {
  if (url === undefined) return undefined
  const parameters = new URL(url).searchParams
  const mode = parameters.get('sslmode')
  if (mode !== null && mode !== 'verify-full' && mode !== 'disable')
    faults.push(
      `${name} has sslmode=${mode}, with which nobody makes sure of whom it talks to: use verify-full, or disable for no TLS`,
    )
  const root = parameters.get('sslrootcert')
  if (root !== null && mode !== 'verify-full')
    faults.push(`${name} has sslrootcert, which needs sslmode=verify-full`)
  if (root !== null && !existsSync(root))
    faults.push(`${name}: there is no file ${root} (sslrootcert)`)
  return url
}

/** The queue's server, and who vouches for it. */
export function readRedis(
  redisUrl: string | undefined,
  redisCa: string | undefined,
  faults: string[],
): { readonly redisUrl: string | undefined; readonly redisCa: string | undefined } {
  if (redisCa !== undefined && redisUrl?.startsWith('rediss:') !== true)
    faults.push('REDIS_CA needs a REDIS_URL that starts with rediss://')
  if (redisCa !== undefined && !existsSync(redisCa))
    faults.push(`REDIS_CA: there is no file ${redisCa}`)
  return { redisUrl, redisCa }
}
