/** Files of one employer: the hardest, as all of their parts come into force in one step. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { writeXlsx } from '../../src/batch/xlsx-writer.ts'
import { createGenerator } from '../support/generator.ts'

export type MadeFile = {
  readonly file: string
  readonly employer: string
  readonly format: 'csv' | 'xlsx'
}

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

export async function makeFile(
  folder: string,
  format: MadeFile['format'],
  rows: number,
  seed: number,
): Promise<MadeFile> {
  const file = path.join(folder, `wages-${rows}.${format}`)
  const generator = createGenerator(seed)
  const employer = generator.employer()
  const made = rowsOf(generator, employer, rows)
  if (format === 'csv') await writeCsv(file, made)
  else await writeWorkbook(file, made)
  return { file, employer, format }
}

function* rowsOf(
  generator: ReturnType<typeof createGenerator>,
  employer: string,
  rows: number,
): Generator<readonly string[]> {
  for (let left = rows; left > 0; left -= madeAtATime) {
    const lines = Math.min(left, madeAtATime)
    for (const line of generator.declaration({ employer, period: '2024-11', lines }).lines ?? []) {
      if (line.category !== 'employee') continue
      const { person, category, wage, change } = line
      yield [
        employer,
        person.idType,
        person.idNumber,
        person.name ?? '',
        category,
        wage,
        change ?? '',
      ]
    }
  }
}

/** No cell of these needs quotes. */
async function writeCsv(file: string, rows: Iterable<readonly string[]>): Promise<void> {
  const out = createWriteStream(file)
  out.write(`${columns.join(',')}\n`)
  let text = ''
  for (const row of rows) {
    text += `${row.join(',')}\n`
    if (text.length < 1_000_000) continue
    if (!out.write(text)) await once(out, 'drain')
    text = ''
  }
  out.end(text)
  await once(out, 'finish')
}

async function writeWorkbook(file: string, rows: Iterable<readonly string[]>): Promise<void> {
  const all = function* () {
    yield columns
    yield* rows
  }
  const widths = columns.map(() => 20)
  const sheet = { name: '申报', widths, rows: all(), headerRows: 1 }
  await pipeline(Readable.from(writeXlsx([sheet])), createWriteStream(file))
}
