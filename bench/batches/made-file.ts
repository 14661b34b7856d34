/** Files of one employer: the hardest, as all of their parts come into force in one step. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { EmployeeLine } from '../../src/declaration/schema.ts'
import { writeXlsx } from '../../src/formats/xlsx-writer.ts'
import { createGenerator } from '../support/generator.ts'

export type MadeFile = {
  readonly file: string
  readonly employer: string
  readonly format: 'csv' | 'xlsx' | 'ndjson'
}

type MadeRow = { readonly employer: string; readonly line: EmployeeLine }

const columns = [
  '统一社会信用代码',
  '证件类型',
  '证件号码',
  '姓名',
  '参保类别',
  '申报工资',
  '变动',
] as const

/** Lines that the generator makes at a time. */
const madeAtATime = 5_000

/** @param wrong every row has a wage and a change that are none; each line of NDJSON another's employer */
export async function makeFile(
  folder: string,
  format: MadeFile['format'],
  rows: number,
  seed: number,
  wrong = false,
): Promise<MadeFile> {
  const file = path.join(folder, `wages-${rows}.${format}`)
  const generator = createGenerator(seed)
  const employer = generator.employer()
  const made = rowsOf(generator, employer, rows, wrong)
  if (format === 'csv') await writeText(file, csvOf(made))
  else if (format === 'ndjson') await writeText(file, linesOf(generator, made, wrong))
  else await writeWorkbook(file, made)
  return { file, employer, format }
}

function* rowsOf(
  generator: ReturnType<typeof createGenerator>,
  employer: string,
  rows: number,
  wrong: boolean,
): Generator<MadeRow> {
  for (let left = rows; left > 0; left -= madeAtATime) {
    const lines = Math.min(left, madeAtATime)
    for (const line of generator.declaration({ employer, period: '2024-11', lines }).lines ?? []) {
      if (line.category !== 'employee') continue
      yield { employer, line: wrong ? ({ ...line, ...wrongCells } as EmployeeLine) : line }
    }
  }
}

export const wrongCells = { wage: '面议', change: '待定' }

function cellsOf({ employer, line: { person, category, wage, change } }: MadeRow): string[] {
  const { idType, idNumber, name } = person
  return [employer, idType, idNumber, name ?? '', category, wage, change ?? '']
}

/** No cell of these needs quotes. */
function* csvOf(rows: Iterable<MadeRow>): Generator<string> {
  yield columns.join(',')
  for (const row of rows) yield cellsOf(row).join(',')
}

function* linesOf(
  generator: ReturnType<typeof createGenerator>,
  rows: Iterable<MadeRow>,
  wrong: boolean,
): Generator<string> {
  for (const { employer, line } of rows)
    yield JSON.stringify({
      employer: wrong ? generator.employer() : employer,
      ...{ region: '340100', period: '2024-11', kind: 'regular', lines: [line] },
    })
}

async function writeText(file: string, lines: Iterable<string>): Promise<void> {
  const out = createWriteStream(file)
  let text = ''
  for (const line of lines) {
    text += `${line}\n`
    if (text.length < 1_000_000) continue
    if (!out.write(text)) await once(out, 'drain')
    text = ''
  }
  out.end(text)
  await once(out, 'finish')
}

async function writeWorkbook(file: string, rows: Iterable<MadeRow>): Promise<void> {
  const all = function* () {
    yield columns
    for (const row of rows) yield cellsOf(row)
  }
  const widths = columns.map(() => 20)
  const sheet = { name: '申报', widths, rows: all(), headerRows: 1 }
  await pipeline(Readable.from(writeXlsx([sheet])), createWriteStream(file))
}
