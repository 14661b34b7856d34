/**
 * `npm run verify-receipt -- FILE [--jwks FILE]`: verifies a receipt offline. FILE is a saved 202
 * answer or the receipt alone; the public keys are those of the keyring or of a saved
 * /.well-known/jwks.json. Exits with 1 when the receipt does not verify.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { verifyReceipt } from './journal/receipt.ts'
import { readConfig } from './platform/config.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from './platform/failure.ts'
import { readKeyring } from './platform/keyring.ts'

const usage = 'Usage: npm run verify-receipt -- FILE [--jwks FILE]'

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const { file, jwks } = readArguments(args)
  const answer = readJson(file) as { receipt?: unknown }
  const verdict = verifyReceipt(answer.receipt ?? answer, readKeys(jwks))
  if (!verdict.valid) {
    process.stderr.write(`NOT VALID. ${verdict.reason}\n`)
    process.exitCode = 1
    return
  }
  process.stdout.write(`VALID, signed with key ${verdict.kid}\n`)
  for (const [name, value] of Object.entries(verdict.statement)) {
    process.stdout.write(`  ${name.padEnd(12)} ${String(value)}\n`)
  }
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

function readKeys(jwks: string | undefined) {
  if (jwks === undefined) {
    return readKeyring(readConfig(process.env).keyringFile).receiptKeys.map((key) => key.publicJwk)
  }
  const { keys } = readJson(jwks) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new UsageError(`${jwks} is not a JWKS: it needs "keys".`)
  return keys
}

function readJson(file: string): object {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`Can't read ${file} (${(error as NodeJS.ErrnoException).code}).`)
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch {
    // said below
  }
  throw new UsageError(`${file} is not JSON.`)
}

main(process.argv.slice(2)).catch(reportFailure)
