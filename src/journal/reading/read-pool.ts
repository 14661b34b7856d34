/**
 * Reads for who asks. Each statement says whose rows it may see, and Postgres shows it no others, whatever it
 * asks for (migrations/0157_reading_by_employer.sql): a route that forgets a check finds nothing.
 *
 * What it says goes out in front of the statement, as one message with it: Postgres runs both in one
 * transaction, and forgets the first at its end. So it costs no round trip, and on the next statement of the
 * connection nothing is left of it.
 */
import pg from 'pg'
import type { Reach } from './reach.ts'

/** What reads, whoever it reads for. */
export type Queryable = Pick<pg.Pool, 'query'>

/** A subject of an issuer, whose files and slots are its own. */
export type Sender = { readonly issuer: string; readonly subject: string }

/** Says whose rows the next statement sees; prepared once on each connection. */
export type Saying = { readonly name: string; readonly text: string; readonly values: string[] }

const sayings = {
  reach: {
    name: 'see-declarations',
    text: `
      select
        set_config('spillway.employers', $1, true),
        set_config('spillway.regions', $2, true)`,
    values: ['', ''],
  },
  sender: {
    name: 'see-files',
    text: `
      select
        set_config('spillway.issuer', $1, true),
        set_config('spillway.subject', $2, true)`,
    values: ['', ''],
  },
} as const satisfies Record<string, { name: string; text: string; values: readonly string[] }>

/** What a connection must have prepared before it reads for anybody. */
export async function prepareSayings(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  for (const { name, text, values } of Object.values(sayings))
    await client.query({ name, text, values: [...values] })
}

/** A pool of connections that see nothing, but for whom they read. */
export class ReadPool {
  readonly #pool: pg.Pool

  /** @param pool with the role of reading (openPool) */
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Sees declarations in reach. Where a filer is bound to some regions, only the statement itself knows that. */
  within(reach: Reach): Queryable {
    return this.#saying(sayings.reach.name, valuesOf(reach))
  }

  /** Sees the files and slots of one who sends. */
  of({ issuer, subject }: Sender): Queryable {
    return this.#saying(sayings.sender.name, [issuer, subject])
  }

  #saying(saying: string, values: readonly string[]): Queryable {
    const query = (config: pg.QueryConfig) =>
      this.#pool.query(new SayingQuery(config, saying, values) as unknown as pg.QueryConfig)
    return { query: query as pg.Pool['query'] }
  }
}

/** A token is used many times, and may name a thousand employers. */
const known = new WeakMap<Reach, readonly string[]>()

function valuesOf(reach: Reach): readonly string[] {
  const values = known.get(reach) ?? [
    // Postgres looks a code up in the text: what is none could have one in it.
    reach.employers.filter((code) => /^[0-9A-Z]{18}$/.test(code)).join(),
    // `none`: what has no region yet, which staff of any region may see once the statement has found out.
    reach.regions.length === 0 ? '' : `{${[...reach.regions, 'none'].join()}}`,
  ]
  known.set(reach, values)
  return values
}

type Connection = {
  bind(message: object): void
  execute(message: object): void
}

/** What pg has and its types leave out. */
type PreparedQuery = {
  requiresPreparation(): boolean
  prepare(connection: Connection): void
  handleDataRow(message: object): void
  handleCommandComplete(message: object, connection: Connection): void
}

const Prepared = pg.Query as unknown as new (config: pg.QueryConfig) => PreparedQuery

/** The answer to the saying comes first, and is left out. */
class SayingQuery extends Prepared {
  readonly #saying: string
  readonly #values: readonly string[]
  #said = false

  constructor(config: pg.QueryConfig, saying: string, values: readonly string[]) {
    super(config)
    this.#saying = saying
    this.#values = values
  }

  override requiresPreparation(): boolean {
    return true
  }

  override prepare(connection: Connection): void {
    connection.bind({ portal: '', statement: this.#saying, values: [...this.#values] })
    connection.execute({ portal: '' })
    super.prepare(connection)
  }

  override handleDataRow(message: object): void {
    if (this.#said) super.handleDataRow(message)
  }

  override handleCommandComplete(message: object, connection: Connection): void {
    if (this.#said) super.handleCommandComplete(message, connection)
    this.#said = true
  }
}
