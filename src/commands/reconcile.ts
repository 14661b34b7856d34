/**
 * `npm run reconcile -- [--day YYYY-MM-DD] [--employer USCC | --by employer|envelope] [--json] | --sign [--day …] | --export
 * FILE --from DAY --to DAY | --verify FILE [--jwks FILE] | --witness FILE [--jwks FILE]`: prints the books of a day, for all or for one employer; --by
 * prints them as CSV, one row for each employer or envelope. --sign appends them to the signed books;
 * --export writes signed books, one on each line, which an auditor verifies offline. --witness compares the journal
 * with books that were kept elsewhere. Exits with 1 if they don't balance, or the journal is another.
 */
import { writeFileSync } from 'node:fs'
import type pg from 'pg'
import { formatFen } from '../declaration/money.ts'
import { addDays, dayOf, isDay } from '../declaration/period.ts'
import { compareAnchors, isSame } from '../ledger/books/anchor.ts'
import {
  type Books,
  type BooksVerdict,
  findSignedBooks,
  readBooks,
  signBooks,
  verifyBooks,
} from '../ledger/books/books.ts'
import { type PartedBy, partedBy, readBooksParts } from '../ledger/books/books-parts.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readTextFile } from '../platform/command/text-file.ts'
import { type Config, readConfig } from '../platform/config/config.ts'
import { openKeys, signerOf } from '../platform/config/key-store.ts'
import { readReceiptKeys } from '../platform/config/receipt-keys.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { applicationRole, connectAs, postingRole } from '../platform/postgres/postgres.ts'

const usage = helpText(
  `Usage: npm run reconcile -- [--day YYYY-MM-DD] [--employer USCC] [--json]
       npm run reconcile -- [--day YYYY-MM-DD] --by employer|envelope
       npm run reconcile -- --sign [--day YYYY-MM-DD]
       npm run reconcile -- --export FILE --from YYYY-MM-DD --to YYYY-MM-DD
       npm run reconcile -- --verify FILE [--jwks FILE]
       npm run reconcile -- --witness FILE [--jwks FILE]`,
  {
    '--day YYYY-MM-DD': 'of this day; today unless given',
    '--employer USCC': 'of one employer',
    '--by employer|envelope': 'print CSV, a row for each',
    '--sign': 'sign the books of the day now',
    '--export FILE': 'write the signed books of several days',
    '--from YYYY-MM-DD': 'first day to export',
    '--to YYYY-MM-DD': 'last day to export',
    '--verify FILE': 'verify exported books, offline',
    '--witness FILE': 'compare the journal with exported books that were kept elsewhere',
    '--jwks FILE': 'public receipt keys; those of KEYRING_FILE unless given',
    '--json': 'print the result as JSON',
  },
  'npm run reconcile -- --day 2024-11-25',
)

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const options = readArguments(args)
  const config = readConfig(process.env)
  if (options.verify !== undefined) verify(config, options.verify, options.jwks)
  else await withDatabase(config, ({ url }) => onDatabase(config, url, options))
}

function readArguments(args: string[]) {
  const options = {
    day: { type: 'string', default: dayOf(Date.now() * 1_000) },
    employer: { type: 'string' },
    by: { type: 'string' },
    json: { type: 'boolean', default: false },
    sign: { type: 'boolean', default: false },
    export: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    verify: { type: 'string' },
    witness: { type: 'string' },
    jwks: { type: 'string' },
  } as const
  const { values } = parseArguments({ args, options }, usage)
  const { day, from = day, to = day } = values
  const by = partedBy.find((one) => one === values.by)
  const wrong = [day, from, to].find((one) => !isDay(one))
  if (wrong !== undefined) throw wrongUse(`${wrong} is no day.`, usage)
  if (from > to) throw wrongUse(`--from ${from} is after --to ${to}.`, usage)
  if (values.by !== by) throw wrongUse(`--by must be ${partedBy.join(' or ')}.`, usage)
  return { ...values, by, from, to }
}

type Options = ReturnType<typeof readArguments>

async function onDatabase(config: Config, url: string, options: Options): Promise<void> {
  // Reading the books needs no right to write them.
  const role = options.sign ? postingRole : applicationRole
  const client = await connectAs(url, 'spillway-reconcile', role)
  try {
    if (options.export !== undefined) await exportBooks(client, options.export, options)
    else if (options.by !== undefined) await showParts(client, options.day, options.by)
    else if (options.witness !== undefined)
      await compare(client, config, options.witness, options.jwks)
    else if (options.sign) await sign(client, config, options.day)
    else show(await readBooks(client, options.day, options.employer), options.json)
  } finally {
    await client.end()
  }
}

const counts = ['accepted', 'posted', 'deadLetters', 'underWay', 'missing', 'doubled'] as const

