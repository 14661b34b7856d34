/**
 * The environment, read once: variables → typed, checked, frozen configuration. All faults are
 * reported together. Nothing below the entry points reads `process.env`.
 */
import path from 'node:path'
import { requestClasses, type ShedAt } from '../intake/admission.ts'
import { type CrashPoint, crashPoints } from './crash-point.ts'

export type Config = {
  readonly host: string
  readonly port: number
  /** Where a worker answers /livez, /readyz and /metrics; undefined: nowhere. */
  readonly workerPort: number | undefined
  /** Another process's metrics that intake shows with its own (the worker of `npm start`). */
  readonly workerMetricsUrl: string | undefined
  readonly dataDir: string
  readonly keyringFile: string
  /** Written into every receipt, so that a test's receipt can't pass for a real one. */
  readonly environment: string
  readonly databaseUrl: string | undefined
  /** The owner's URL for migrations; the same as `databaseUrl` unless set. */
  readonly migrateDatabaseUrl: string | undefined
  readonly redisUrl: string | undefined
  /** A folder of policy packs; undefined: those that are shipped. */
  readonly policyDir: string | undefined
  readonly token: TokenConfig
  /** Where the process kills itself, for fault tests. */
  readonly crashAt: CrashPoint | undefined
  /** What to do where settings of Postgres or Redis could lose what was acknowledged. */
  readonly durability: 'strict' | 'warn'
  /** At which pressure each class of requests is given up. */
  readonly shedAt: ShedAt
  /** How many standbys of Postgres each commit must have reached. */
  readonly standbys: number
  /** Posting gives way while commits of acceptance take longer, in milliseconds. */
  readonly acceptCommitMs: number
  readonly logLevel: string
}

export type TokenConfig = {
  readonly jwksUrl: string | undefined
  readonly issuer: string
  readonly audience: string
}

/** A variable's meaning in one line; the README's table is checked against this list. */
export const variables = {
  HOST: 'address intake listens on (127.0.0.1)',
  PORT: 'port intake listens on (8080)',
  WORKER_PORT: 'port where a worker answers /livez, /readyz and /metrics (none)',
  WORKER_METRICS_URL: "a worker's metrics that intake shows with its own (set by npm start)",
  DATA_DIR: 'data of the embedded Postgres, keys and logs (.data)',
  KEYRING_FILE: 'keys of the engine (DATA_DIR/keyring.json)',
  ENVIRONMENT: 'written into every receipt (development)',
  DATABASE_URL: 'a Postgres of your own (the embedded one)',
  MIGRATE_DATABASE_URL: "the schema owner's URL for npm run migrate (DATABASE_URL)",
  REDIS_URL: 'queue in this Redis (in Postgres)',
  POLICY_DIR: 'a folder of policy packs (those in src/policy/packs)',
  JWKS_URL: 'keys that sign bearer tokens (the keyring)',
  TOKEN_ISSUER: 'iss that a token must have (spillway)',
  TOKEN_AUDIENCE: 'aud that a token must have (spillway)',
  DURABILITY:
    'strict refuses to start where a setting could lose what was acknowledged; warn says so in readiness, metrics and receipts (strict, in ENVIRONMENT development warn)',
  SHED_AT:
    'at which share of what can be done in time each class of requests is given up (reports=0.6,checks=0.7,filings=0.9,filings-due=1,lookups=1.5)',
  SYNCHRONOUS_STANDBYS:
    'how many standbys of Postgres each 202 must have reached; with fewer, DURABILITY decides (0)',
  ACCEPT_COMMIT_MS:
    'milliseconds that a commit of acceptance may take; while they take longer, posting gives way (25)',
  CRASH_AT: 'a point at which a process kills itself, for fault tests (never)',
  LOG_LEVEL: 'trace, debug, info, warn, error or silent (info)',
} as const

