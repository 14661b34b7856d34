/**
 * `npm run --silent token -- --subject <NAME> --employer <USCC> [--employer …] [--scope …] [--role …]
 * [--region …] [--ttl 1h]`: prints a bearer token for the engine of DATA_DIR (or KEYRING_FILE) in the
 * environment. With ENVIRONMENT=rehearsal, nothing filed with it counts.
 */

import { checkSocialCreditCode } from '../declaration/social-credit-code.ts'
import { scopes } from '../intake/auth/authentication.ts'
import { issueToken } from '../intake/auth/issue-token.ts'
import {
  isOfRegions,
  namesEmployers,
  patternOfRegion,
  roles,
  rolesOf,
} from '../intake/auth/roles.ts'
import { subjectCharactersMax } from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import { KeyringError } from '../platform/config/keyring-file.ts'
import { openOwnKeys } from '../platform/config/rehearsal.ts'

const usage = helpText(
  'Usage: npm run --silent token -- --subject NAME --employer <USCC> [--employer <USCC>] ' +
    `[--scope ${scopes.join('|')}] [--role ${Object.keys(roles).join('|')}] [--region 340100] [--ttl 30s|15m|12h|2d]`,
  {
    '--subject NAME': 'whose the token is: a person or a system',
    '--employer USCC': 'who the token may file for; several if repeated',
    '--scope SCOPE': 'what it may do; everything of its role unless given',
    '--role ROLE': 'filer unless given; several if repeated',
    '--region CODE': 'where a role of staff works; several if repeated',
    '--ttl DURATION': 'how long it is valid; 12h unless given',
  },
  'npm run --silent token -- --subject payroll-7 --employer 91350100M000100Y43 --ttl 2d',
)

const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

async function main(args: string[]): Promise<void> {
  const { subject = '', employer = [], scope, role, region, ttl } = readArguments(args)
  const held = role === undefined ? (['filer'] as const) : rolesOf(role)
  if (held.length !== new Set(role ?? held).size)
    throw wrongUse(`--role must be of ${Object.keys(roles).join(', ')}.`, usage)
  if (!scope.every((one) => (scopes as readonly string[]).includes(one)))
    throw wrongUse(`--scope must be of ${scopes.join(', ')}.`, usage)
  if (namesEmployers(held) && employer.length === 0)
    throw wrongUse('--employer is missing: who the token may file for.', usage)
  if (isOfRegions(held) && region?.every((one) => patternOfRegion(one)) !== true)
    throw wrongUse('The roles of staff take a --region, by its code: 340100.', usage)
  const wrong = employer.find((code) => checkSocialCreditCode(code) !== undefined)
  if (wrong !== undefined) {
    const what = `${wrong} is not a unified social credit code (GB 32100): check its digits.`
    throw wrongUse(what, usage)
  }
  if (subject === '' || subject.length > subjectCharactersMax) {
    const what = `--subject is whose the token is, a person or a system, in 1 to ${subjectCharactersMax} characters: files and slots are a subject's own.`
    throw wrongUse(what, usage)
  }
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(ttl) ?? []
  if (count === undefined || unit === undefined)
    throw wrongUse('--ttl must be a number with s, m, h or d behind it, like 12h.', usage)
  const config = readConfig(process.env)
  const ttlSeconds = Number(count) * (secondsOf[unit] ?? 0)
  if (ttlSeconds > config.token.secondsMax)
    throw wrongUse(
      `--ttl ${ttl} is longer than intake takes a token for: ${config.token.secondsMax} s at most (TOKEN_SECONDS_MAX).`,
      usage,
    )
  const [key] = openOwnKeys(config, ['tokens'], 'npm run token').tokenKeys
  if (key === undefined) throw new KeyringError('The keyring has no token key.')
  const token = await issueToken(
    { key, ...config.token },
    { subject, employers: employer, scopes: scope, roles: role, regions: region, ttlSeconds },
  )
  say(token)
}

function readArguments(args: string[]) {
  const options = {
    subject: { type: 'string' },
    employer: { type: 'string', multiple: true },
    role: { type: 'string', multiple: true },
    region: { type: 'string', multiple: true },
    scope: { type: 'string', multiple: true, default: [...scopes] as string[] },
    ttl: { type: 'string', default: '12h' },
  } as const
  return parseArguments({ args, options }, usage).values
}

main(process.argv.slice(2)).catch(reportFailure)
