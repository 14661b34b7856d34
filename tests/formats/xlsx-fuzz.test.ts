/**
 * Changed workbooks: by a bit in transit, or by a faulty program. A change in transit is refused or
 * reads the same; nothing makes a reader throw. The seed is fixed: the same workbooks in every run.
 */
import { expect, test } from 'vitest'
import { endsReading } from '../../src/batch/findings/file-findings.ts'
import type { FileBatch } from '../../src/batch/table/file-batch.ts'
import { readRows } from '../../src/batch/table/file-rows.ts'
import type { FileSource } from '../../src/formats/rows.ts'
import { employer, persons, sourceOf } from '../batch/support.ts'
import { archiveOf, type Parts, workbookParts } from './archive.ts'

const parts = workbookParts([
  ['姓名', '证件号码', '申报工资', '变动', '所属期'],
  ...persons
    .slice(0, 12)
    .map(({ name, idNumber }, i) => [name, idNumber, 6_500 + i, i % 2 ? '增员' : '无', 45_870]),
])
const work = { employer, region: '340100', period: '2025-08', format: 'xlsx' } as const

/** Mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

async function read(source: FileSource) {
  const batches: FileBatch[] = []
  const defects: string[] = []
  for await (const batch of readRows(source, work, undefined, ({ stack }) =>
    defects.push(`${stack}`),
  ))
    batches.push(batch)
  const findings = batches.flatMap((batch) => batch.findings)
  return {
    rows: batches.flatMap(({ rows }) => rows),
    refused: findings.some(endsReading),
    codes: findings.map(({ code }) => code),
    defects,
  }
}

test.each([
  ['deflated', archiveOf(parts)],
  ['stored', archiveOf(parts, /./)],
])('400 flips of one bit in a workbook that is %s: refused, or the same rows', async (_, whole) => {
  const before = await read(sourceOf(whole))
  expect([before.rows.length, before.refused, before.rows[0]?.header.period]).toEqual([
    12,
    false,
    '2025-08',
  ])
  const random = randomOf(17)
  const wrong: unknown[] = []
  let refusals = 0
  for (let flip = 0; flip < 400; flip += 1) {
    const file = Buffer.from(whole)
    const [at, bit] = [random(file.length), random(8)]
    file[at] = (file[at] as number) ^ (1 << bit)
    const { rows, refused, defects } = await read(sourceOf(file))
    if (refused) refusals += 1
    else if (JSON.stringify(rows) !== JSON.stringify(before.rows)) wrong.push([at, bit, rows])
    wrong.push(...defects)
  }
  expect(wrong).toEqual([])
  // Most bytes are content; those that read the same are timestamps and the like.
  expect(refusals).toBeGreaterThan(280)
})

test('a bit in a part that was looked at alone, and not read as the table, is found as well', async () => {
  const whole = archiveOf({ ...parts, 'xl/worksheets/sheet2.xml': notes('notes') }, /sheet2/)
  const at = whole.indexOf('notes')
  expect(at).toBeGreaterThan(0)
  const file = Buffer.from(whole)
  file[at] = (file[at] as number) ^ 1
  expect((await read(sourceOf(whole))).refused).toBe(false)
  expect((await read(sourceOf(file))).codes).toEqual(['FILE_CHECKSUM'])
})

/** More rows than are searched for a header. */
function notes(text: string): string {
  const rows = Array.from(
    { length: 40 },
    () => `<row><c t="inlineStr"><is><t>${text}</t></is></c></row>`,
  )
  return `<worksheet><sheetData>${rows.join('')}</sheetData></worksheet>`
}

const values = [
  '0.5',
  '-1',
  '1e3',
  '',
  ' ',
  'NaN',
  '0x1',
  '99999999999',
  '1e999',
  'A1',
  '&amp;',
  '&#xD800;',
  '2',
]

type Change = (text: string, random: (below: number) => number) => string

/** Each breaks the structure as a program could. */
const changes: Readonly<Record<string, Change>> = {
  cut: (text, random) => text.slice(0, random(text.length)),
  'leave out': (text, random) => {
    const at = random(text.length)
    return text.slice(0, at) + text.slice(at + 1 + random(40))
  },
  repeat: (text, random) => {
    const at = random(text.length)
    return text.slice(0, at) + text.slice(at, at + 80) + text.slice(at)
  },
  'another value': (text, random) => replaceOne(text, /(?<=<v>)[^<]*/g, values, random),
  'another attribute': (text, random) => replaceOne(text, /(?<==")[^"]*/g, values, random),
  'another name': (text, random) =>
    replaceOne(text, /(?<=<\/?)[a-zA-Z]+/g, ['c', 'v', 'row', 'is', 't', 'si', 'f', 'x'], random),
  'without a tag': (text, random) => replaceOne(text, /<[^>]*>/g, [''], random),
  'a declaration': (text, random) =>
    replaceOne(
      text,
      /(?=<)/g,
      ['<!DOCTYPE x>', '<?xml encoding="GBK"?>', '<![CDATA[', '<!--'],
      random,
    ),
  'nested deeply': (text, random) =>
    replaceOne(text, /(?=<)/g, ['<x>'.repeat(100), '</x>'], random),
  'null characters': (text, random) =>
    replaceOne(text, /(?=<)/g, ['\u0000', '\uffff', '&#0;'], random),
}

