/**
 * `npm start`: everything on one machine. Makes keys on first run, starts Postgres, migrates, and
 * keeps an intake and a worker process running until Ctrl-C.
 */
import { scopes } from './intake/authentication.ts'
import { issueToken } from './intake/issue-token.ts'
import { type Config, readConfig } from './platform/config.ts'
import { createEngine } from './platform/engine.ts'
import { reportFailure, tolerateClosedOutput } from './platform/failure.ts'
import { readKeyring } from './platform/keyring.ts'
import { createLogger } from './platform/logger.ts'
import { stopOnSignal } from './platform/stop.ts'

/** GB 32100's published example; stands for a synthetic employer. */
const exampleEmployer = '91350100M000100Y43'

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'start')
  const engine = createEngine(process.env, logger)
  const end = stopOnSignal(logger, () => engine.stop())
  tolerateClosedOutput(end)
  try {
    const running = await engine.start()
    if (running !== undefined) process.stdout.write(await welcome(config, running.address))
  } catch (error) {
    await engine.stop()
    throw error
  }
}

async function welcome(config: Config, address: string): Promise<string> {
  const [key] = readKeyring(config.keyringFile).tokenKeys
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
  const lines = [
    '',
    `Spillway takes declarations at ${address}`,
    `  documentation  ${address}/documentation`,
    `  metrics        ${address}/metrics`,
    `  data and keys  ${config.dataDir}`,
    '',
  ]
  if (key !== undefined && config.token.jwksUrl === undefined) {
    const token = await issueToken(
      { key, ...config.token },
      { subject: 'first-try', employers: [exampleEmployer], scopes, ttlSeconds: 12 * 3_600 },
    )
    lines.push(
      'File a declaration (the token is good for 12 hours and for this employer):',
      '',
      `curl -i ${address}/v1/declarations \\`,
      `  -H 'Authorization: Bearer ${token}' \\`,
      `  -H 'Idempotency-Key: first-try' \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d '${JSON.stringify(request)}'`,
      '',
      'What became of it: GET its links.self, with the same Authorization header.',
      '',
    )
  }
  lines.push('Ctrl-C stops everything.', '')
  return lines.join('\n')
}

main().catch(reportFailure)
