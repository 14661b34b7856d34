/**
 * `npm run --silent token -- --subject <NAME> --employer <USCC> [--employer …] [--scope …] [--role …]
 * [--region …] [--ttl 1h] [--rehearsal]`: prints a bearer token for the engine whose DATA_DIR (or KEYRING_FILE) the environment names, or one for
 * its rehearsals, with which nothing can be filed that counts.
 */
import { parseArgs } from 'node:util'
import { checkSocialCreditCode } from './declaration/social-credit-code.ts'
import { scopes } from './intake/authentication.ts'
import { issueToken } from './intake/issue-token.ts'
import { isOfRegions, namesEmployers, patternOfRegion, roles, rolesOf } from './intake/roles.ts'
import { subjectCharactersMax } from './limits.ts'
import { readConfig } from './platform/config.ts'
import { reportFailure, UsageError } from './platform/failure.ts'
import { readKeyring } from './platform/keyring.ts'
import { readRehearsalKeys } from './platform/rehearsal.ts'

const usage =
  'Usage: npm run --silent token -- --subject NAME --employer <USCC> [--employer <USCC>] ' +
  `[--scope ${scopes.join('|')}] [--role ${Object.keys(roles).join('|')}] [--region 340100] [--ttl 30s|15m|12h|2d] [--rehearsal]`

const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

async function main(args: string[]): Promise<void> {
  const { subject = '', employer = [], scope, role, region, ttl, rehearsal } = readArguments(args)
  const held = role === undefined ? (['filer'] as const) : rolesOf(role)
  const unknown = held.length !== new Set(role ?? held).size
  if (unknown || (namesEmployers(held) && employer.length === 0)) throw new UsageError(usage)
  if (isOfRegions(held) && region?.every((one) => patternOfRegion(one)) !== true)
    throw new UsageError(`${usage}\nThe roles of staff take a --region, by its code: 340100.`)
  const wrong = employer.find((code) => checkSocialCreditCode(code) !== undefined)
  if (wrong !== undefined) {
    throw new UsageError(
      `${wrong} is not a unified social credit code (GB 32100): check its digits.`,
    )
  }
  if (subject === '' || subject.length > subjectCharactersMax) {
    throw new UsageError(
      `${usage}\n--subject is whose the token is, a person or a system: files and slots are a subject's own.`,
    )
  }
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(ttl) ?? []
  if (count === undefined || unit === undefined) throw new UsageError(usage)
  const live = readConfig(process.env)
  const ttlSeconds = Number(count) * (secondsOf[unit] ?? 0)
  if (ttlSeconds > live.token.secondsMax)
    throw new UsageError(
      `--ttl ${ttl} is longer than intake takes a token for: ${live.token.secondsMax} s at most (TOKEN_SECONDS_MAX).`,
    )
  const { config, keyring } = rehearsal
    ? readRehearsalKeys(live)
    : { config: live, keyring: readKeyring(live.keyringFile) }
  const [key] = keyring.tokenKeys
  if (key === undefined) throw new UsageError('The keyring has no token key.')
  const token = await issueToken(
    { key, ...config.token },
    { subject, employers: employer, scopes: scope, roles: role, regions: region, ttlSeconds },
  )
  process.stdout.write(`${token}\n`)
}

function readArguments(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        subject: { type: 'string' },
        employer: { type: 'string', multiple: true },
        role: { type: 'string', multiple: true },
        region: { type: 'string', multiple: true },
        scope: { type: 'string', multiple: true, default: [...scopes] },
        ttl: { type: 'string', default: '12h' },
        rehearsal: { type: 'boolean', default: false },
      },
    })
    return values
  } catch {
    throw new UsageError(usage)
  }
}

main(process.argv.slice(2)).catch(reportFailure)
