/**
 * `npm run audit -- --history FILE [--jwks FILE] [--json]`: decides from a client's history and the
 * database whether everything acknowledged was posted exactly once, to the fen, provably. Exits with 1
 * if an invariant is broken. It takes the keys of the keyring, or of a saved jwks.json.
 */
import { type AuditReport, auditHistory } from '../audit/audit.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { say, tellAside } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import { openKeys } from '../platform/config/key-store.ts'
import { readReceiptKeys } from '../platform/config/receipt-keys.ts'
import { noteCommand } from '../platform/installation/command-access.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { applicationRole, connectAs } from '../platform/postgres/postgres.ts'

const usage = helpText(
  'Usage: npm run audit -- --history FILE [--jwks FILE] [--json]',
  {
    '--history FILE': 'what a client sent and was answered, as JSON lines',
    '--jwks FILE': 'public receipt keys; those of KEYRING_FILE unless given',
    '--json': 'print the result as JSON',
  },
  'npm run audit -- --history history.jsonl',
)

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const { history, jwks, json } = readArguments(args)
  const config = readConfig(process.env)
  const keyring = openKeys(config.keyringFile, ['sealing', 'salts'], 'npm run audit')
  const publicKeys = readReceiptKeys(config.keyringFile, jwks)
  const began = performance.now()
  const report = await withDatabase(config, async ({ url }) => {
    const client = await connectAs(url, 'spillway-audit', applicationRole)
    try {
      await noteCommand(config, url, 'audit')
      return await auditHistory({
        client,
        historyFile: history,
        sealingKeys: keyring.sealingKeys,
        publicKeys,
        salts: keyring.salts,
        onProgress: (what) => void (process.stderr.isTTY && tellAside(`${what}\n`)),
      })
    } finally {
      await client.end()
    }
  })
  if (json) say(JSON.stringify(report))
  else show(report, (performance.now() - began) / 1_000)
  if (!report.holds) process.exitCode = 1
}

function readArguments(args: string[]) {
  const options = {
    history: { type: 'string' },
    jwks: { type: 'string' },
    json: { type: 'boolean', default: false },
  } as const
  const { history, jwks, json } = parseArguments({ args, options }, usage).values
  if (history === undefined) throw wrongUse('--history is missing.', usage)
  return { history, jwks, json }
}

function show({ history, envelopes, acceptances, verdicts, holds }: AuditReport, seconds: number) {
  const { tries, answers, unknown } = history
  const lines = verdicts.flatMap(({ code, title, offenders, named }) => [
    `${code.padEnd(5)}${title.padEnd(72)}${offenders === 0 ? 'holds' : `BROKEN by ${offenders}`}`,
    ...named.map(({ what, why }) => `       ${what}: ${why}`),
  ])
  const verdict = holds ? 'Everything holds.' : 'NOT everything holds.'
  say(
    `${tries} attempts, ${answers} answers, ${unknown} without one; ${acceptances} accepted in ${envelopes} envelopes.`,
  )
  for (const line of lines) say(line)
  say(`${verdict} (${seconds.toFixed(1)} s)`)
}

main(process.argv.slice(2)).catch(reportFailure)