function replaceOne(
  text: string,
  where: RegExp,
  by: readonly string[],
  random: (below: number) => number,
): string {
  const found = [...text.matchAll(where)]
  const { index, 0: old } = found[random(Math.max(1, found.length))] ?? { index: 0, 0: '' }
  return text.slice(0, index) + by[random(by.length)] + text.slice(index + old.length)
}

test('240 workbooks with a broken structure and right checksums: none makes a reader throw', async () => {
  const random = randomOf(16)
  const names = Object.keys(parts)
  const kinds = Object.entries(changes)
  const thrown: unknown[] = []
  for (let nth = 0; nth < 240; nth += 1) {
    const [kind, change] = kinds[nth % kinds.length] as [string, Change]
    const name = names[random(names.length)] as string
    const changed: Parts = { ...parts, [name]: change(parts[name] as string, random) }
    const { defects, rows, codes } = await read(sourceOf(archiveOf(changed)))
    if (defects.length > 0) thrown.push([kind, name, ...defects])
    expect(rows.length + codes.length, `${kind} ${name}`).toBeGreaterThan(0)
  }
  expect(thrown).toEqual([])
})

test('parts that are swapped, left out, or there twice make no reader throw', async () => {
  const names = Object.keys(parts)
  for (const one of names) {
    for (const other of names) {
      const swapped = { ...parts, [one]: parts[other] as string, [other]: parts[one] as string }
      if (one === other) delete swapped[one]
      const { defects, rows, refused } = await read(sourceOf(archiveOf(swapped)))
      expect(defects, `${one} ${other}`).toEqual([])
      expect(rows.length > 0 || refused, `${one} ${other}`).toBe(true)
    }
    const twice = await read(
      sourceOf(archiveOf({ ...parts, [one.toUpperCase()]: parts[one] as string })),
    )
    expect(twice.defects).toEqual([])
  }
})

const sheet = (row: string) => ({
  ...parts,
  'xl/worksheets/sheet1.xml': `<worksheet><sheetData>${row}</sheetData></worksheet>`,
})

test.each([
  ['a half of a text', '<row><c t="s"><v>0.5</v></c></row>'],
  ['a text below the first', '<row><c t="s"><v>-1</v></c></row>'],
  ['a text that a blank names', '<row><c t="s"><v> </v></c></row>'],
  ['a text that there is not', '<row><c t="s"><v>999</v></c></row>'],
  ['a number that is a blank', '<row><c><v> </v></c></row>'],
  ['a number in another base', '<row><c><v>0x1F</v></c></row>'],
  ['a style that there is not', '<row><c s="2"><v>45870</v></c></row>'],
  ['a style that is no number', '<row><c s="x"><v>45870</v></c></row>'],
  ['a kind of cell that there is not', '<row><c t="q"><v>1</v></c></row>'],
  ['a truth that is neither', '<row><c t="b"><v>7</v></c></row>'],
  ['a cell of another row', '<row r="2"><c r="A3"><v>1</v></c></row>'],
  ['a cell with two values', '<row><c><v>1</v><v>2</v></c></row>'],
  ['a row number that is none', '<row r="0x2"><c><v>1</v></c></row>'],
  ['a second document', '<row><c><v>1</v></c></row></sheetData></worksheet><worksheet><sheetData>'],
])('%s is told as a damaged file, once and for all', async (_, row) => {
  const { codes, rows, defects } = await read(sourceOf(archiveOf(sheet(row))))
  expect([codes, rows, defects]).toEqual([['FILE_BROKEN'], [], []])
})

test('what a reader throws at a content is a finding; what its source throws stays what it is', async () => {
  const whole = archiveOf(parts)
  // A defective reader: errors that no source throws.
  const odd: FileSource = {
    bytes: 1_000,
    async *read() {
      yield Buffer.from('姓名,证件号码,申报工资\n')
      yield { length: 70_000 } as Uint8Array
    },
  }
  const told = await read(odd)
  expect(told.codes).toEqual(['FILE_NOT_READ'])
  expect(told.defects[0]).toMatch(/^ReaderDefect: a reader of files threw TypeError\n\s+at /)
  class LeaseLost extends Error {}
  const lost = new LeaseLost('another has it')
  const failing = (when: number): FileSource => ({
    ...sourceOf(whole, 256),
    heartbeat: async () => {
      if (when === 0) throw lost
    },
    async *read(offset) {
      let left = when
      for await (const piece of sourceOf(whole, 256).read(offset)) {
        yield piece
        left -= 1
        if (left === 0) throw lost
      }
    },
  })
  for (const when of [0, 1, 3]) await expect(read(failing(when))).rejects.toBe(lost)
})
