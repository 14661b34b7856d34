/**
 * The rejected rows as they were filed. A second reading picks them from the file once all is checked,
 * and seals them in small pieces, so that a download needs no parsing. The findings of one stretch of
 * the file are in memory at a time, so a file of nothing but wrong rows takes no more memory than
 * another.
 *
 * Pieces and the position at which reading continues are written in one transaction: a process that
 * dies costs one stretch read again, and no row is stored twice.
 */

import type pg from 'pg'
import type { Queryable } from '../../journal/reading/read-pool.ts'
import {
  bufferedCharactersMax,
  bufferedRowsMax,
  errorPieceCharacters,
  errorPieceRows,
  pieceBytesMax,
  rejectedStretchDeclarations,
  rejectedStretchRows,
} from '../../limits.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import { type LeasedBatch, writeStep } from '../lease/batch-lease.ts'
import { readRejectedOfStretch } from '../staging/rejected-rows.ts'
import { unitKeyOf } from '../staging/row-buffer.ts'
import type { SealingKeys } from '../state/seal.ts'
import { openBytes, sealBytes } from '../state/seal.ts'
import { findAmendment } from '../table/amendment.ts'
import type { ErrorsFileRow, Fault } from '../table/errors-file.ts'
import type { FilePosition } from '../table/file-batch.ts'
import { columnName, type Header } from '../table/header.ts'
import { type ReadDependencies, readLeasedRows } from '../table/leased-rows.ts'
import { columnOfPointer } from '../table/row-line.ts'
import { writeInSheetWords } from '../table/sheet-words.ts'

/** A row that was not filed. */
export type ErrorRow = {
  /** Row number in the file. */
  readonly row: number
  /** In an amendment: the row number in the first file, as filed. */
  readonly position?: string
  /** Employer of its unit; empty if the row names none. Absent in older rows. */
  readonly employer?: string
  /** For NDJSON: the line. */
  readonly cells: readonly string[]
  readonly findings: readonly FileFinding[]
}

/** The position at which picking continues. */
type ReadingPosition = {
  readonly position?: FilePosition
  readonly pieces: number
  readonly ended: boolean
}

const pieceBinding = (batch: string, number: number) => `error rows ${batch} ${number}`
const positionBinding = (batch: string) => `errors position ${batch}`

/** Reads the file of a batch again and stores its rejected rows. */
export async function saveErrorRows(
  dependencies: ReadDependencies,
  work: LeasedBatch,
): Promise<void> {
  const { pool, keys } = dependencies
  const { batch } = work
  const last = await findLastStretch(pool, batch)
  const before = await openPosition(pool, keys, batch)
  if (last === undefined || before.ended) return
  const picked = new ErrorRowBuffer(before.pieces)
  let { position } = before
  let unwritten = 0
  const flush = async (ended: boolean) => {
    const pieces = picked.take()
    unwritten = 0
    await writeStep(dependencies, work, {}, async (client) => {
      await insertErrorRows(client, keys, batch, pieces)
      const place: ReadingPosition = { ...(position && { position }), pieces: picked.pieces, ended }
      await savePosition(client, keys, batch, place)
    })
  }
  const amendment = await findAmendment(pool, work)
  let stretch: number | undefined
  let wrong: ReadonlyMap<number, readonly FileFinding[]> = new Map()
  for await (const read of readLeasedRows(dependencies, work, position)) {
    for (const { row, entry, header, cells } of read.rows) {
      if (stretch !== stretchOf(row, entry)) {
        stretch = stretchOf(row, entry)
        wrong = await readRejectedOfStretch(pool, keys, batch, stretch)
      }
      const findings = wrong.get(row)
      if (findings === undefined) continue
      const position = amendment && positionOf(cells, read.header)
      const { employer } = unitKeyOf(header, entry ?? 0)
      picked.add({ row, ...(position !== undefined && { position }), employer, cells, findings })
    }
    position = read.next
    unwritten += read.rows.length
    if (stretch !== undefined && stretch > last) break
    if (unwritten >= bufferedRowsMax || picked.isFull) await flush(false)
  }
  await flush(true)
}

function positionOf(cells: readonly string[], header: Header | undefined): string {
  return (cells[header?.columns.position ?? -1] ?? '').trim()
}

/** The stretch of the file that contains a row. */
export function stretchOf(row: number, entry = 0): number {
  return Math.floor(row / (entry === 0 ? rejectedStretchRows : rejectedStretchDeclarations))
}

async function findLastStretch(pool: pg.Pool, batch: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ stretch: number }>({
    name: 'find-last-stretch',
    text: 'select stretch from batch.set_aside where batch = $1 order by stretch desc limit 1',
    values: [batch],
  })
  return rows[0]?.stretch
}

async function openPosition(
  pool: pg.Pool,
  keys: SealingKeys,
  batch: string,
): Promise<ReadingPosition> {
  const { rows } = await pool.query<{ errors_position: Buffer | null }>({
    name: 'read-errors-position',
    text: 'select errors_position from batch.work where batch = $1',
    values: [batch],
  })
  const sealed = rows[0]?.errors_position ?? undefined
  if (sealed === undefined) return { pieces: 0, ended: false }
  return JSON.parse(openBytes(keys.all, positionBinding(batch), sealed, pieceBytesMax).toString())
}

