/**
 * `npm run verify-receipt -- FILE [--jwks FILE]`: verifies a receipt offline. FILE is a saved 202
 * answer, the saved status of a batch, or the receipt alone; the public keys are those of the keyring or
 * of a saved /.well-known/jwks.json. Exits with 1 when the receipt does not verify.
 */
import { parseArgs } from 'node:util'
import { verifyReceipt } from './journal/receipt.ts'
import { readConfig } from './platform/config.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from './platform/failure.ts'
import { readReceiptKeys } from './platform/receipt-keys.ts'
import { readSavedJson } from './platform/saved-json.ts'

const usage = 'Usage: npm run verify-receipt -- FILE [--jwks FILE]'

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const { file, jwks } = readArguments(args)
  const answer = readSavedJson(file) as Record<string, unknown>
  const keys = readReceiptKeys(readConfig(process.env).keyringFile, jwks)
  const verdict = verifyReceipt(answer.receipt ?? answer, keys)
  const reason = verdict.valid ? changedBeside(answer, verdict.statement) : verdict.reason
  if (!verdict.valid || reason !== undefined) {
    process.stderr.write(`NOT VALID. ${reason}\n`)
    process.exitCode = 1
    return
  }
  process.stdout.write(`VALID, signed with key ${verdict.kid}\n`)
  for (const [name, value] of Object.entries(verdict.statement)) {
    process.stdout.write(`  ${name.padEnd(12)} ${String(value)}\n`)
  }
}

/** What an answer says beside its receipt must be what the receipt says. */
function changedBeside(
  answer: Record<string, unknown>,
  statement: Record<string, unknown>,
): string | undefined {
  if (answer.receipt === undefined) return undefined
  const told = Object.keys(statement).find(
    (name) => name in answer && answer[name] !== statement[name],
  )
  const status = 'status' in answer && answer.status !== 'accepted' ? 'status' : undefined
  const changed = told ?? status
  return changed && `The receipt is genuine, but the answer's ${changed} is not what it was.`
}

function readArguments(args: string[]): { file: string; jwks: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { jwks: { type: 'string' } },
    })
    const [file] = positionals
    if (file !== undefined && positionals.length === 1) return { file, jwks: values.jwks }
  } catch {
    // the usage says it
  }
  throw new UsageError(usage)
}

main(process.argv.slice(2)).catch(reportFailure)
