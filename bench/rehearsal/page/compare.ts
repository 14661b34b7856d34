/** Two rehearsals beside each other: what became better, what worse, and what is within the noise. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../../src/platform/command/failure.ts'
import { say } from '../../../src/platform/command/output.ts'
import { figure } from '../../support/axis.ts'
import { type Judgement, leastChange, leastSingleChange, signOfChange } from '../load/noise.ts'
import { readChange } from '../reading.ts'
import { type RehearsalRecord, recordFormat } from '../record.ts'
import { compareHtml } from './compare-page.ts'
import { type Compared, comparedFigures, type Row } from './compared-figures.ts'

export const rule = `The day is cut into 48 half-hours, and 48 of them are drawn a thousand times, the same ones of both. A change is more than noise if it is ${100 * leastChange} % or more and keeps its sign in 99 of 100 draws. What is measured once in a rehearsal (a most, a capacity, a recovery) has to differ by ${100 * leastSingleChange} %, and times of recovery by a second; violations of invariants always count.`

export function compareRecords(a: RehearsalRecord, b: RehearsalRecord): Row[] {
  return comparedFigures([a, b]).flatMap((compared) => {
    const [before, after] = [compared.value(a), compared.value(b)]
    if (before === null && after === null) return []
    return [
      {
        what: compared.what,
        a: before === null ? null : compared.read(before),
        b: after === null ? null : compared.read(after),
        change: before === null || after === null ? null : changeOf(before, after),
        judgement: judge(compared, a, b),
      },
    ]
  })
}

/** From nothing to something is without bounds. */
function changeOf(before: number, after: number): number {
  if (before === after) return 0
  return before === 0 ? Number.POSITIVE_INFINITY : (after - before) / before
}

function judge(compared: Compared, a: RehearsalRecord, b: RehearsalRecord): Judgement {
  const [before, after] = [compared.value(a), compared.value(b)]
  if (before === null || after === null) return 'within noise'
  const change = changeOf(before, after)
  const sign = compared.windows
    ? signOfChange(compared.windows, a, b, change)
    : singleSign(compared, change, after - before)
  if (sign === 0) return 'within noise'
  return sign > 0 === (compared.better === 'higher') ? 'better' : 'worse'
}

function singleSign({ exact, resolution = 0 }: Compared, change: number, difference: number) {
  const counts = Math.abs(change) >= leastSingleChange && Math.abs(difference) >= resolution
  return exact === true || counts ? Math.sign(difference) : 0
}

/** What makes the two hard to compare: other days, other machines, a void one. */
export function differences(a: RehearsalRecord, b: RehearsalRecord): string[] {
  const found: string[] = []
  const told = (name: string, one: string, other: string) => {
    if (one !== other) found.push(`${name}: ${one} / ${other}`)
  }
  for (const [name, record] of [
    ['A', a],
    ['B', b],
  ] as const) {
    if (record.verdict === 'void') found.push(`${name} is void: its figures decide nothing`)
  }
  told('profile', a.profile.name, b.profile.name)
  told('times shorter than the day', figure(a.profile.compress), figure(b.profile.compress))
  told('queue', a.engine.queue, b.engine.queue)
  for (const part of ['intakes', 'workers', 'batchWorkers'] as const) {
    told(part, `${a.engine[part] ?? 'unknown'}`, `${b.engine[part] ?? 'unknown'}`)
  }
  told('machine', a.machine, b.machine)
  const [ofA, ofB] = [new Map(a.settings), new Map(b.settings)]
  for (const name of new Set([...ofA.keys(), ...ofB.keys()])) {
    told(name, ofA.get(name) ?? 'not there', ofB.get(name) ?? 'not there')
  }
  return found
}

/** For `npm run rehearse -- compare A B`: the table on standard output, the page where one is asked for. */
export function compareCommand(pathA: string, pathB: string, out?: string): Row[] {
  const [a, b] = [readRecord(pathA), readRecord(pathB)]
  const rows = compareRecords(a, b)
  const other = differences(a, b)
  const lines = [
    `A: ${pathA}, ${a.profile.title}, ${a.verdict}`,
    `B: ${pathB}, ${b.profile.title}, ${b.verdict}`,
    ...(other.length > 0 ? ['', 'Not the same in both (A / B):'] : []),
    ...other.map((text) => `  ${text}`),
    '',
    ...table(rows),
    '',
    rule,
  ]
  // What the records hold is text of others: nothing in it may steer a terminal.
  for (const line of lines) say(line)
  if (out !== undefined) writeFileSync(out, compareHtml(a, b, { rows, differences: other, rule }))
  return rows
}

/**
 * Reads a record, or the one in a rehearsal's folder.
 * @throws Error that says what to do, if there is none of this format
 */
export function readRecord(path: string): RehearsalRecord {
  let parsed: unknown
  try {
    const file = statSync(path).isDirectory() ? join(path, 'record.json') : path
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const why = (error as Error).message
    throw new UsageError(
      `${path} can't be read: ${why}. Give a rehearsal's folder, or its record.json.`,
    )
  }
  const { format } = (parsed ?? {}) as { format?: unknown }
  if (format === recordFormat) return parsed as RehearsalRecord
  throw new Error(
    `${path} is not a record of the format ${recordFormat}: it says ${JSON.stringify(format)}. Give the JSON of a rehearsal, made by the same version of this program; otherwise rehearse again.`,
  )
}

function table(rows: readonly Row[]): string[] {
  const cells = [
    ['figure', 'A', 'B', 'change', ''],
    ...rows.map(({ what, a, b, change, judgement }) => [
      what,
      a ?? '–',
      b ?? '–',
      readChange(change),
      judgement,
    ]),
  ]
  const widths = [0, 1, 2, 3].map((i) => Math.max(...cells.map((row) => (row[i] ?? '').length)))
  return cells.map(([what = '', ...others]) =>
    [
      what.padEnd(widths[0] as number),
      ...others.slice(0, 3).map((text, i) => text.padStart(widths[i + 1] as number)),
      others[3] ?? '',
    ]
      .join('  ')
      .trimEnd(),
  )
}