async function savePosition(
  client: pg.PoolClient,
  keys: SealingKeys,
  batch: string,
  place: ReadingPosition,
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(place))
  await client.query('update batch.work set errors_position = $2, tries = 0 where batch = $1', [
    batch,
    sealBytes(keys.sealing, positionBinding(batch), bytes),
  ])
}

/** Buffers rows in pieces until they are written. */
class ErrorRowBuffer {
  pieces: number
  #closed: ErrorRow[][] = []
  #open: ErrorRow[] = []
  #characters = 0
  #closedCharacters = 0

  constructor(pieces: number) {
    this.pieces = pieces
  }

  get isFull(): boolean {
    return this.#closed.length >= piecesAtATime || this.#closedCharacters >= bufferedCharactersMax
  }

  add(row: ErrorRow): void {
    this.#open.push(row)
    for (const cell of row.cells) this.#characters += cell.length
    this.#characters += findingCharacters * row.findings.length
    if (this.#open.length >= errorPieceRows || this.#characters >= errorPieceCharacters)
      this.#close()
  }

  #close(): void {
    if (this.#open.length > 0) this.#closed.push(this.#open)
    this.#open = []
    this.#closedCharacters += this.#characters
    this.#characters = 0
  }

  take(): { number: number; rows: readonly ErrorRow[] }[] {
    this.#close()
    const taken = this.#closed.map((rows) => {
      this.pieces += 1
      return { number: this.pieces, rows }
    })
    this.#closed = []
    this.#closedCharacters = 0
    return taken
  }
}

const piecesAtATime = 20
/** A bound for one stored finding. */
const findingCharacters = 150

async function insertErrorRows(
  client: pg.PoolClient,
  keys: SealingKeys,
  batch: string,
  pieces: readonly { number: number; rows: readonly ErrorRow[] }[],
): Promise<void> {
  if (pieces.length === 0) return
  await client.query({
    name: 'insert-error-rows',
    text: `
      insert into batch.error_row (batch, number, rows, sealed)
      select $1, p.number, p.rows, p.sealed
      from unnest($2::integer[], $3::integer[], $4::bytea[]) as p (number, rows, sealed)`,
    values: [
      batch,
      pieces.map(({ number }) => number),
      pieces.map(({ rows }) => rows.length),
      pieces.map(({ number, rows }) =>
        sealBytes(keys.sealing, pieceBinding(batch, number), Buffer.from(JSON.stringify(rows))),
      ),
    ],
  })
}

/** Stored rows of a table in the form of the errors file. */
export async function* errorsFileRows(
  rows: AsyncIterable<ErrorRow>,
  header: Header,
): AsyncGenerator<ErrorsFileRow> {
  for await (const { findings, ...row } of rows)
    yield { ...row, faults: findings.map((finding) => faultOf(finding, header)) }
}

/** Only rows of units of these employers. */
export async function* rowsOfEmployers(
  rows: AsyncIterable<ErrorRow>,
  employers: { has(employer: string): boolean },
): AsyncGenerator<ErrorRow> {
  for await (const row of rows)
    if (row.employer !== undefined && employers.has(row.employer)) yield row
}

/**
 * The stored rows in the file's order. It uses one statement for each piece, so a slow reader holds no
 * connection.
 */
export async function* readErrorRows(
  pool: Queryable,
  keys: SealingKeys['all'],
  batch: string,
): AsyncGenerator<ErrorRow> {
  for (let after = 0; ; after += 1) {
    const { rows } = await pool.query<{ sealed: Buffer }>({
      name: 'read-error-rows',
      text: 'select sealed from batch.error_row where batch = $1 and number = $2',
      values: [batch, after + 1],
    })
    const [found] = rows
    if (found === undefined) return
    const place = pieceBinding(batch, after + 1)
    const bytes = openBytes(keys, place, found.sealed, pieceBytesMax)
    yield* JSON.parse(bytes.toString()) as ErrorRow[]
  }
}

/** Names the cell unless the message does, and appends the suggested value to the fix. */
function faultOf(finding: FileFinding, header: Header): Fault {
  const { message, fix, suggestion } = writeInSheetWords(finding)
  const column = columnOf(finding, header)
  const named = column === undefined || message['zh-CN'].includes(column)
  return {
    message,
    fix:
      suggestion === undefined
        ? fix
        : { 'zh-CN': `${fix['zh-CN']} → ${suggestion}`, en: `${fix.en} → ${suggestion}` },
    ...(!named && { column }),
  }
}

function columnOf({ place }: FileFinding, header: Header): string | undefined {
  if (place.column !== undefined && place.column !== '') return place.column
  const column = columnOfPointer(header, place.pointer ?? '')
  return column === undefined ? undefined : columnName(header.titles, column)
}
