/**
 * Loads a history into temporary tables, where the database joins it with what it holds: memory stays
 * bounded however long the history is. Tables end with the connection.
 */
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Salts } from '../journal/salting.ts'
import { type HistoryLine, statuses } from './history.ts'

export type LoadedHistory = {
  readonly tries: number
  readonly answers: number
  readonly unknown: number
  readonly planted: readonly string[]
}

export class HistoryError extends Error {
  override name = 'HistoryError'
}

const tables = {
  tried: `(seq bigint, n bigint, id text collate "C", employer text collate "C",
    period text collate "C", digest bytea, salted_digest bytea, fen bigint[])`,
  answered: '(seq bigint, n bigint, status integer, receipt bytea, retry_after boolean)',
  seen: '(seq bigint, id text collate "C", rank integer)',
} as const

/**
 * Order of the statuses: none may be followed by an earlier one. What is superseded is cancelled by a
 * later cancellation; what is cancelled stays so.
 */
const ranks = { missing: 0, accepted: 1, posted: 2, superseded: 3, cancelled: 4 } as const

/** Characters of rows handed to the database at a time. */
const chunkCharacters = 256 * 1024

/** A table's COPY, a connection's one at a time: rows of the others wait as text. */
class Loader {
  readonly #client: pg.Client
  readonly #waiting: Record<keyof typeof tables, string> = {
    tried: '',
    answered: '',
    seen: '',
  }
  /** The COPY under way: the next rows are read meanwhile. */
  #copying: Promise<unknown> = Promise.resolve()

  constructor(client: pg.Client) {
    this.#client = client
  }

  /** @returns a promise only where the caller must wait */
  add(table: keyof typeof tables, row: string): Promise<void> | undefined {
    this.#waiting[table] += row
    return this.#waiting[table].length > chunkCharacters ? this.#flush(table) : undefined
  }

  async end(): Promise<void> {
    for (const table of Object.keys(tables) as (keyof typeof tables)[]) await this.#flush(table)
    await this.#copying
  }

  async #flush(table: keyof typeof tables): Promise<void> {
    const text = this.#waiting[table]
    this.#waiting[table] = ''
    if (text === '') return
    await this.#copying
    const copy = this.#client.query(copyFrom(`copy ${table} from stdin`))
    copy.end(text)
    this.#copying = once(copy, 'finish')
    this.#copying.catch(() => {}) // whoever waits for it next is told
  }
}

/**
 * Reads a history into `tried`, `answered` and `seen`.
 * @throws HistoryError naming the line that is not one of a history
 */
export async function loadHistory(
  client: pg.Client,
  file: string,
  salts: Salts,
): Promise<LoadedHistory> {
  for (const [table, columns] of Object.entries(tables)) {
    await client.query(`create temp table ${table} ${columns}`)
  }
  const loader = new Loader(client)
  const counts = { try: 0, answer: 0, unknown: 0, status: 0, planted: 0 }
  const planted: string[] = []
  let seq = 0
  await forEachLine(file, (text, ended) => {
    seq += 1
    const line = parseLine(text, seq, ended)
    if (line === undefined) return undefined
    counts[line.kind] += 1
    if (line.kind === 'planted') planted.push(...line.values)
    // An attempt without an answer is one that no answer names.
    if (line.kind === 'planted' || line.kind === 'unknown') return undefined
    return loader.add(...rowOf(line, seq, salts))
  })
  await loader.end()
  await client.query('create index on tried (id)')
  for (const table of Object.keys(tables)) await client.query(`analyze ${table}`)
  return { tries: counts.try, answers: counts.answer, unknown: counts.unknown, planted }
}

/**
 * Lines of a file, read in pieces: an async iterator for each line costs more than to parse it. Only
 * the last can lack its end.
 */
async function forEachLine(
  file: string,
  take: (line: string, ended: boolean) => Promise<void> | undefined,
): Promise<void> {
  let rest = ''
  for await (const piece of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + (piece as string)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const waiting = take(line, true)
      if (waiting !== undefined) await waiting
    }
  }
  if (rest !== '') await take(rest, false)
}

const kinds = new Set(['try', 'answer', 'unknown', 'status', 'planted'])

/** Undefined for a last line that was cut off when its writer died. */
function parseLine(text: string, seq: number, ended: boolean): HistoryLine | undefined {
  try {
    const line = JSON.parse(text) as HistoryLine
    if (kinds.has(line.kind)) return line
  } catch {
    if (!ended && !text.endsWith('}')) return undefined
  }
  throw new HistoryError(
    `Line ${seq} is not a line of a history: write a try, an answer or a status.`,
  )
}

type Row = readonly [table: keyof typeof tables, row: string]

function rowOf(
  line: Exclude<HistoryLine, { kind: 'planted' | 'unknown' }>,
  seq: number,
  salts: Salts,
): Row {
  switch (line.kind) {
    case 'try': {
      const { n, id, employer, period, digest, fen } = line
      const salted = salts.digestOf(id, Buffer.from(digest, 'hex')).toString('hex')
      const digests = [`\\\\x${plain(digest)}`, `\\\\x${salted}`]
      const cells = [seq, n, plain(id), plain(employer), plain(period), ...digests]
      return ['tried', `${cells.join('\t')}\t{${fen.map(Number).join(',')}}\n`]
    }
    case 'answer': {
      const { n, status, receipt, retryAfter } = line
      const sha = receipt === undefined ? '\\N' : `\\\\x${hash('sha256', receipt, 'hex')}`
      return ['answered', `${seq}\t${n}\t${status}\t${sha}\t${retryAfter === true}\n`]
    }
    case 'status': {
      if (!statuses.includes(line.status)) throw new HistoryError(`Line ${seq} has no such status.`)
      return ['seen', `${seq}\t${plain(line.id)}\t${ranks[line.status]}\n`]
    }
  }
}

/** What needs no escaping in COPY; nothing else has a place in these columns. */
function plain(text: string): string {
  if (!/^[\w-]*$/.test(text)) throw new HistoryError('A history has ids and codes only.')
  return text
}
