/**
 * `npm start`: runs everything on one machine. It creates keys on the first run, starts Postgres,
 * migrates, and keeps an intake and a worker process running until Ctrl-C.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { scopes } from '../intake/auth/authentication.ts'
import { issueToken } from '../intake/auth/issue-token.ts'
import { expectNoArguments, helpText } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { write } from '../platform/command/output.ts'
import { type Config, readConfig } from '../platform/config/config.ts'
import { openOwnKeys } from '../platform/config/rehearsal.ts'
import { createEngine, type RunningEngine } from '../platform/installation/engine.ts'
import { createLogger } from '../platform/process/logger.ts'
import { stopOnSignal } from '../platform/process/stop.ts'

/** The published example of GB 32100, for a synthetic employer. */
const exampleEmployer = '91350100M000100Y43'

async function main(): Promise<void> {
  const usage = 'Usage: npm start (settings are in the environment)'
  expectNoArguments(process.argv.slice(2), helpText(usage, {}, 'PORT=8080 npm start'))
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'start')
  const engine = createEngine(process.env, logger)
  const end = stopOnSignal(logger, () => engine.stop())
  tolerateClosedOutput(end)
  try {
    const running = await engine.start()
    if (running !== undefined) write(await welcome(config, running))
  } catch (error) {
    await engine.stop()
    throw error
  }
}

async function welcome(config: Config, running: RunningEngine): Promise<string> {
  const { address, operators } = running
  const [key] = openOwnKeys(config, ['tokens'], 'npm start').tokenKeys
  const period = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 7)
  const request = {
    employer: exampleEmployer,
    region: '340100',
    period,
    kind: 'regular',
    lines: [
      {
        person: { idType: 'resident-id', idNumber: '11010519491231002X', name: '张三' },
        category: 'employee',
        wage: '6500.00',
        change: 'none',
      },
    ],
  }
  const hasPortal = !config.isRehearsal && existsSync(path.join(config.portal.dir, 'index.html'))
  const lines = [
    '',
    config.isRehearsal
      ? `A rehearsal takes declarations at ${address} (nothing of it counts)`
      : `Spillway takes declarations at ${address}`,
    ...(hasPortal ? [`  portal         ${address}/`] : []),
    `  documentation  ${address}/documentation`,
    `  metrics        ${operators}/metrics`,
    `  data and keys  ${config.dataDir}`,
    '',
  ]
  if (key !== undefined && config.token.jwksUrl === undefined) {
    const token = await issueToken(
      { key, ...config.token },
      {
        subject: 'first-try',
        employers: [exampleEmployer],
        scopes,
        ttlSeconds: Math.min(12 * 3_600, config.token.secondsMax),
      },
    )
    const name = config.isRehearsal ? 'first-try.rehearsal.token' : 'first-try.token'
    const file = path.join(config.dataDir, name)
    keepToken(file, token)
    lines.push(
      `File a declaration (the token in ${file} is good for 12 hours and for this employer):`,
      '',
      `TOKEN=$(cat ${quoted(file)})`,
      `curl -i ${address}/v1/declarations \\`,
      `  -H "Authorization: Bearer $TOKEN" \\`,
      `  -H 'Idempotency-Key: first-try' \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d '${JSON.stringify(request)}'`,
      '',
      'For its status: GET its links.self, with the same Authorization header.',
      '',
    )
  }
  lines.push('Ctrl-C stops everything.', '')
  return lines.join('\n')
}

/** Output goes into logs that others read, so the token goes into a file of its own. */
function keepToken(file: string, token: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 })
  rmSync(file, { force: true }) // an older file may be readable by others
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' })
}

/** Quotes a path for a shell. */
function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`
}

main().catch(reportFailure)
