/**
 * What a file's rows cost where nothing is checked, sealed or signed: parsed with csv-parse and written
 * by COPY in one transaction, which is the limit; and inserted one by one in a transaction, as a first
 * version of an import is.
 */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

const table = `
  employer text, id_type text, id_number text, name text, category text, wage numeric, change text`
const insert = {
  name: 'insert-row',
  text: 'insert into plain values ($1, $2, $3, $4, $5, $6, $7)',
}

/** No value of these needs escaping. */
async function* copyLines(rows: AsyncIterable<readonly string[]>): AsyncGenerator<string> {
  for await (const row of rows) yield `${row.join('\t')}\n`
}

/** @returns seconds */
export function copyRows(databaseUrl: string, file: string): Promise<number> {
  return inOneTransaction(databaseUrl, async (client) => {
    const rows = createReadStream(file).pipe(parse({ fromLine: 2 }))
    await pipeline(copyLines(rows), client.query(copyFrom('copy plain from stdin')))
  })
}

/** @returns seconds for the first so many rows */
export function insertRows(databaseUrl: string, file: string, rowsMax: number): Promise<number> {
  return inOneTransaction(databaseUrl, async (client) => {
    const rows = createReadStream(file).pipe(parse({ fromLine: 2, to: rowsMax }))
    for await (const row of rows as AsyncIterable<string[]>) {
      await client.query({ ...insert, values: row })
    }
  })
}

async function inOneTransaction(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('drop table if exists plain')
    await client.query(`create table plain (${table})`)
    const began = performance.now()
    await client.query('begin')
    await work(client)
    await client.query('commit')
    return (performance.now() - began) / 1_000
  } finally {
    await client.end()
  }
}
