/**
 * Files in memory as rows and as sources, and the full result of a reading, for the tests of this room.
 */
import { randomUUID } from 'node:crypto'
import { createGenerator } from '../../bench/support/generator.ts'
import {
  type FileFinding,
  type WrittenFileFinding,
  writeFileFinding,
} from '../../src/batch/findings/file-findings.ts'
import type { Stage } from '../../src/batch/state/stages.ts'
import type { FileDefaults, Header } from '../../src/batch/table/header.ts'
import type { FiledRow } from '../../src/batch/table/row-line.ts'
import { readTable, type TablePosition } from '../../src/batch/table/table.ts'
import type { FileSource } from '../../src/formats/rows.ts'
import { writeZip } from '../../src/formats/zip-writer.ts'
import { declare } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

const generator = createGenerator(7)
export const employer = generator.employer()
export const persons = Array.from({ length: 40 }, () => generator.person())
export const defaults: FileDefaults = { employer, region: '340100', period: '2025-08' }

/** The identity number of one of the synthetic persons. */
export const idOf = (i: number) => persons[i]?.idNumber as string

/** A row of a file with several employers. */
export type Row = readonly [employer: string, idNumber: string, name: string, wage: string]
type Line = { person: { idNumber: string; name: string }; wage: string }

/** Rows of some employers with this many persons each; random ones would repeat among thousands. */
export function rowsOf(...persons: readonly number[]): Row[] {
  return persons.flatMap((count) => {
    const { employer } = declare({ lines: 1 })
    const rows = new Map<string, Row>()
    while (rows.size < count) {
      for (const line of declare({ lines: count - rows.size }).lines ?? []) {
        const { person, wage } = line as Line
        rows.set(person.idNumber, [employer, person.idNumber, person.name, wage])
      }
    }
    return [...rows.values()]
  })
}

type Cells = readonly string[]

export const employersOf = (rows: readonly Cells[]) => [
  ...new Set(rows.map(([employer]) => employer as string)),
]

export const plainTitles = '统一社会信用代码,证件号码,姓名,缴费工资'

export function csvOf(rows: readonly Cells[], titles = plainTitles): Buffer {
  return Buffer.from(`${titles}\r\n${rows.map((row) => row.join(',')).join('\r\n')}\r\n`)
}

export function sourceOf(file: string | Uint8Array, pieceBytes = 65_536): FileSource {
  const bytes = Buffer.from(file as string)
  return {
    bytes: bytes.length,
    async *read(offset) {
      for (let at = offset; at < bytes.length; at += pieceBytes) {
        yield bytes.subarray(at, at + pieceBytes)
      }
    },
  }
}

/** A source whose end nobody reads. */
export function endlessSource(read: FileSource['read']): FileSource {
  return { bytes: Number.MAX_SAFE_INTEGER, read }
}

export type Reading = {
  readonly header: Header | undefined
  readonly rows: FiledRow[]
  readonly lines: (object | undefined)[]
  readonly findings: FileFinding[]
  /** Findings of the file and of its rows, by code. */
  readonly codes: string[]
  readonly positions: TablePosition[]
}

export async function readAll(
  source: FileSource,
  options: Partial<Parameters<typeof readTable>[1]> = {},
): Promise<Reading> {
  const reading = {
    header: undefined as Header | undefined,
    rows: [] as FiledRow[],
    findings: [] as FileFinding[],
    positions: [] as TablePosition[],
  }
  for await (const batch of readTable(source, { format: 'csv', defaults, ...options })) {
    reading.header = batch.header
    reading.rows.push(...batch.rows)
    reading.findings.push(...batch.findings, ...batch.rows.flatMap(({ findings }) => findings))
    reading.positions.push(batch.next)
  }
  return {
    ...reading,
    lines: reading.rows.map(({ line }) => line),
    codes: reading.findings.map(({ code }) => code),
  }
}

export const readCsv = (file: string | Uint8Array, options = {}) => readAll(sourceOf(file), options)

export const readXlsx = (file: Uint8Array, options = {}) =>
  readAll(sourceOf(file), { format: 'xlsx', ...options })

export function written(reading: Reading, code: string): WrittenFileFinding {
  const found = reading.findings.find((finding) => finding.code === code)
  if (found === undefined) throw new Error(`${code} is not among ${reading.codes.join(', ')}`)
  return writeFileFinding(found)
}

export async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

/** A workbook with this sheet XML and these other parts. */
export function workbookOf(
  sheet: string | Iterable<string>,
  { parts = {}, sheets = '<sheet name="S" sheetId="1" r:id="a"/>' } = {},
) {
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"/>`
  const all: Record<string, string | Iterable<string>> = {
    '_rels/.rels': `<Relationships>${relation('a', 'officeDocument', 'xl/workbook.xml')}</Relationships>`,
    'xl/workbook.xml': `<workbook xmlns:r="${office}"><sheets>${sheets}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships>${relation('a', 'worksheet', '/xl/s.xml')}${relation('b', 'sharedStrings', 'strings.xml')}</Relationships>`,
    'xl/s.xml': sheet,
    ...parts,
  }
  const contentOf = (text: string | Iterable<string>) => (typeof text === 'string' ? [text] : text)
  return collect(
    writeZip(Object.entries(all).map(([name, text]) => ({ name, content: contentOf(text) }))),
  )
}

export const inline = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`
export const rowOf = (...cells: string[]) => `<row>${cells.join('')}</row>`
export const sheetOf = (...rows: string[]) =>
  `<worksheet><sheetData>${rows.join('')}</sheetData></worksheet>`

/** A batch as its sender sees it, as far as these tests need it. */
export type SeenBatch = {
  readonly id: string
  readonly stage: Stage
  readonly progress: {
    readonly rows?: Readonly<Record<'read' | 'good' | 'setAside' | 'filed' | 'posted', number>>
  }
}

/** Sends a file to an intake in one part; returns the batch's id. */
export async function sendFile(
  address: string,
  token: string,
  file: Buffer,
  more: object = {},
): Promise<string> {
  const members = { period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' }
  const authorization = `Bearer ${token}`
  const begun = await fetch(`${address}/v1/batches`, {
    method: 'POST',
    headers: {
      authorization,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify({ ...members, format: 'csv', size: file.length, ...more }),
  })
  if (begun.status !== 201) throw new Error(await begun.text())
  const { id, links } = (await begun.json()) as { id: string; links: { file: string } }
  const sent = await fetch(`${address}${links.file}`, {
    method: 'PATCH',
    headers: {
      authorization,
      'content-type': 'application/offset+octet-stream',
      'upload-offset': '0',
    },
    body: new Uint8Array(file),
  })
  if (sent.status !== 204) throw new Error(await sent.text())
  return id
}

export async function lookAt(address: string, token: string, id: string): Promise<SeenBatch> {
  const answer = await fetch(`${address}/v1/batches/${id}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return (await answer.json()) as SeenBatch
}

/** Waits until a batch is in one of some stages. */
export function batchReaches(
  address: string,
  token: string,
  id: string,
  reached: readonly Stage[],
  deadlineMs: number,
): Promise<SeenBatch> {
  return waitFor(
    `${id} to be ${reached.join(' or ')}`,
    async () => {
      const batch = await lookAt(address, token, id)
      return reached.includes(batch.stage) ? batch : undefined
    },
    deadlineMs,
  )
}
