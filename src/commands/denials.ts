/**
 * `npm run denials -- list | deny | lift`, for a token by `--jti ID` or `--token-file FILE`, or for all tokens of a holder
 * by `--sub NAME`, of every issuer or of one by `--issuer URL`, with `--operator NAME --reason TEXT`: every intake
 * process refuses denied tokens within seconds, whatever they say. Who did it and why is recorded. Any login of
 * commands denies; to lift takes one that no process has. Exits with 1 if nothing changed.
 */
import { decodeJwt } from 'jose'
import { tokenIdOf } from '../intake/auth/claims.ts'
import { addDenial, type DenialAct, type Denied, listDenials } from '../journal/denials.ts'
import {
  denialsListedMax,
  denialsLookMs,
  interventionTextMax,
  issuerCharactersMax,
  postStatementMsMax,
  subjectCharactersMax,
} from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readTextFile } from '../platform/command/text-file.ts'
import { ConfigError, readConfig } from '../platform/config/config.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { assertSchema } from '../platform/postgres/migrations.ts'
import { openPool, operatingRole, postingRole } from '../platform/postgres/postgres.ts'

const usage = helpText(
  `Usage: npm run denials -- list
       npm run denials -- deny --jti ID | --sub NAME [--issuer URL] | --token-file FILE --operator NAME --reason TEXT
       npm run denials -- lift --jti ID | --sub NAME [--issuer URL] | --token-file FILE --operator NAME --reason TEXT
--jti: one token, by its claim. --token-file: the token in that file. --sub: all tokens of a holder, of every issuer or
of the one given, until the denial is lifted. Write no names or numbers of persons in operator and reason.`,
  {
    list: 'print the tokens and holders that are refused',
    deny: 'refuse a token, or all tokens of a holder',
    lift: 'accept them again; takes a login that is a member of spillway_operating',
    '--jti ID': 'one token, by its jti claim',
    '--sub NAME': 'all tokens of a holder, whatever their issuer',
    '--issuer URL': 'with --sub: of this issuer alone, as its tokens name it in iss',
    '--token-file FILE': 'the token in this file',
    '--operator NAME': 'who does it; kept for good',
    '--reason TEXT': 'why; no personal data',
  },
  "npm run denials -- deny --sub payroll-7 --operator li.wei --reason 'key leaked'",
)

type Command = { readonly act: 'list' } | DenialAct

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const asked = readArguments(args)
  await withDatabase(readConfig(process.env), async ({ url }) => {
    const pool = openPool({
      ...{ url, name: 'spillway-denials', connectionsMax: 1 },
      role: asked.act === 'lift' ? operatingRole : postingRole,
      statementMsMax: postStatementMsMax,
    })
    try {
      await assertSchema(pool)
      if (asked.act === 'list') return list(await listDenials(pool))
      const isDone = await addDenial(pool, asked)
      report(asked, isDone, await listDenials(pool, asked))
    } catch (error) {
      if (asked.act === 'lift' && isRefusedRole(error)) throw new ConfigError(notOperators)
      throw error
    } finally {
      await pool.end()
    }
  })
}

const notOperators =
  'The login of DATABASE_URL may deny, not lift: use one of operators ("grant spillway_operating to LOGIN", as the owner, after "npm run migrate").'

/** The login is no member of the role, or the role is not there. */
function isRefusedRole(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown }
  return code === '42501' || code === '22023'
}

function readArguments(args: string[]): Command {
  const text = { type: 'string' } as const
  const of = { jti: text, sub: text, issuer: text, 'token-file': text }
  const options = { ...of, operator: text, reason: text }
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options }, usage)
  const [act, ...more] = positionals
  const given = Object.keys(values).length
  if (act === 'list' && more.length === 0 && given === 0) return { act }
  if (act === 'list') throw wrongUse('list takes nothing else.', usage)
  if ((act !== 'deny' && act !== 'lift') || more.length > 0)
    throw wrongUse(
      act === undefined ? 'A command is missing.' : `There is no ${positionals.join(' ')}.`,
      usage,
    )
  const { operator = '', reason = '', issuer, ...named } = values
  if (Object.keys(named).length !== 1)
    throw wrongUse('It takes one of --jti, --sub and --token-file.', usage)
  if (issuer !== undefined && named.sub === undefined)
    throw wrongUse('--issuer goes with --sub alone.', usage)
  if (issuer === '' || (issuer?.length ?? 0) > issuerCharactersMax || issuer?.includes('\0'))
    throw wrongUse('That is no iss of a token.', usage)
  for (const [name, one] of Object.entries({ operator, reason })) {
    if (one.trim() === '') throw wrongUse(`--${name} is missing.`, usage)
    if (one.length > interventionTextMax)
      throw wrongUse(`--${name} is longer than ${interventionTextMax} characters.`, usage)
    if (/\d{15}/.test(one)) throw wrongUse(`--${name} has what may be a person's number.`, usage)
  }
  const denied = deniedOf(named, issuer)
  if (denied.value === '' || denied.value.length > subjectCharactersMax || /\0/.test(denied.value))
    throw wrongUse(`That is no ${denied.claim} of a token.`, usage)
  return { act, ...denied, operator, reason }
}

type Named = { readonly jti?: string; readonly sub?: string; readonly 'token-file'?: string }

function deniedOf(of: Named, issuer = ''): Denied {
  if (of.sub !== undefined) return { claim: 'sub', value: of.sub, issuer }
  if (of.jti !== undefined) return { claim: 'jti', value: tokenIdOf(of) ?? '', issuer }
  const file = of['token-file'] as string
  const value = tokenIdOf(claimsIn(file))
  if (value !== undefined) return { claim: 'jti', value, issuer }
  throw new UsageError(
    `The token in ${file} has no jti: deny its holder with --sub, or retire its key ("npm run keyring -- retire KID").`,
  )
}

/** Reads the claims without verifying the signature: the denial is of what the token claims to be. */
function claimsIn(file: string): Readonly<Record<string, unknown>> {
  const text = readTextFile(file)
  try {
    return decodeJwt(text.trim())
  } catch {
    throw new UsageError(`There is no token in ${file}.`)
  }
}

function list(denials: Awaited<ReturnType<typeof listDenials>>): void {
  for (const { operator, reason, at, ...denied } of denials)
    say(`${at.toISOString()}  ${named(denied)}  by ${shown(operator)}: ${shown(reason)}`)
  const more = denials.length === denialsListedMax ? ' or more' : ''
  say(`${denials.length}${more} denied.`)
}

function named({ claim, value, issuer }: Denied): string {
  return `${claim} ${shown(value)}${issuer === '' ? '' : ` of ${shown(issuer)}`}`
}

/** @param left what still denies them */
function report({ act, ...denied }: DenialAct, isDone: boolean, left: readonly Denied[]): void {
  const seconds = denialsLookMs / 1_000
  if (isDone) {
    const what = act === 'deny' ? 'refused' : 'taken again'
    if (act === 'lift' && left.length > 0) {
      say(`${named(denied)}: lifted; ${left.map(named).join(', ')} is still refused.`)
      return
    }
    say(`${named(denied)}: ${what} by every intake process within some ${seconds} s.`)
    return
  }
  say(`${named(denied)}: it is ${act === 'deny' ? 'denied already' : 'not denied'}.`)
  process.exitCode = 1
}

/** A claim may have any characters, also control characters of a terminal. */
function shown(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`)
}

main(process.argv.slice(2)).catch(reportFailure)
