/** Real processes of the engine, ended by their ids. */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import { tryAgainStatus } from '../../src/platform/command/failure.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { type LoginKind, loginUrl } from '../../src/platform/postgres/embedded-logins.ts'
import { endWithThisProcess } from '../../src/platform/process/guard.ts'
import { bareEnvironment } from './command.ts'
import { waitFor } from './wait.ts'

export type EngineProcess = {
  readonly pid: number
  /** Where it listens; empty for a worker without a port (`WORKER_PORT: '0'` gives it any). */
  readonly address: string
  /** Its operators' port; empty for a worker without one. */
  readonly operators: string
  /** Everything it has written to standard output and error. */
  output(): string
  signal(name: NodeJS.Signals): void
  /** Its exit code, once it has ended by itself. */
  readonly gone: Promise<number | null>
  /** Ends it and waits until it is gone. */
  end(name?: NodeJS.Signals): Promise<number | null>
}

const files = {
  intake: fileURLToPath(new URL('../../src/commands/intake.ts', import.meta.url)),
  worker: fileURLToPath(new URL('../../workers/post.ts', import.meta.url)),
  batches: fileURLToPath(new URL('../../workers/batches.ts', import.meta.url)),
}

const kinds = { intake: 'intake', worker: 'worker', batches: 'batch-worker' } as const

/** A process connects with the login of its kind, where a test's database is named. */
function asKind(url: string, kind: LoginKind): string {
  const owner = new URL(inject('postgresUrl'))
  const operator = new URL(loginUrl(owner.href, 'operator'))
  const as = new URL(url)
  if (as.username !== operator.username || as.password !== operator.password) return url
  as.username = owner.username
  as.password = owner.password
  return loginUrl(as.href, kind)
}

/** What makes a process misbehave, its clock too: `CLOCK_AHEAD_MS`. */
const misbehave = new URL('../../bench/faults/misbehave.mjs', import.meta.url).href

/**
 * Starts an intake or a worker process; resolves when it says that it is ready. One that Postgres did not answer in
 * time, as on a machine where many start at once, is started again, as its supervisor does.
 */
export async function startProcess(
  kind: keyof typeof files,
  env: Record<string, string>,
  triesMore = 5,
): Promise<EngineProcess> {
  try {
    return await startOnce(kind, env)
  } catch (error) {
    if (triesMore === 0 || !(error instanceof FailedStart) || error.status !== tryAgainStatus) {
      throw error
    }
    return startProcess(kind, env, triesMore - 1)
  }
}

class FailedStart extends Error {
  readonly status: number | null
  constructor(status: number | null, output: string) {
    super(`it ended with ${status}: ${output}`)
    this.status = status
  }
}

async function startOnce(
  kind: keyof typeof files,
  env: Record<string, string>,
): Promise<EngineProcess> {
  const child = fork(files[kind], {
    env: {
      ...bareEnvironment,
      KEYRING_FILE: inject('keyringFile'),
      DATA_DIR: `${inject('postgresDataDir')}/processes`,
      PORT: '0',
      OPERATORS_PORT: '0',
      LOG_LEVEL: 'info',
      ...env,
      ...(env.DATABASE_URL && { DATABASE_URL: asKind(env.DATABASE_URL, kinds[kind]) }),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: env.CLOCK_AHEAD_MS === undefined ? [] : ['--import', misbehave],
  })
  endWithThisProcess(child.pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const gone = once(child, 'exit').then(() => child.exitCode)
  const { address = '', operators = '' } = await readyMessage(child, () => output)
  return {
    pid: child.pid as number,
    address,
    operators,
    output: () => output,
    signal: (name) => void child.kill(name),
    gone,
    end: async (name = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(name)
        await gone
      }
      return child.exitCode
    },
  }
}

type Ready = { readonly ready?: boolean; readonly address?: string; readonly operators?: string }

function readyMessage(child: ChildProcess, output: () => string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: Ready) => {
      if (message.ready === true) resolve(message)
    })
    child.once('exit', (code) => reject(new FailedStart(code, output())))
  })
}

/** What it counts, as it told last: up to a second ago. */
export async function metricsOf({ operators }: Pick<EngineProcess, 'operators'>): Promise<string> {
  const answer = await fetch(`${operators}/metrics`)
  if (answer.status !== 200) throw new Error(`metrics: ${answer.status}`)
  return answer.text()
}

/** What it counts now: the next reading after what it told last, which differs in its CPU time. */
export async function freshMetricsOf(of: Pick<EngineProcess, 'operators'>): Promise<string> {
  const last = await metricsOf(of)
  return waitFor(
    'metrics',
    async () => {
      const text = await metricsOf(of)
      return text !== last && text
    },
    60_000,
  )
}

export type TokenOptions = {
  readonly scopes?: readonly string[]
  readonly ttlSeconds?: number
  /** Of a process whose clock differs. */
  readonly issuedAtMs?: number
  readonly issuer?: string
  readonly audience?: string
  /** The first employer unless given. */
  readonly subject?: string
  readonly roles?: readonly string[]
  readonly regions?: readonly string[]
}

/** A token for these employers, of the keyring that all tests share. */
export function tokenFor(
  employers: readonly string[],
  options: TokenOptions = {},
): Promise<string> {
  const [key] = readKeyring(inject('keyringFile')).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const scopes = options.scopes ?? ['declarations:write', 'declarations:read']
  const { issuer = 'spillway', audience = 'spillway', subject = employers[0] ?? 'nobody' } = options
  return issueToken(
    { key, issuer, audience },
    {
      ...{ subject, employers, scopes, ttlSeconds: options.ttlSeconds ?? 3_600 },
      ...{ roles: options.roles, regions: options.regions, issuedAtMs: options.issuedAtMs },
    },
  )
}

/** Files a declaration over HTTP. */
export function file(
  address: string,
  token: string,
  key: string,
  declaration: unknown,
  more: Record<string, string> = {},
): Promise<Response> {
  const body = typeof declaration === 'string' ? declaration : JSON.stringify(declaration)
  return fetch(`${address}/v1/declarations`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'idempotency-key': key,
      'content-type': 'application/json',
      'content-digest': contentDigest(body),
      ...more,
    },
    body,
  })
}

/** As a client names what it sends (RFC 9530). */
export function contentDigest(body: string | Buffer, algorithm = 'sha-256'): string {
  const digest = createHash(algorithm.replace('-', '')).update(body).digest('base64')
  return `${algorithm}=:${digest}:`
}
