/**
 * `npm run bench [-- --only TEXT] [--short] [--json]`: every benchmark, one after the other, and one
 * table of all figures with their goals, to be pasted as it is. --short takes the forms of minutes,
 * which show that everything runs; figures to be told come from the long ones, on a quiet machine.
 */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { helpText, parseArguments, wrongUse } from '../src/platform/command/arguments.ts'
import { reportFailure } from '../src/platform/command/failure.ts'
import { write } from '../src/platform/command/output.ts'
import { machine, say } from './support/report.ts'

/** What makes each benchmark short; the file is `bench/<name>.ts`, the command `npm run bench:<name>`. */
const shortForms: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  rules: { BENCH_ROUNDS: '20' },
  intake: { BENCH_ROUNDS: '1', BENCH_SECONDS: '2', BENCH_MEMORY: '20000' },
  posting: { BENCH_ROUNDS: '1', BENCH_DECLARATIONS: '6000', BENCH_MEMORY: '40000' },
  peers: {
    BENCH_ROUNDS: '1',
    BENCH_DECLARATIONS: '1500',
    BENCH_WARM: '500',
    BENCH_LOAD_MS: '400',
    BENCH_SETTLE_MS: '3000',
  },
  batches: {
    BENCH_ROWS: '10000',
    BENCH_XLSX_ROWS: '10000',
    BENCH_WRONG_ROWS: '10000',
    BENCH_BESIDE_ROWS: '10000',
  },
  generator: { BENCH_ROUNDS: '1', BENCH_SECONDS: '2' },
  audit: { BENCH_DECLARATIONS: '20000' },
  'access-log': { BENCH_PAIRS: '2', BENCH_READS: '1000', BENCH_DECLARATIONS: '640' },
  reading: { BENCH_DECLARATIONS: '1000', BENCH_READS: '100' },
  watching: { BENCH_PAIRS: '2', BENCH_FILINGS: '4000', BENCH_POSTINGS: '8000' },
  model: { BENCH_SECONDS: '2' },
  growth: { BENCH_LEDGER_LINES: '100000', BENCH_BACKLOG: '64000', BENCH_WORKERS_MAX: '2' },
  bursts: { BENCH_BURSTS: '900/1', BENCH_SLEEPS: '200', BENCH_TURNS: '1', BENCH_SECONDS: '2' },
  overload: { BENCH_MULTIPLES: '0.5,2', BENCH_SECONDS: '2' },
}

type Line = {
  readonly bench: string
  readonly figure: string
  readonly value: number
  readonly unit: string
  readonly goalText: string
  readonly holds: boolean | null
}

const usage = helpText(
  'Usage: npm run bench -- [--only TEXT] [--short] [--json]',
  {
    '--only TEXT': 'those whose name has this text',
    '--short': 'a quick run with small figures',
    '--json': 'print the result as JSON',
  },
  'npm run bench -- --only intake --short',
)

async function main(args: string[]): Promise<void> {
  const { only, short, json } = readArguments(args)
  const names = Object.keys(shortForms).filter((name) => name.includes(only))
  const lines: Line[] = []
  const failed: string[] = []
  for (const name of names) {
    say(`bench:${name}`)
    const { output, code } = await run(name, short ? shortForms[name] : {})
    if (json) write(output)
    const found = output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
    lines.push(...found)
    // A benchmark that misses a goal ends with 1 as well.
    if (code !== 0 && !found.some(({ holds }) => holds === false)) failed.push(`bench:${name}`)
  }
  if (!json) write(`\nOn ${machine()}${short ? ', short forms' : ''}\n\n${table(lines)}\n`)
  if (failed.length > 0) say(`did not finish: ${failed.join(', ')}`)
  if (failed.length > 0 || lines.some(({ holds }) => holds === false)) process.exitCode = 1
}

function readArguments(args: string[]) {
  const names = Object.keys(shortForms)
  const list = `Benchmarks: ${names.join(', ')}`
  const text = `${usage}\n\n${list}`
  const options = {
    only: { type: 'string', default: '' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  } as const
  const { values } = parseArguments({ args, options }, text)
  if (names.some((name) => name.includes(values.only))) return values
  throw wrongUse(`There is no ${values.only}. ${list}`, usage)
}

/** Runs one in a process of its own; its progress goes on to standard error. */
async function run(name: string, form: Readonly<Record<string, string>> = {}) {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, [file, '--json'], {
    env: { ...process.env, ...form },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    output += piece
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { output, code }
}

function table(lines: readonly Line[]): string {
  const rows = lines.map(({ bench, figure, value, unit, goalText, holds }) => {
    const verdict = holds === null ? '' : holds ? 'holds' : '**missed**'
    return `| ${bench.replace('bench:', '')} | ${figure} | ${value.toLocaleString('en-US')} | ${unit} | ${goalText} | ${verdict} |`
  })
  return ['| | figure | measured | unit | goal | |', '|---|---|---:|---|---:|---|', ...rows].join(
    '\n',
  )
}

main(process.argv.slice(2)).catch(reportFailure)
