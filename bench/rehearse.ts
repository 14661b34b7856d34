/**
 * `npm run rehearse -- --profile city|province|nation|FILE [--compress 60] …`: a deadline day, driven at
 * the rates of the real one with arrivals that wait for nobody, and a verdict that an operator can sign.
 * `npm run rehearse -- compare A B [--out FILE.html]` tells two records apart; `picture RECORD --out FILE.svg`
 * draws one; `tokens COUNT` prints tokens for a dry run, for made-up employers, one on a line. Exits with 0
 * when everything was reached, 1 when not, 2 when the rehearsal is void or broke down, and as signals have
 * it when it was stopped.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArguments, wrongUse } from '../src/platform/command/arguments.ts'
import { reportFailure } from '../src/platform/command/failure.ts'
import { say, tellAside, write } from '../src/platform/command/output.ts'
import { readRehearsalConfig } from '../src/platform/config/rehearsal.ts'
import { createDisplay } from './rehearsal/display.ts'
import { rehearsalTokens } from './rehearsal/dry-run.ts'
import { readOptions } from './rehearsal/options.ts'
import { compareCommand, readRecord } from './rehearsal/page/compare.ts'
import { daySvg } from './rehearsal/page/day-charts.ts'
import { reportHtml } from './rehearsal/page/report.ts'
import { type RehearsalRecord, tooFew } from './rehearsal/record.ts'
import { rehearse } from './rehearsal/rehearsal.ts'
import { StoppedBySignal, stopOnSignal } from './support/stopping.ts'

const exitStatus = { pass: 0, fail: 1, void: 2 } as const

async function main(args: string[], stopping: AbortSignal): Promise<number> {
  if (args[0] === 'compare') return compare(args.slice(1))
  if (args[0] === 'picture') return picture(args.slice(1))
  if (args[0] === 'tokens') return tokens(args.slice(1))
  const options = readOptions(args)
  // Where nobody reads any more, the report is written all the same.
  process.stdout.on('error', () => {})
  const display = createDisplay(process.stdout)
  stopping.addEventListener('abort', () =>
    display.say('stopping: all that was started is ended first, which takes some seconds'),
  )
  const folder = options.out ?? path.join('.data', 'rehearsals', nameOf(options.profile))
  const record = await rehearse(options, folder, display, stopping)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'record.json'), JSON.stringify(record))
  writeFileSync(path.join(folder, 'report.html'), reportHtml(record))
  write(
    `${summaryOf(record).join('\n')}\n\nThe report is ${folder}/report.html, its figures ${folder}/record.json\n`,
  )
  return exitStatus[record.verdict]
}

/** Two rehearsals beside each other; that they differ is no failure. */
function compare(args: string[]): number {
  const usage = 'Usage: npm run rehearse -- compare RECORD RECORD [--out FILE.html]'
  const { out, files } = readFiles(args, usage)
  const [a, b, more] = files
  if (a === undefined || b === undefined || more !== undefined)
    throw wrongUse('It takes two records.', usage)
  compareCommand(a, b, out)
  return 0
}

/** A day as one drawing, for a page that is not its report. */
function picture(args: string[]): number {
  const usage = 'Usage: npm run rehearse -- picture RECORD --out FILE.svg'
  const { out, files } = readFiles(args, usage)
  const [record, more] = files
  if (record === undefined || more !== undefined || out === undefined)
    throw wrongUse('It takes one record, and --out.', usage)
  writeFileSync(out, daySvg(readRecord(record)))
  return 0
}

function readFiles(args: string[], usage: string) {
  const options = { out: { type: 'string' } } as const
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options }, usage)
  return { out: values.out, files: positionals }
}

async function tokens([count, more]: readonly string[]): Promise<number> {
  if (count === undefined || more !== undefined || !/^[1-9]\d{0,5}$/.test(count))
    throw wrongUse(
      'COUNT must be a whole number from 1 to 999999.',
      'Usage: npm run --silent rehearse -- tokens COUNT > FILE',
    )
  const config = readRehearsalConfig(process.env)
  for await (const token of rehearsalTokens(config, Number(count))) say(token)
  return 0
}

function nameOf(profile: string): string {
  const now = new Date().toISOString().slice(0, 19).replaceAll(':', '-')
  return `${now}-${path.basename(profile, '.json')}`
}

function summaryOf(record: RehearsalRecord): string[] {
  const { verdict, reasons, objectives, totals, profile, engine } = record
  const { offered, accepted, refused, returned, failed, posted, retries, statusReads } = totals
  return [
    '',
    `${profile.title}, compressed ${profile.compress} times${engine.kind === 'dry-run' ? ', a dry run' : ''}: ${verdict.toUpperCase()}`,
    `offered ${offered}: accepted ${accepted}, refused ${refused}, returned ${returned}, failed ${failed}; posted ${posted}; sent again ${retries}, status reads ${statusReads}`,
    `p50 ${totals.p50Ms} ms, p99 ${totals.p99Ms} ms, p99.9 ${totals.p999Ms} ms, most ${totals.mostMs} ms`,
    ...objectives.map((objective) => {
      const { title, unit, bound, measured, holds, restsOn } = objective
      const limit = 'atMost' in bound ? bound.atMost : bound.atLeast
      const sign = holds ? 'holds  ' : tooFew(objective) ? 'TOO FEW' : 'FAILS  '
      const of = restsOn === null ? '' : ` (of ${restsOn.count} measured)`
      return `  ${sign}  ${title} ${limit} ${unit}: ${measured ?? 'not measured'}${of}`
    }),
    ...reasons.map((reason) => `- ${reason}`),
  ]
}

const stopping = stopOnSignal()

main(process.argv.slice(2), stopping).then(
  (status) => process.exit(status),
  (error: unknown) => {
    // What fails while everything is being ended is of no interest.
    const { reason } = stopping
    if (!(reason instanceof StoppedBySignal)) reportFailure(error, exitStatus.void)
    tellAside(
      `\n${reason.message} There is no verdict and no report; what it had started has ended, and its data is deleted.\n`,
    )
    process.exit(reason.status)
  },
)
