/**
 * `npm run verify-receipt -- FILE [--jwks FILE] [--content FILE]`: verifies a receipt offline. FILE is
 * a saved 202 answer, the saved status of a batch, or the receipt alone. The public keys are those of
 * the keyring or of a saved /.well-known/jwks.json. The content is the declaration or the file as it
 * was filed. Exits with 1 if the receipt does not verify, or is of other content.
 */
import { readFileSync } from 'node:fs'
import { canonicalDeclaration } from '../declaration/canonical.ts'
import { isDeclaration } from '../declaration/check.ts'
import { digestOf } from '../journal/digest.ts'
import { isReceiptOf, verifyReceipt } from '../journal/receipts/receipt.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput, UsageError } from '../platform/command/failure.ts'
import { say, tellAside } from '../platform/command/output.ts'
import { readSavedJson } from '../platform/command/saved-json.ts'
import { readConfig } from '../platform/config/config.ts'
import { readReceiptKeys } from '../platform/config/receipt-keys.ts'

const usage = helpText(
  'Usage: npm run verify-receipt -- FILE [--jwks FILE] [--content FILE]',
  {
    '--jwks FILE': 'public receipt keys; those of KEYRING_FILE unless given',
    '--content FILE': 'the declaration or file that the receipt must be of',
  },
  'npm run verify-receipt -- answer.json --jwks jwks.json',
)

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const { file, jwks, content } = readArguments(args)
  const answer = readSavedJson(file) as Record<string, unknown>
  const keys = readReceiptKeys(readConfig(process.env).keyringFile, jwks)
  const receipt = answer.receipt ?? answer
  const verdict = verifyReceipt(receipt, keys)
  const reason = verdict.valid
    ? (changedBeside(answer, verdict.statement) ?? contentFault(content, receipt))
    : verdict.reason
  if (!verdict.valid || reason !== undefined) {
    tellAside(`NOT VALID. ${reason}\n`)
    process.exitCode = 1
    return
  }
  const ofContent = content === undefined ? '' : `, and of the content of ${content}`
  say(`VALID, signed with key ${verdict.kid}${ofContent}`)
  for (const [name, value] of Object.entries(verdict.statement)) {
    say(`  ${name.padEnd(12)} ${String(value)}`)
  }
}

/** The answer's fields beside the receipt must agree with it. */
function changedBeside(
  answer: Record<string, unknown>,
  statement: Record<string, unknown>,
): string | undefined {
  if (answer.receipt === undefined) return undefined
  const differing = Object.keys(statement).find(
    (name) => name in answer && answer[name] !== statement[name],
  )
  const status = 'status' in answer && answer.status !== 'accepted' ? 'status' : undefined
  const changed = differing ?? status
  return changed && `The receipt is genuine, but the answer's ${changed} is not what it was.`
}

/** Undefined if the receipt is of the content, or no content is given. */
function contentFault(content: string | undefined, receipt: unknown): string | undefined {
  if (content === undefined) return undefined
  if (isReceiptOf(receipt, contentDigestOf(content, receipt))) return undefined
  return `The receipt is genuine, but not of the content of ${content}.`
}

/**
 * For a file's receipt, the digest of its bytes; otherwise of the canonical declaration, whatever its
 * JSON looks like.
 */
function contentDigestOf(content: string, receipt: unknown): Buffer {
  const { signed } = (receipt ?? {}) as { signed?: unknown }
  if (signed !== undefined) return digestOf(readFileSync(content))
  const declaration = readSavedJson(content)
  if (!isDeclaration(declaration))
    throw new UsageError(`${content} is not a declaration: name what was filed with --content.`)
  return digestOf(Buffer.from(canonicalDeclaration(declaration)))
}

type Arguments = {
  readonly file: string
  readonly jwks: string | undefined
  readonly content: string | undefined
}

function readArguments(args: string[]): Arguments {
  const options = { jwks: { type: 'string' }, content: { type: 'string' } } as const
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options }, usage)
  const [file, more] = positionals
  if (file === undefined || more !== undefined) throw wrongUse('It takes one file.', usage)
  return { file, ...{ jwks: values.jwks, content: values.content } }
}

main(process.argv.slice(2)).catch(reportFailure)
