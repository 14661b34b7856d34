/**
 * `npm run batches -- list | cancel ID | recheck ID --operator NAME --reason TEXT`: lists files in progress, cancels one,
 * or has it checked anew. What was filed stays filed. Who did it and why is recorded, and the file's
 * sender sees the reason. Exits with 1 if nothing could be done.
 */
import {
  type InterveneDependencies,
  intervene,
  type ListedBatch,
  listInProgress,
  type OperatorAct,
} from '../batch/steps/intervene.ts'
import {
  batchesListedMax,
  batchLeaseMs,
  interventionTextMax,
  postStatementMsMax,
} from '../limits.ts'
import { helpText, parseArguments, wrongUse } from '../platform/command/arguments.ts'
import { reportFailure, tolerateClosedOutput } from '../platform/command/failure.ts'
import { say } from '../platform/command/output.ts'
import { readConfig } from '../platform/config/config.ts'
import { openKeys } from '../platform/config/key-store.ts'
import { KeyringError } from '../platform/config/keyring-file.ts'
import { noteCommand } from '../platform/installation/command-access.ts'
import { withDatabase } from '../platform/installation/database.ts'
import { osUser } from '../platform/installation/operator.ts'
import { assertSchema } from '../platform/postgres/migrations.ts'
import { inTransaction, openPool } from '../platform/postgres/postgres.ts'

const usage = helpText(
  `Usage: npm run batches -- list
       npm run batches -- cancel ID --operator NAME --reason TEXT
       npm run batches -- recheck ID --operator NAME --reason TEXT
cancel: what is filed stays filed, the rest is never filed. recheck: checks anew what is not filed.
The file's sender sees the reason: write no names or numbers of persons.`,
  {
    list: 'print the files that are being worked on',
    cancel: 'end a file: what was filed stays filed, the rest never is',
    recheck: 'check again what was not filed',
    '--operator NAME': 'who does it; kept for good',
    '--reason TEXT': 'why; the sender of the file reads it',
  },
  "npm run batches -- cancel 0b7c9f4e-3d6c-4e0e-9c39-0a1f6f1f2b11 --operator li.wei --reason 'sent twice'",
)

type Command =
  | { readonly command: 'list' }
  | { readonly command: OperatorAct; readonly id: string; operator: string; reason: string }

async function main(args: string[]): Promise<void> {
  tolerateClosedOutput()
  const asked = readArguments(args)
  const config = readConfig(process.env)
  await withDatabase(config, async ({ url }) => {
    const pool = openPool({
      ...{ url, name: 'spillway-batches', connectionsMax: 1 },
      statementMsMax: postStatementMsMax,
    })
    try {
      await assertSchema(pool)
      const { sealingKeys, salts } = openKeys(
        config.keyringFile,
        ['sealing', 'salts'],
        'npm run batches',
      )
      const [sealing] = sealingKeys
      if (sealing === undefined) throw new KeyringError('The keyring has no key that seals.')
      const what = 'id' in asked ? { id: asked.id } : {}
      await noteCommand(config, url, `batches ${asked.command}`, what)
      await run({ pool, inTransaction, keys: { sealing, all: sealingKeys, salts } }, asked)
    } finally {
      await pool.end()
    }
  })
}

function readArguments(args: string[]): Command {
  const text = { type: 'string' } as const
  const options = { operator: text, reason: text }
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options }, usage)
  const [command, id, ...more] = positionals
  if (command === 'list' && id === undefined && Object.keys(values).length === 0) return { command }
  if (command === 'list') throw wrongUse('list takes nothing else.', usage)
  if (command !== 'cancel' && command !== 'recheck')
    throw wrongUse(
      command === undefined ? 'A command is missing.' : `There is no ${command}.`,
      usage,
    )
  if (id === undefined || more.length > 0) throw wrongUse(`${command} takes one ID.`, usage)
  const required = (name: 'operator' | 'reason') => {
    const value = values[name] ?? ''
    if (value.trim() === '') throw wrongUse(`--${name} is missing.`, usage)
    if (value.length > interventionTextMax)
      throw wrongUse(`--${name} is longer than ${interventionTextMax} characters.`, usage)
    if (personal.test(value)) throw wrongUse(`--${name} has what may be a person's number.`, usage)
    return value
  }
  return { command, id, operator: required('operator'), reason: required('reason') }
}

/** The digits of an identity number. */
const personal = /\d{15}/

async function run(dependencies: InterveneDependencies, asked: Command): Promise<void> {
  if (asked.command === 'list') {
    const batches = await listInProgress(dependencies.pool, batchesListedMax)
    for (const batch of batches) list(batch)
    say(`${batches.length}${batches.length === batchesListedMax ? ' or more' : ''} files.`)
    return
  }
  const { command: act, id, operator, reason } = asked
  const asks = { batch: id, act, operator, osUser: osUser(), reason }
  const outcome = await intervene(dependencies, asks)
  switch (outcome.kind) {
    case 'absent':
      say(`${id}: there is no such batch`)
      process.exitCode = 1
      break
    case 'otherwise':
      say(
        `${id}: it is ${outcome.stage}: it can't be ${act === 'cancel' ? 'cancelled' : 'rechecked'} any more, or yet`,
      )
      process.exitCode = 1
      break
    case 'done':
      report(act, id, outcome.rows)
  }
}

function report(
  act: OperatorAct,
  id: string,
  { read, filed }: { read: number; filed: number },
): void {
  const rows = `${filed} of ${read} rows are filed, and stay so`
  const seconds = batchLeaseMs / 1_000
  say(
    act === 'cancel'
      ? `${id}: cancelled; ${rows}. A group that a worker is filing now may still be added within ${seconds} s: see its status`
      : `${id}: a worker checks it anew in ${seconds} s; ${rows}`,
  )
}

function list({ id, stage, receivedAt, changedAt, rowsGood, rowsFiled, tries }: ListedBatch): void {
  const moved = `received ${receivedAt.toISOString()}, last step ${changedAt.toISOString()}`
  say(`${id}  ${stage.padEnd(8)} ${moved}, ${rowsFiled} of ${rowsGood} rows filed, ${tries} tries`)
}

main(process.argv.slice(2)).catch(reportFailure)
