import { expect, test } from 'vitest'
import { type FileFinding, writeFileFinding } from '../../../src/batch/findings/file-findings.ts'
import type { FileRow } from '../../../src/batch/table/file-batch.ts'
import { readNdjson } from '../../../src/batch/table/ndjson.ts'
import { detectFormat } from '../../../src/formats/detect-format.ts'
import type { FileSource, NdjsonPosition } from '../../../src/formats/rows.ts'
import { endlessSource, sourceOf } from '../support.ts'

async function readAllOf(source: FileSource, from?: NdjsonPosition) {
  const rows: FileRow[] = []
  const findings: FileFinding[] = []
  const positions = []
  for await (const batch of readNdjson(source, from)) {
    rows.push(...batch.rows)
    findings.push(...batch.findings)
    positions.push({ next: batch.next, read: rows.length })
  }
  const declarations = rows.map(({ row, line }) => ({ row, body: line }))
  const faults = rows.flatMap((row) => row.findings)
  return {
    rows,
    declarations,
    findings,
    faults,
    positions,
    codes: findings.map(({ code }) => code),
  }
}

test('one declaration a line, with a mark, blank lines, any line end and none at the end', async () => {
  for (const pieceBytes of [1, 1_000]) {
    const file = '\ufeff{"a":1}\r\n\n{"a":"申报"}\n{"a":3}'
    const { declarations, codes } = await readAllOf(sourceOf(file, pieceBytes))
    expect(declarations).toEqual([
      { row: 1, body: { a: 1 } },
      { row: 3, body: { a: '申报' } },
      { row: 4, body: { a: 3 } },
    ])
    expect(codes).toEqual([])
  }
})

test('a line that is no object, or no UTF-8, is told with its number; the others are read', async () => {
  const file = Buffer.concat([
    Buffer.from('{"a":1}\n[1]\n{"a":\nnull\n"x"\n{"a":"'),
    Buffer.from([0xcd, 0xf5]),
    Buffer.from('"}\n{"a":7}\n'),
  ])
  const { rows, faults, codes } = await readAllOf(sourceOf(file))
  expect(codes).toEqual([])
  expect(rows.map(({ line }) => line !== undefined)).toEqual([true, ...Array(5).fill(false), true])
  expect(rows.map(({ header }) => header.employer).filter(Boolean)).toEqual([])
  expect(faults.map(({ code, place }) => [code, place.row])).toEqual([
    ...[2, 3, 4, 5].map((row) => ['RECORD_NOT_JSON', row]),
    ['RECORD_ENCODING', 6],
  ])
  const told = faults.at(-1) as FileFinding
  expect(told.params).toMatchObject({ offset: 6, at: 7 })
  expect(writeFileFinding(told).message.en).toBe(
    'Line 6 is not UTF-8 from character 7 (byte 6 of the line) on: it looks like GB18030.',
  )
})

test('a line that names a member twice is told, with the member', async () => {
  const { faults, rows } = await readAllOf(sourceOf('{"a":1}\n{"a":{"wage":1,"wage":2}}\n'))
  expect(rows).toHaveLength(2)
  expect(faults).toEqual([
    { code: 'RECORD_KEY_REPEATED', place: { row: 2, pointer: '/a/wage' }, params: undefined },
  ])
})

test('a line without end is told and not held', async () => {
  let pieces = 0
  const endless = endlessSource(async function* () {
    yield Buffer.from('{"a":1}\n{"a":"')
    for (; pieces < 100_000; pieces += 1) yield Buffer.alloc(65_536, 'a')
  })
  const { declarations, codes } = await readAllOf(endless)
  expect(codes).toEqual(['LINE_TOO_LONG'])
  expect(declarations).toHaveLength(1)
  expect(pieces).toBeLessThan(100)
})

test('the mark of DOS at the end is no line; null characters end the reading', async () => {
  const { declarations, faults, codes } = await readAllOf(sourceOf('{"a":1}\r\n\u001a', 1))
  expect([declarations.length, faults, codes]).toEqual([1, [], []])
  const torn = await readAllOf(sourceOf(`{"a":1}\n{"a":2${'\0'.repeat(100)}`))
  expect(torn.findings.map(({ code, place }) => [code, place.row])).toEqual([
    ['NULL_CHARACTERS', 2],
  ])
})

test('UTF-16 is refused', async () => {
  const { codes } = await readAllOf(sourceOf(Buffer.from('\ufeff{"a":1}\n', 'utf16le')))
  expect(codes).toEqual(['ENCODING_WIDE'])
})

test('reading goes on at any position that a batch gave', async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `{"number":${i}}\n`).join('')
  const source = sourceOf(lines, 10_000)
  const all = await readAllOf(source)
  expect(all.declarations).toHaveLength(30_000)
  expect(all.positions.length).toBeGreaterThan(2)
  for (const { next, read } of all.positions) {
    const rest = await readAllOf(source, JSON.parse(JSON.stringify(next)))
    expect(rest.declarations).toEqual(all.declarations.slice(read))
  }
})

test.each([
  ['PK\u0003\u0004', 'xlsx'],
  [Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'xlsx'],
  ['{"employer":', 'ndjson'],
  ['\ufeff\n{', 'ndjson'],
  ['[\n  {"employer":', 'ndjson'],
  ['姓名,证件号码', 'csv'],
  [Buffer.from([0xd0, 0xd5, 0xc3, 0xfb]), 'csv'],
  ['%PDF-1.7', 'FILE_KIND_UNKNOWN'],
  ['<html><table>', 'FILE_KIND_UNKNOWN'],
  [Buffer.from([0x89, 0x50, 0x4e, 0x47]), 'FILE_KIND_UNKNOWN'],
  ['', 'FILE_EMPTY'],
])('a file that begins with %j is of kind %s', (start, kind) => {
  const found = detectFormat(Buffer.from(start as string))
  expect(typeof found === 'string' ? found : found.code).toBe(kind)
})
