/**
 * The environment, read once: variables → typed, checked, frozen configuration. All faults are
 * reported together. Nothing below the entry points reads `process.env`.
 */
import { isIP } from 'node:net'
import path from 'node:path'
import { type ClaimNames, claimNames } from '../../intake/auth/claims.ts'
import { requestClasses, type ShedAt } from '../../intake/overload/admission.ts'
import type { OperatorsPort } from '../../intake/routes/operators-port.ts'
import { type HttpLimits, httpDefaults } from '../../intake/wire/http-limits.ts'
import {
  backlogSecondsMax,
  bodiesHeldBytesMin,
  drainMsMost,
  drainMsUsual,
  groupBytesMax,
  issuerCharactersMax,
  operatorsPortDistance,
  statusWaitSecondsMax,
  tokenSecondsMax,
  tokenSecondsMost,
  uploadsMax,
} from '../../limits.ts'
import { type CrashPoint, crashPoints } from '../process/crash-point.ts'
import { misspeltNames } from './misspelt.ts'
import { isOpenToOthers, type PortalConfig, readPortalConfig } from './portal-config.ts'
import { readPostgres, readRedis } from './tls-settings.ts'

export type Config = {
  readonly host: string
  readonly port: number
  /** Where an intake answers /metrics, and its health besides. */
  readonly operators: OperatorsPort
  /** Where a worker does; undefined: nowhere. */
  readonly workerOperators: OperatorsPort | undefined
  /** Other processes' metrics that intake shows with its own (the workers of `npm start`). */
  readonly workerMetricsUrls: readonly string[]
  readonly dataDir: string
  readonly keyringFile: string
  /** Has the password of the embedded Postgres, which a rehearsal shares with the live engine. */
  readonly postgresKeyringFile: string
  /** Written into every receipt, so that a test's receipt can't pass for a real one. */
  readonly environment: string
  /** Whether this is a rehearsal's, of which nothing counts. */
  readonly isRehearsal: boolean
  readonly databaseUrl: string | undefined
  /** The owner's URL for migrations; the same as `databaseUrl` unless set. */
  readonly migrateDatabaseUrl: string | undefined
  readonly redisUrl: string | undefined
  /** A file with the certificate of who vouches for Redis; undefined: those that Node trusts. */
  readonly redisCa: string | undefined
  /** Keeps installations that share a Redis apart, and an installation from its rehearsal. */
  readonly queueNamespace: string
  /** A folder of policy packs; undefined: those that are shipped. */
  readonly policyDir: string | undefined
  readonly token: TokenConfig
  readonly portal: PortalConfig
  /** Addresses and subnets of proxies that are believed who the client is. */
  readonly trustedProxies: readonly string[]
  /** Whether reads are noted in the access log. */
  readonly accessLog: boolean
  /** Where the process kills itself, for fault tests. */
  readonly crashAt: CrashPoint | undefined
  /** What to do where settings of Postgres or Redis could lose what was acknowledged. */
  readonly durability: 'strict' | 'warn'
  /** At which pressure each class of requests is given up. */
  readonly shedAt: ShedAt
  /** How long what is accepted may wait to be posted before files are given up. */
  readonly backlogSecondsMax: number
  /** How many standbys of Postgres each commit must have reached. */
  readonly standbys: number
  /** Posting gives way while commits of acceptance take longer, in milliseconds. */
  readonly acceptCommitMs: number
  /** What one client can hold of intake. */
  readonly http: HttpLimits
  /** How long browsers come by TLS alone; 0: not said. */
  readonly hstsSeconds: number
  /** Milliseconds for which it takes requests after SIGTERM, and says that it drains. */
  readonly drainMs: number
  readonly logLevel: string
}

export type TokenConfig = {
  readonly jwksUrl: string | undefined
  readonly issuer: string
  readonly audience: string
  /** How long one may be valid. */
  readonly secondsMax: number
  /** How the identity provider names what a token says. */
  readonly claims: ClaimNames
}