/** CSV of codes and numbers, which need no quotes. */
async function showParts(client: pg.Client, day: string, by: PartedBy): Promise<void> {
  say([by, ...counts, 'employerYuan', 'employeeYuan'].join(','))
  for await (const part of readBooksParts(client, day, by)) {
    const amounts = [formatFen(part.employerFen), formatFen(part.employeeFen)]
    say([part.of, ...counts.map((name) => part[name]), ...amounts].join(','))
    if (part.missing > 0 || part.doubled > 0) process.exitCode = 1
  }
}

async function exportBooks(client: pg.Client, file: string, { from, to }: Options): Promise<void> {
  const signed = await findSignedBooks(client, from, to)
  writeFileSync(file, signed.map((one) => `${one}\n`).join(''))
  say(`${signed.length} signed books from ${from} to ${to} are in ${file}.`)
}

async function sign(client: pg.Client, config: Config, day: string): Promise<void> {
  const keyring = openKeys(config.keyringFile, ['receipts'], 'npm run reconcile')
  const signer = signerOf(keyring)
  if (day > addDays(dayOf(Date.now() * 1_000), -1)) {
    say('The day is not over: signed is how it stands now. A worker signs it again when it is.')
  }
  const verdict = verifyBooks([await signBooks(client, signer, day)], keyring.receiptPublicKeys)
  if (verdict.valid) for (const books of verdict.books) show(books, false)
  say(`Signed as the latest books of ${day}; earlier ones of that day, if any, stay in the chain.`)
}

function readWitness(config: Config, file: string, jwks: string | undefined) {
  const signed = readTextFile(file).split('\n').filter(Boolean)
  return { signed, verdict: verifyBooks(signed, readReceiptKeys(config.keyringFile, jwks)) }
}

/** The copy is of whoever keeps it: the journal, and the books beside it, may have been written anew. */
async function compare(
  client: pg.Client,
  config: Config,
  file: string,
  jwks: string | undefined,
): Promise<void> {
  const { verdict } = readWitness(config, file, jwks)
  if (!verdict.valid) return tellInvalid(verdict)
  let [days, others] = [0, 0]
  for await (const one of compareAnchors(client, verdict.books)) {
    days += 1
    if (isSame(one)) continue
    others += 1
    const { day, then, now } = one
    say(
      `${day}: ANOTHER JOURNAL: ${then.envelopes} envelopes were signed, ${now.envelopes} are there.`,
    )
  }
  if (others > 0) process.exitCode = 1
  const without = verdict.books.length - days
  say(`${days - others} of ${days} books are of this journal.`)
  if (without > 0) say(`${without} say nothing of it: their day was not over, or they are older.`)
}

function tellInvalid({ line, reason }: Extract<BooksVerdict, { valid: false }>): void {
  say(`NOT VALID: line ${line}. ${reason}`)
  process.exitCode = 1
}

function verify(config: Config, file: string, jwks: string | undefined): void {
  const { signed, verdict } = readWitness(config, file, jwks)
  if (verdict.valid) {
    for (const books of verdict.books) show(books, false)
    const [first, last] = [verdict.books[0], verdict.books.at(-1)]
    say(`VALID: ${signed.length} books, each follows the one before.`)
    if (first !== undefined && last !== undefined) {
      say(`The first is of ${first.day}, the last of ${last.day}; compare with what you asked for.`)
    }
  } else tellInvalid(verdict)
}

function show(books: Books, json: boolean): void {
  if (!books.balanced) process.exitCode = 1
  if (json) {
    say(JSON.stringify(books))
    return
  }
  say(`${books.day}${books.employer === undefined ? '' : `, ${books.employer}`}`)
  say(`  ${'lane'.padEnd(8)}${counts.map((name) => name.padStart(12)).join('')}`)
  for (const lane of books.lanes) {
    const cells = counts.map((name) => String(lane[name]).padStart(12)).join('')
    say(`  ${lane.lane.padEnd(8)}${cells}`)
  }
  for (const { insurance, employerFen, employeeFen } of books.amounts) {
    const cells = [employerFen, employeeFen].map((fen) => formatFen(fen).padStart(20)).join('')
    say(`  ${insurance.padEnd(20)}${cells}`)
  }
  if (books.oldestSeconds !== undefined) {
    say(`  the oldest that is under way waits for ${books.oldestSeconds.toFixed(0)} s`)
  }
  const nothing = books.lanes.every(({ accepted }) => accepted === 0)
  if (!books.balanced) say('  NOT BALANCED: see missing and doubled.')
  else say(nothing ? '  Nothing was accepted on this day.' : '  Balanced.')
}

main(process.argv.slice(2)).catch(reportFailure)
