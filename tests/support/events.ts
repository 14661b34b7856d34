/** Server-sent events as a client reads them (WHATWG HTML, 9.2), over a line that a test may break. */

export type ServerEvent = { readonly id: string; readonly event: string; readonly data: string }

export type EventReader = AsyncIterable<ServerEvent> & {
  /** As the stream said first. */
  readonly retryMs: number
  close(): Promise<void>
}

/** Opens a stream that must be there. */
export async function readEvents(url: string, token: string): Promise<EventReader> {
  const events = await openEvents(url, token, undefined)
  if (events === 'over') throw new Error('there is nothing to tell')
  return events
}

/** Opens a stream, and reads what it says of coming again; or learns that all was told. */
export async function openEvents(
  url: string,
  token: string,
  lastEventId: string | undefined,
): Promise<EventReader | 'over'> {
  const answer = await fetch(url, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  })
  if (answer.status === 204) return 'over'
  const type = answer.headers.get('content-type')
  if (answer.status !== 200 || !type?.startsWith('text/event-stream') || answer.body === null)
    throw new Error(`${answer.status} ${type} is no stream: ${await answer.text()}`)
  const blocks = blocksOf(answer.body)
  const first = await blocks.next()
  const retry = /^retry: (\d+)$/.exec(String(first.value))?.[1]
  return {
    retryMs: Number(retry),
    close: async () => void (await blocks.return(undefined)),
    [Symbol.asyncIterator]: () => eventsOf(blocks),
  }
}

async function* blocksOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() as string
    yield* blocks
  }
}

async function* eventsOf(blocks: AsyncGenerator<string>): AsyncGenerator<ServerEvent> {
  for await (const block of blocks) {
    const fields = new Map(
      block.split('\n').map((line) => {
        const at = line.indexOf(': ')
        return [line.slice(0, at), line.slice(at + 2)] as const
      }),
    )
    const [event, data] = [fields.get('event'), fields.get('data')]
    if (event !== undefined && data !== undefined) yield { id: fields.get('id') ?? '', event, data }
  }
}
