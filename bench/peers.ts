/**
 * `npm run bench:peers [-- --json] [--only TEXT]`: Spillway on both queues and what a team would build
 * instead, taking turns on one machine: the same declarations of 5 lines over HTTP, the same checks,
 * assessment and ledger tables, one intake and one worker process each, every answer after a durable
 * commit. Then each part of each is killed under load, and what was acknowledged is counted.
 * BENCH_ROUNDS, BENCH_DECLARATIONS, BENCH_WARM, BENCH_LOAD_MS and BENCH_SETTLE_MS make it shorter.
 */

import { helpText, parseArguments, wrongUse } from '../src/platform/command/arguments.ts'
import { reportFailure } from '../src/platform/command/failure.ts'
import { write } from '../src/platform/command/output.ts'
import { type Kill, killParts } from './peers/kills.ts'
import { type Turn, takeTurn } from './peers/measure.ts'
import { Servers } from './peers/servers.ts'
import { type SystemName, systemNames, titleOf } from './peers/system.ts'
import { type Compared, figuresOf, textOf } from './peers/table.ts'
import { prepareFilings } from './support/filings.ts'
import { machine, report, say } from './support/report.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
const declarations = Number(process.env.BENCH_DECLARATIONS ?? 6_000)
const warm = Number(process.env.BENCH_WARM ?? 2_000)
const loadMs = Number(process.env.BENCH_LOAD_MS ?? 1_000)
const settleMs = Number(process.env.BENCH_SETTLE_MS ?? 15_000)

/** What a peer leaves undone, in its favour; and what is in Spillway's. */
const fairness = `Peers check tokens, shapes and rules by Spillway's own functions, and write the same ledger rows in one
statement. They do less: no receipt, signature, sealed journal or hash chain; persons stand in clear in
their queues (not in the ledger); no corrections, cancellations, overload control, status or audit. BullMQ
on Redis writes every command to disk, as nothing else keeps what was acknowledged; Spillway's Redis keeps
nothing, as its journal does. What waits in Spillway's Postgres is that journal, and stays.`

async function main(args: string[]): Promise<void> {
  const usage = helpText(
    `Usage: npm run bench:peers -- [--only NAME] [--json], NAME of ${systemNames.join(', ')}`,
    {
      '--only NAME': 'systems whose name has this text',
      '--json': 'print the result as JSON',
    },
    'npm run bench:peers -- --only pg-boss',
  )
  const options = { json: { type: 'boolean' }, only: { type: 'string', default: '' } } as const
  const { values } = parseArguments({ args, options }, usage)
  const names = systemNames.filter((name) => name.includes(values.only))
  if (names.length === 0) throw wrongUse(`There is no ${values.only}.`, usage)
  const all = await compare(names)
  if (!values.json) {
    write(`\nbench:peers, on ${machine()}\n\n${textOf(all, settleMs)}\n\n`)
    write(`${fairness}\n`)
  }
  const figures = figuresOf(all)
  const holds = values.json
    ? report('bench:peers', figures)
    : figures.every(({ value, goal }) => goal === undefined || value === 0)
  if (!holds) process.exitCode = 1
}

async function compare(names: readonly SystemName[]): Promise<Compared[]> {
  const servers = new Servers()
  try {
    await servers.start()
    const filings = await prepareFilings(servers)
    const turns = new Map<SystemName, Turn[]>(names.map((name) => [name, []]))
    for (let round = 1; round <= rounds; round += 1) {
      for (const name of names) {
        const turn = await takeTurn(name, servers, filings, { warm, declarations })
        turns.get(name)?.push(turn)
        const [accepted, posted] = [Math.round(turn.accepted), Math.round(turn.posted)]
        say(`round ${round}, ${titleOf(name)}: ${accepted}/s accepted, ${posted}/s posted`)
      }
    }
    const kills = new Map<SystemName, Kill[]>()
    for (const name of names) {
      const counted = await killParts(name, servers, filings, { loadMs, settleMs })
      kills.set(name, counted)
      for (const { part, acknowledged, lost, doubled, late } of counted) {
        say(
          `${titleOf(name)}, ${part} killed: ${acknowledged} acknowledged, ${lost} lost, ${doubled} doubled, ${late} late`,
        )
      }
    }
    return names.map((name) => ({
      name,
      turns: turns.get(name) ?? [],
      kills: kills.get(name) ?? [],
    }))
  } finally {
    await servers.stop()
  }
}

await main(process.argv.slice(2)).catch(reportFailure)
