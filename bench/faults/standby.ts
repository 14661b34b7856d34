/**
 * A synchronous standby as a primary sees one: it takes the write-ahead log over the replication
 * protocol and says how far it has it. It keeps nothing, so it can be stopped and started at once; a
 * failover is not what it is for.
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

const reconnectMs = 50
/** Microseconds from 1970 to 2000, which the protocol counts from. */
const epochMicros = 946_684_800_000_000n

type CopyConnection = pg.Connection & {
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): void
  sendCopyFromChunk(chunk: Buffer): void
}

export class WalReceiver {
  readonly #url: () => string
  readonly #name: string
  #client: pg.Client | undefined
  #running: Promise<void> | undefined
  #stopping = false

  /** @param url of the primary; asked each time it connects */
  constructor(name: string, url: () => string) {
    this.#name = name
    this.#url = url
  }

  start(): void {
    this.#stopping = false
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#client?.connection.stream.destroy()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await this.#follow().catch(() => {}) // the primary is away, or ended it
      await pause(reconnectMs)
    }
  }

  async #follow(): Promise<void> {
    const config = { connectionString: this.#url(), application_name: this.#name }
    const client = new pg.Client({ ...config, ...{ replication: 'true' } })
    this.#client = client
    const gone = new Promise((resolve) => client.once('end', resolve))
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query<{ xlogpos: string }>('IDENTIFY_SYSTEM')
    const from = rows[0]?.xlogpos ?? '0/0'
    const connection = client.connection as CopyConnection
    let at = positionOf(from)
    connection.on('copyData', ({ chunk }) => {
      if (chunk[0] === walData) at = chunk.readBigUInt64BE(1) + BigInt(chunk.length - walHeadBytes)
      connection.sendCopyFromChunk(replyOf(at))
    })
    client.query(`START_REPLICATION PHYSICAL ${from}`).catch(() => {})
    if (this.#stopping) connection.stream.destroy()
    await gone
  }
}

const walData = 'w'.charCodeAt(0)
/** Its kind, where it starts, where the log ends, when it was sent. */
const walHeadBytes = 25

function positionOf(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}

/** Written, flushed and applied up to there. */
function replyOf(at: bigint): Buffer {
  const reply = Buffer.alloc(34)
  reply.write('r')
  for (const offset of [1, 9, 17]) reply.writeBigUInt64BE(at, offset)
  reply.writeBigInt64BE(BigInt(Date.now()) * 1_000n - epochMicros, 25)
  return reply
}
