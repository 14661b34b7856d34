/**
 * `npm run rehearse -- --profile city|province|nation|FILE [--compress 60] …`: a deadline day, driven at
 * the rates of the real one with arrivals that wait for nobody, and a verdict that an operator can sign.
 * `npm run rehearse -- compare A B [--out FILE.html]` tells two records apart; `npm run rehearse -- tokens COUNT`
 * prints tokens for a dry run, for made-up employers, one on a line. Exits with 0 when everything was reached, 1 when not, and 2 when the rehearsal is void or broke down.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '../src/platform/config.ts'
import { reportFailure, UsageError } from '../src/platform/failure.ts'
import { compareCommand } from './rehearsal/compare.ts'
import { createDisplay } from './rehearsal/display.ts'
import { rehearsalTokens } from './rehearsal/dry-run.ts'
import { readOptions } from './rehearsal/options.ts'
import type { RehearsalRecord } from './rehearsal/record.ts'
import { rehearse } from './rehearsal/rehearsal.ts'
import { reportHtml } from './rehearsal/report.ts'

const exitStatus = { pass: 0, fail: 1, void: 2 } as const

async function main(args: string[]): Promise<number> {
  if (args[0] === 'compare') return compare(args.slice(1))
  if (args[0] === 'tokens') return tokens(args.slice(1))
  const options = readOptions(args)
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => stopping.abort(new Error(`stopped by ${name}`)))
  const record = await rehearse(options, createDisplay(process.stdout), stopping.signal)
  const folder = options.out ?? path.join('.data', 'rehearsals', nameOf(record))
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'record.json'), JSON.stringify(record))
  writeFileSync(path.join(folder, 'report.html'), reportHtml(record))
  process.stdout.write(
    `${summaryOf(record).join('\n')}\n\nThe report is ${folder}/report.html, its figures ${folder}/record.json\n`,
  )
  return exitStatus[record.verdict]
}

/** Two rehearsals beside each other; that they differ is no failure. */
function compare(args: string[]): number {
  const options = { out: { type: 'string' } } as const
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [a, b, more] = positionals
  if (a === undefined || b === undefined || more !== undefined)
    throw new UsageError('Usage: npm run rehearse -- compare RECORD RECORD [--out FILE.html]')
  compareCommand(a, b, values.out)
  return 0
}

async function tokens([count, more]: readonly string[]): Promise<number> {
  if (count === undefined || more !== undefined || !/^[1-9]\d{0,5}$/.test(count))
    throw new UsageError('Usage: npm run --silent rehearse -- tokens COUNT > FILE')
  for await (const token of rehearsalTokens(readConfig(process.env), Number(count)))
    process.stdout.write(`${token}\n`)
  return 0
}

function nameOf({ startedAt, profile }: RehearsalRecord): string {
  return `${startedAt.slice(0, 19).replaceAll(':', '-')}-${profile.name}`
}

function summaryOf(record: RehearsalRecord): string[] {
  const { verdict, reasons, objectives, totals, profile, engine } = record
  const { offered, accepted, refused, returned, failed, posted, retries, statusReads } = totals
  return [
    '',
    `${profile.title}, compressed ${profile.compress} times${engine.kind === 'dry-run' ? ', a dry run' : ''}: ${verdict.toUpperCase()}`,
    `offered ${offered}: accepted ${accepted}, refused ${refused}, returned ${returned}, failed ${failed}; posted ${posted}; sent again ${retries}, status reads ${statusReads}`,
    `p50 ${totals.p50Ms} ms, p99 ${totals.p99Ms} ms, p99.9 ${totals.p999Ms} ms, most ${totals.mostMs} ms`,
    ...objectives.map(({ title, unit, bound, measured, holds }) => {
      const limit = 'atMost' in bound ? bound.atMost : bound.atLeast
      return `  ${holds ? 'holds' : 'FAILS'}  ${title} ${limit} ${unit}: ${measured ?? 'not measured'}`
    }),
    ...reasons.map((reason) => `- ${reason}`),
  ]
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    reportFailure(error, exitStatus.void)
  },
)