export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the configuration.
 * @throws ConfigError naming every variable that is wrong and what it should be.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const faults: string[] = []
  const text = (name: keyof typeof variables) => env[name]?.trim() || undefined
  const port = (name: keyof typeof variables, fallback: number | undefined) => {
    const value = text(name)
    if (value === undefined) return fallback
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value)
    faults.push(`${name} must be a port number from 0 to 65535`)
    return fallback
  }
  const whole = (name: keyof typeof variables, fallback: number, min: number, max: number) => {
    const value = text(name) ?? String(fallback)
    if (/^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max)
      return Number(value)
    faults.push(`${name} must be a whole number from ${min} to ${max}`)
    return fallback
  }
  const url = (name: keyof typeof variables, protocols: readonly string[]) => {
    const value = text(name)
    if (value === undefined) return undefined
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value
    faults.push(`${name} must be a URL that starts with ${protocols.join('// or ')}//`)
    return undefined
  }
  const dataDir = path.resolve(text('DATA_DIR') ?? '.data')
  const databaseUrl = url('DATABASE_URL', ['postgres:', 'postgresql:'])
  const logLevel = text('LOG_LEVEL') ?? 'info'
  if (!['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].includes(logLevel)) {
    faults.push('LOG_LEVEL must be trace, debug, info, warn, error, fatal or silent')
  }
  const crashAt = crashPoints.find((point) => point === text('CRASH_AT'))
  if (text('CRASH_AT') !== undefined && crashAt === undefined) {
    faults.push(`CRASH_AT must be one of ${crashPoints.join(', ')}`)
  }
  const environment = text('ENVIRONMENT') ?? 'development'
  const durability = text('DURABILITY') ?? (environment === 'development' ? 'warn' : 'strict')
  if (durability !== 'strict' && durability !== 'warn')
    faults.push('DURABILITY must be strict or warn')
  const config: Config = {
    host: text('HOST') ?? '127.0.0.1',
    port: port('PORT', 8080) ?? 8080,
    workerPort: port('WORKER_PORT', undefined),
    workerMetricsUrl: url('WORKER_METRICS_URL', ['http:']),
    dataDir,
    keyringFile: path.resolve(text('KEYRING_FILE') ?? path.join(dataDir, 'keyring.json')),
    environment,
    databaseUrl,
    migrateDatabaseUrl: url('MIGRATE_DATABASE_URL', ['postgres:', 'postgresql:']) ?? databaseUrl,
    redisUrl: url('REDIS_URL', ['redis:', 'rediss:']),
    policyDir: text('POLICY_DIR'),
    token: {
      jwksUrl: url('JWKS_URL', ['http:', 'https:']),
      issuer: text('TOKEN_ISSUER') ?? 'spillway',
      audience: text('TOKEN_AUDIENCE') ?? 'spillway',
    },
    crashAt,
    durability: durability === 'warn' ? 'warn' : 'strict',
    shedAt: readShedAt(text('SHED_AT'), faults),
    standbys: whole('SYNCHRONOUS_STANDBYS', 0, 0, 20),
    acceptCommitMs: whole('ACCEPT_COMMIT_MS', 25, 1, 60_000),
    logLevel,
  }
  if (faults.length > 0) throw new ConfigError(faults.join('; '))
  return Object.freeze(config)
}

const shedAtDefault: ShedAt = {
  reports: 0.6,
  checks: 0.7,
  filings: 0.9,
  'filings-due': 1,
  lookups: 1.5,
}

/** `class=share,…`; classes that are not named keep their share. At 0 a class is always refused. */
function readShedAt(value: string | undefined, faults: string[]): ShedAt {
  const shedAt: Record<string, number> = { ...shedAtDefault }
  for (const part of value?.split(',') ?? []) {
    const [name = '', share = ''] = part.split('=').map((piece) => piece.trim())
    const known = (requestClasses as readonly string[]).includes(name)
    if (known && /^\d{1,2}(\.\d+)?$/.test(share)) shedAt[name] = Number(share)
    else
      faults.push(`SHED_AT must be like reports=0.6,lookups=1.5, of ${requestClasses.join(', ')}`)
  }
  return Object.freeze(shedAt) as ShedAt
}