/** A variable's meaning in one line; docs/reference/configuration.md is checked against this list. */
export const variables = {
  HOST: 'address intake listens on (127.0.0.1)',
  PORT: 'port intake listens on (8080, of a rehearsal 8081)',
  OPERATORS_HOST:
    'address where every process answers /metrics, and /livez and /readyz: without a token (127.0.0.1)',
  OPERATORS_PORT: 'port where intake answers these; health is on PORT, too (PORT + 1000)',
  WORKER_PORT: 'port where a worker answers these (none)',
  WORKER_METRICS_URL:
    "workers' metrics that intake shows with its own, with commas between (set by npm start)",
  DATA_DIR:
    'data of the embedded Postgres, keys, logs, and outages that wait for the database (.data)',
  KEYRING_FILE:
    'keys of the engine (DATA_DIR/keyring.json, of a rehearsal DATA_DIR/rehearsal-keyring.json)',
  ENVIRONMENT:
    'written into every receipt; rehearsal, or rehearsal-NAME, makes an installation of which nothing counts (development)',
  DATABASE_URL:
    'a Postgres of your own; by TLS with ?sslmode=verify-full, and &sslrootcert=FILE for a CA of your own (the embedded one)',
  MIGRATE_DATABASE_URL: "the schema owner's URL for npm run migrate (DATABASE_URL)",
  REDIS_URL: 'queue in this Redis, rediss:// by TLS (in Postgres)',
  REDIS_CA:
    'a file (PEM) with the certificate of the authority that vouches for Redis, where REDIS_URL is rediss:// (those that Node trusts)',
  POLICY_DIR: 'a folder of policy packs (those in src/policy/packs)',
  JWKS_URL:
    'keys that sign bearer tokens, by https unless of this machine (the keyring, and of a rehearsal nothing else)',
  TOKEN_ISSUER: 'iss that a token must have (spillway)',
  TOKEN_AUDIENCE: 'aud that a token must have (spillway)',
  TOKEN_SECONDS_MAX:
    'seconds that a token may be valid, from iat to exp and from now; with more, 401 (172800)',
  TOKEN_SCOPE_CLAIM: 'claim with its scopes, a text or an array; a.b is b within a (scope)',
  TOKEN_EMPLOYERS_CLAIM: 'claim with the employers that it names (employers)',
  TOKEN_ROLES_CLAIM: 'claim with its holder’s roles; a token without is a filer’s (roles)',
  TOKEN_REGIONS_CLAIM: 'claim with the regions of staff (regions)',
  PORTAL_DIR: 'the portal as it was built; without one, intake runs without it (.portal)',
  PORTAL_URL:
    'where people open the portal, by https unless of this machine; needed to sign in with an identity provider (none)',
  OIDC_CLIENT_ID:
    'the portal at the identity provider that TOKEN_ISSUER is; without it nobody signs in, but on this machine in ENVIRONMENT development (none)',
  OIDC_CLIENT_SECRET: 'its secret; none for a public client (none)',
  OIDC_CLIENT_AUTH: 'how that is sent: basic or post (basic)',
  OIDC_SCOPE:
    'what is asked for; with offline_access, sessions are renewed (openid declarations:read declarations:write)',
  OIDC_RESOURCE: 'the resource that tokens are asked for, where the provider needs it (none)',
  TRUSTED_PROXIES:
    'addresses and subnets of proxies, with commas between, whose X-Forwarded-For tells who the client is (none)',
  ACCESS_LOG: 'on or off: whether who reads what is noted in the access log (on)',
  DURABILITY:
    'strict refuses to start where a setting could lose what was acknowledged; warn says so in readiness, metrics and receipts (strict, in ENVIRONMENT development warn)',
  SHED_AT:
    'at which share of what can be done in time each class of requests is given up (reports=0.6,checks=0.7,bulk=0.8,filings=0.9,filings-due=1,lookups=1.5)',
  BACKLOG_SECONDS_MAX:
    'seconds that what is accepted may wait to be posted; at 0.8 of it, as SHED_AT says for bulk, no more files are taken; filings are (300)',
  SYNCHRONOUS_STANDBYS:
    'how many standbys of Postgres each 202 must have reached; with fewer, DURABILITY decides (0)',
  ACCEPT_COMMIT_MS:
    'milliseconds that a commit of acceptance may take; while they take longer, posting gives way (25)',
  CONNECTIONS_MAX: 'connections that intake holds; the next is closed at once (10000)',
  CONNECTIONS_PER_ADDRESS_MAX:
    'the same for each remote address (an IPv6 /64), which may be a load balancer; without one, some 200; 0 is no cap (5000)',
  HEADERS_MAX: 'header lines of a request; above it, 431 (100)',
  HEADER_BYTES_MAX: "bytes of a request's headers; above it, 431 (16384)",
  HEADERS_MS_MAX: 'milliseconds to receive headers in, looked at every 2 s; then 408 (10000)',
  RECEIVE_MS_MAX:
    'milliseconds to receive a whole request in, looked at every 2 s; then 408 (30000)',
  IDLE_MS_MAX:
    "milliseconds that a connection stays open between requests; longer than a load balancer's (72000)",
  ANSWER_MS_MAX:
    'milliseconds that a client may leave an answer unread; then its connection ends (60000)',
  BODY_BYTES_MAX: 'bytes of a declaration, as sent and as inflated; above it, 413 (4194304)',
  OTHER_BODY_BYTES_MAX: 'bytes of a body where none is needed; above it, 413 (16384)',
  BODIES_HELD_BYTES_MAX:
    'bytes of all bodies that intake holds at a time; above it, 503, and 429 where one filer holds half of it; large ones get three quarters (268435456)',
  INFLATED_RATIO_MAX: 'times its size that a compressed body may inflate to; above it, 413 (100)',
  JSON_DEPTH_MAX: 'lists and objects within each other in a body; above it, 400 (16)',
  JSON_ITEMS_MAX: 'keys and list entries in a body; above it, 400 (200000)',
  UPLOAD_BYTES_MAX: 'bytes of a file with many declarations; above it, 413 (536870912)',
  UPLOADS_MAX: 'files that an intake process receives at a time; above it, 503 (64)',
  UPLOAD_STALL_MS_MAX:
    'milliseconds in which 1 KiB of a file must come, however slow its line is; then 408, and what came is kept (20000)',
  HSTS_SECONDS:
    'seconds that browsers are told to come by TLS alone; set it where TLS ends in front of intake, 31536000 for a year (0: not told)',
  DRAIN_MS:
    'milliseconds from SIGTERM, when /readyz says that it drains, until intake closes its port: as long as the load balancer takes to notice (0, in ENVIRONMENT production 3000)',
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
  const faults = [...misspeltNames(Object.keys(env), Object.keys(variables))].map(
    ([name, setting]) => `${name} is no setting: ${setting} is, so correct or remove it`,
  )
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
  const url = (
    name: keyof typeof variables,
    protocols: readonly string[],
    value: string | undefined = text(name),
  ) => {
    if (value === undefined) return undefined
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value
    faults.push(`${name} must be a URL that starts with ${protocols.join('// or ')}//`)
    return undefined
  }
  const dataDir = path.resolve(text('DATA_DIR') ?? '.data')
  const logLevel = text('LOG_LEVEL') ?? 'info'
  if (!['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].includes(logLevel))
    faults.push('LOG_LEVEL must be trace, debug, info, warn, error, fatal or silent')
  const crashAt = crashPoints.find((point) => point === text('CRASH_AT'))
  if (text('CRASH_AT') !== undefined && crashAt === undefined)
    faults.push(`CRASH_AT must be one of ${crashPoints.join(', ')}`)
  const environment = text('ENVIRONMENT') ?? 'development'
  const isRehearsal = readIsRehearsal(environment, faults)
  const intakePort = port('PORT', usualPorts[isRehearsal ? 'rehearsal' : 'live']) ?? 0
  const host = text('HOST') ?? '127.0.0.1'
  const config: Config = {
    host,
    port: intakePort,
    ...readOperators(text, port, intakePort, faults),
    workerMetricsUrls: (text('WORKER_METRICS_URL')?.split(',') ?? []).flatMap(
      (one) => url('WORKER_METRICS_URL', ['http:'], one.trim()) ?? [],
    ),
    dataDir,
    ...keyringFiles(dataDir, text('KEYRING_FILE'), isRehearsal),
    environment,
    isRehearsal,
    ...readPostgres(url, faults),
    ...readRedis(url('REDIS_URL', ['redis:', 'rediss:']), text('REDIS_CA'), faults),
    queueNamespace: environment,
    policyDir: text('POLICY_DIR'),
    token: readToken(text, {
      jwksUrl: readJwksUrl(url('JWKS_URL', ['http:', 'https:']), isRehearsal, faults),
      secondsMax: whole('TOKEN_SECONDS_MAX', tokenSecondsMax, 60, tokenSecondsMost),
    }),
    portal: readPortalConfig(text, { host, environment, isRehearsal }, faults),
    ...readAccess(text, faults),
    crashAt,
    durability: readDurability(text('DURABILITY'), environment, faults),
    shedAt: readShedAt(text('SHED_AT'), faults),
    backlogSecondsMax: whole('BACKLOG_SECONDS_MAX', backlogSecondsMax, 1, 999_999_999),
    standbys: whole('SYNCHRONOUS_STANDBYS', 0, 0, 20),
    acceptCommitMs: whole('ACCEPT_COMMIT_MS', 25, 1, 60_000),
    http: readHttpLimits(whole),
    hstsSeconds: whole('HSTS_SECONDS', 0, 0, 999_999_999),
    drainMs: whole('DRAIN_MS', environment === 'production' ? drainMsUsual : 0, 0, drainMsMost),
    logLevel,
  }
  if (config.http.headersMsMax > config.http.receiveMsMax)
    faults.push('HEADERS_MS_MAX must be no more than RECEIVE_MS_MAX')
  if (faults.length > 0) throw new ConfigError(faults.join('; '))
  return Object.freeze(config)
}

function readDurability(
  value: string | undefined,
  environment: string,
  faults: string[],
): Config['durability'] {
  const durability = value ?? (environment === 'development' ? 'warn' : 'strict')
  if (durability === 'strict' || durability === 'warn') return durability
  faults.push('DURABILITY must be strict or warn')
  return 'strict'
}

function readOperators(
  text: (name: keyof typeof variables) => string | undefined,
  port: (name: keyof typeof variables, fallback: number | undefined) => number | undefined,
  intakePort: number,
  faults: string[],
): Pick<Config, 'operators' | 'workerOperators'> {
  const host = text('OPERATORS_HOST') ?? '127.0.0.1'
  const own = port('OPERATORS_PORT', undefined) ?? operatorsPortOf(intakePort)
  if (intakePort !== 0 && own === intakePort)
    faults.push('OPERATORS_PORT must not be PORT: what is there is not for everybody')
  const ofWorker = port('WORKER_PORT', undefined)
  return {
    operators: { host, port: own },
    workerOperators: ofWorker === undefined ? undefined : { host, port: ofWorker },
  }
}

/** Intakes of one machine, which have ports of their own, have these of their own as well. */
function operatorsPortOf(intakePort: number): number {
  if (intakePort === 0) return 0
  const above = intakePort + operatorsPortDistance
  return above <= 65_535 ? above : intakePort - operatorsPortDistance
}

function readToken(
  text: (name: keyof typeof variables) => string | undefined,
  read: Pick<TokenConfig, 'jwksUrl' | 'secondsMax'>,
): TokenConfig {
  return {
    ...read,
    issuer: text('TOKEN_ISSUER') ?? 'spillway',
    audience: text('TOKEN_AUDIENCE') ?? 'spillway',
    claims: {
      scope: text('TOKEN_SCOPE_CLAIM') ?? claimNames.scope,
      employers: text('TOKEN_EMPLOYERS_CLAIM') ?? claimNames.employers,
      roles: text('TOKEN_ROLES_CLAIM') ?? claimNames.roles,
      regions: text('TOKEN_REGIONS_CLAIM') ?? claimNames.regions,
    },
  }
}

/**
 * Whoever is on the way of keys that nothing protects can put others in their place, and let anybody in. In a
 * rehearsal, nobody files by mistake with a token for what counts.
 */
function readJwksUrl(
  jwksUrl: string | undefined,
  isRehearsal: boolean,
  faults: string[],
): string | undefined {
  if (jwksUrl === undefined || isRehearsal) return undefined
  if (isOpenToOthers(new URL(jwksUrl)))
    faults.push('JWKS_URL must start with https://, unless it is of this machine (127.0.0.1)')
  return jwksUrl
}

/** Who asks, and whether that is noted. */
function readAccess(
  text: (name: keyof typeof variables) => string | undefined,
  faults: string[],
): Pick<Config, 'trustedProxies' | 'accessLog'> {
  if ((text('TOKEN_ISSUER')?.length ?? 0) > issuerCharactersMax)
    faults.push(`TOKEN_ISSUER must be of at most ${issuerCharactersMax} characters`)
  const accessLog = text('ACCESS_LOG') ?? 'on'
  if (accessLog !== 'on' && accessLog !== 'off') faults.push('ACCESS_LOG must be on or off')
  const trustedProxies = readProxies(text('TRUSTED_PROXIES'), faults)
  return { trustedProxies, accessLog: accessLog === 'on' }
}

function readProxies(value: string | undefined, faults: string[]): readonly string[] {
  const proxies = value?.split(',').map((one) => one.trim()) ?? []
  const isProxy = (one: string) => {
    const [address = '', bits = '0', ...more] = one.split('/')
    const bitsMax = { 4: 32, 6: 128 }[isIP(address)]
    const isSubnet = /^\d{1,3}$/.test(bits) && Number(bits) <= (bitsMax ?? 0)
    return bitsMax !== undefined && isSubnet && more.length === 0
  }
  if (!proxies.every(isProxy))
    faults.push('TRUSTED_PROXIES must be addresses or subnets such as 10.0.0.7,10.1.0.0/16')
  return proxies
}

const usualPorts = { live: 8080, rehearsal: 8081 } as const

function keyringFiles(
  dataDir: string,
  named: string | undefined,
  isRehearsal: boolean,
): Pick<Config, 'keyringFile' | 'postgresKeyringFile'> {
  const live = path.join(dataDir, 'keyring.json')
  const usual = isRehearsal ? path.join(dataDir, 'rehearsal-keyring.json') : live
  const keyringFile = path.resolve(named ?? usual)
  return { keyringFile, postgresKeyringFile: isRehearsal ? live : keyringFile }
}

/** Of what receipts have as their environment: no other may look like a rehearsal's. */
function readIsRehearsal(environment: string, faults: string[]): boolean {
  const isRehearsal = /^rehearsal(-[a-z0-9-]{1,40})?$/.test(environment)
  if (!isRehearsal && /rehearsal/i.test(environment))
    faults.push('ENVIRONMENT must be rehearsal or like rehearsal-city, or not have that word')
  return isRehearsal
}

const shedAtDefault: ShedAt = {
  reports: 0.6,
  checks: 0.7,
  bulk: 0.8,
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

/** Variable, least and most of each. */
const httpSettings: Readonly<
  Record<keyof HttpLimits, readonly [keyof typeof variables, number, number]>
> = {
  connectionsMax: ['CONNECTIONS_MAX', 1, 1_000_000],
  connectionsPerAddressMax: ['CONNECTIONS_PER_ADDRESS_MAX', 0, 1_000_000],
  headersMax: ['HEADERS_MAX', 10, 2_000],
  headerBytesMax: ['HEADER_BYTES_MAX', 1_024, 1_048_576],
  headersMsMax: ['HEADERS_MS_MAX', 100, 600_000],
  receiveMsMax: ['RECEIVE_MS_MAX', 100, 600_000],
  idleMsMax: ['IDLE_MS_MAX', 100, 3_600_000],
  // An answer that waits is silent for so long.
  answerMsMax: ['ANSWER_MS_MAX', 1_000 * statusWaitSecondsMax + 5_000, 3_600_000],
  // The largest declaration must fit into an envelope.
  bodyBytesMax: ['BODY_BYTES_MAX', 1_024, groupBytesMax],
  otherBodyBytesMax: ['OTHER_BODY_BYTES_MAX', 0, 1_048_576],
  bodiesHeldBytesMax: ['BODIES_HELD_BYTES_MAX', bodiesHeldBytesMin, 999_999_999],
  inflatedRatioMax: ['INFLATED_RATIO_MAX', 1, 999_999_999],
  jsonDepthMax: ['JSON_DEPTH_MAX', 4, 1_000],
  jsonItemsMax: ['JSON_ITEMS_MAX', 100, 10_000_000],
  uploadBytesMax: ['UPLOAD_BYTES_MAX', 1_024, 999_999_999],
  uploadsMax: ['UPLOADS_MAX', 1, uploadsMax],
  // A silent connection is ended after ANSWER_MS_MAX at the least.
  uploadStallMsMax: ['UPLOAD_STALL_MS_MAX', 100, 1_000 * statusWaitSecondsMax],
}

function readHttpLimits(
  whole: (name: keyof typeof variables, fallback: number, min: number, max: number) => number,
): HttpLimits {
  const limits = Object.entries(httpSettings).map(([limit, [name, min, max]]) => [
    limit,
    whole(name, httpDefaults[limit as keyof HttpLimits], min, max),
  ])
  return Object.freeze(Object.fromEntries(limits))
}
