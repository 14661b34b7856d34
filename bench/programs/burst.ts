/**
 * A burst: many filings at once, each over a connection of its own as far as there are so many, and each
 * sent again when its answer says so, with the same key, until it is accepted. A process of its own, told
 * over IPC what to send.
 */
import { type Answer, Connection, headerOf } from '../support/connection.ts'

export type BurstOrder = {
  readonly port: number
  readonly filings: readonly { readonly body: string; readonly authorization: string }[]
  readonly keyPrefix: string
}

export type BurstSeen = {
  /** Until the last was accepted. */
  readonly seconds: number
  readonly triesMost: number
  readonly refused: number
  readonly retryAfterMedian: number
  readonly retryAfterMost: number
  /** In each second since it began. */
  readonly acceptedIn: readonly number[]
  readonly refusedIn: readonly number[]
  /** Answers that are neither an acceptance nor a refusal, by status, and connections that broke. */
  readonly other: Readonly<Record<string, number>>
}

/** An intake takes ten thousand; some are left for others. */
const connectionsMax = 9_000
/** Open before the burst begins; what was silent for long is cut, so the others open with it. */
const openedBefore = 1_000
const openedAtATime = 50

type Sent = { readonly number: number; readonly tries: number }

async function burst({ port, filings, keyPrefix }: BurstOrder): Promise<BurstSeen> {
  const free: Connection<Sent>[] = []
  const waiting: Sent[] = filings.map((_, number) => ({ number, tries: 1 }))
  const retryAfters: number[] = []
  const [acceptedIn, refusedIn]: [number[], number[]] = [[], []]
  const countNow = (counts: number[]) => {
    const second = Math.floor((performance.now() - began) / 1_000)
    while (counts.length <= second) counts.push(0)
    counts[second] = (counts[second] ?? 0) + 1
  }
  let began = 0
  let [accepted, triesMost] = [0, 0]
  const other: Record<string, number> = {}
  const count = (what: string | number) => {
    other[what] = (other[what] ?? 0) + 1
  }
  let done = () => {}
  const isDone = new Promise<void>((resolve) => {
    done = resolve
  })
  const send = (connection: Connection<Sent>, sent: Sent) => {
    const { body, authorization } = filings[sent.number] as (typeof filings)[0]
    connection.send(
      sent,
      `POST /v1/declarations HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nauthorization: ${authorization}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nidempotency-key: ${keyPrefix}-${sent.number}\r\n\r\n${Buffer.from(body).toString('latin1')}`,
    )
  }
  const next = () => {
    while (waiting.length > 0) {
      const connection = free.pop() ?? (open < connectionsMax ? connect() : undefined)
      if (connection === undefined) return
      send(connection, waiting.shift() as Sent)
    }
  }
  const again = ({ number, tries }: Sent, seconds: number) => {
    setTimeout(() => {
      waiting.push({ number, tries: tries + 1 })
      next()
    }, 1_000 * seconds)
  }
  const take = (sent: Sent, { status, head }: Answer, connection: Connection<Sent>) => {
    // 200: it was accepted, and the connection broke before the answer.
    if (status === 202 || status === 200) {
      accepted += 1
      countNow(acceptedIn)
      triesMost = Math.max(triesMost, sent.tries)
      if (accepted === filings.length) done()
    } else {
      const seconds = Number(headerOf(head, 'retry-after') ?? 1)
      if (status === 503 || status === 429) {
        retryAfters.push(seconds)
        countNow(refusedIn)
      } else if (status >= 500) count(status)
      else throw new Error(`A filing of the burst can't be accepted: ${head}`)
      again(sent, seconds)
    }
    if (headerOf(head, 'connection') === 'close') connection.close()
    else free.push(connection)
    next()
  }
  let open = 0
  const connect = (): Connection<Sent> => {
    open += 1
    return new Connection<Sent>(new URL(`http://127.0.0.1:${port}`), {
      onAnswer: take,
      onEnd: (ended, sent) => {
        open -= 1
        const at = free.indexOf(ended)
        if (at >= 0) free.splice(at, 1)
        if (sent === undefined) return
        count('broken')
        again(sent, 1)
      },
    })
  }
  while (free.length < Math.min(openedBefore, filings.length)) {
    const opening = Array.from({ length: openedAtATime }, connect)
    await Promise.all(opening.map(({ opened }) => opened))
    free.push(...opening)
  }
  began = performance.now()
  next()
  await isDone
  const seconds = (performance.now() - began) / 1_000
  retryAfters.sort((a, b) => a - b)
  return {
    seconds,
    triesMost,
    refused: retryAfters.length,
    retryAfterMedian: retryAfters[retryAfters.length >> 1] ?? 0,
    retryAfterMost: retryAfters.at(-1) ?? 0,
    acceptedIn,
    refusedIn,
    other,
  }
}

process.on('message', (order: BurstOrder) => {
  burst(order).then((seen) => process.send?.({ seen }))
})
process.once('disconnect', () => process.exit())
process.send?.({ ready: true })
