/**
 * Files of text that are harmed by structure: cells, quotes, lines, bytes, declarations of NDJSON. Each is read to
 * its end or refused by a finding of its own; no reader fails, and none goes on for ever. As of routes, a seed makes
 * them, and `npm run fuzz` goes on with others. Workbooks and archives: tests/formats/xlsx-fuzz.test.ts.
 */
import { expect, test } from 'vitest'
import { readRows } from '../../../src/batch/table/file-rows.ts'
import { csvOf, employer, rowsOf, sourceOf } from '../../batch/support.ts'
import { declare } from '../../support/journal.ts'
import { harmed, harmedBytes, planted, type Random, randomOf, texts } from './hostile.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 0)
const firstSeed = Number(process.env.FUZZ_SEED ?? 20_241_123)
const filesOfSeed = 300
/** Of a file of a dozen rows, whatever was put in. */
const rowsMax = 60_000

function cellsOf(random: Random): string {
  const rows = csvOf(rowsOf(12)).toString().split('\r\n')
  const at = random.below(rows.length)
  const cells = (rows[at] ?? '').split(',')
  const quoted = random.chance(50) ? `"${random.pick(texts)}` : random.pick(texts)
  cells[random.below(cells.length)] = quoted + (random.chance(30) ? '"' : '')
  rows[at] = cells.join(random.chance(90) ? ',' : random.pick([';', '\t', ',,', '","']))
  return rows.join(random.pick(['\r\n', '\n', '\r']))
}

function declarationsOf(random: Random): string {
  const lines = Array.from({ length: 4 }, () => JSON.stringify(declare({ lines: 2 })))
  const whole = JSON.parse(lines[0] as string)
  Object.assign(whole.lines[0].person, planted)
  lines[random.below(4)] = JSON.stringify(harmed(whole, random)) ?? ''
  return lines.join('\n')
}

async function faultsOf(file: Buffer, format: 'csv' | 'ndjson', random: Random): Promise<string[]> {
  const work = { employer, region: '340100', period: '2025-08', format }
  const faults: string[] = []
  let rows = 0
  // What comes in small pieces is read as what comes at once.
  const source = sourceOf(file, random.pick([1_000, 4_096, 65_536]))
  for await (const batch of readRows(source, work, undefined, ({ stack }) =>
    faults.push(`${stack}`),
  )) {
    rows += batch.rows.length
    if (rows > rowsMax) return [...faults, 'more rows than there can be']
  }
  return faults
}

test(
  'whatever is in a file of text, it is read, or refused by a finding',
  async () => {
    const endsAt = performance.now() + 1_000 * seconds
    let seed = firstSeed
    do {
      const random = randomOf(seed)
      for (let i = 0; i < filesOfSeed; i += 1) {
        const format = random.pick(['csv', 'ndjson'] as const)
        const text = format === 'csv' ? cellsOf(random) : declarationsOf(random)
        const file = random.chance(50) ? Buffer.from(text) : harmedBytes(text, random)
        const faults = await faultsOf(file, format, random)
        expect(faults, `seed ${seed}, file ${i}: ${file.subarray(0, 400)}`).toEqual([])
      }
      seed += 1
    } while (performance.now() < endsAt)
  },
  180_000 + 1_000 * seconds,
)
