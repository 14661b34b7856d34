/**
 * Who had a declaration, an order or a file accepted. It lies in the head of the envelope, beside what was
 * filed: sealed with it, covered by the signature over it and by the chain, and open to whoever opens that. It
 * is no part of what was filed: the same content by another person is the same content, and a replay
 * keeps who was first.
 *
 * Envelopes of before have none, and are as valid as ever. The head is written with what it is of, in the
 * commit of the group: if the process dies before that, nothing is stored; after it, all of it is.
 */
/** Somebody with a token, as it was when the request came. */
export type FiledByToken = {
  readonly issuer: string
  readonly subject: string
  /** `jti`; a long one's hash. */
  readonly tokenId?: string
  /** Of the client, as far as proxies that are trusted tell it. */
  readonly address?: string
  /** The file that it came in; then the token is the one with which the file was whole. */
  readonly batch?: string
}

/** Somebody who ran a command on a host of the installation. */
export type FiledByCommand = {
  readonly command: string
  /** The login of the database, as the database tells it. */
  readonly login: string
  /** Of the operating system. */
  readonly osUser: string
}

export type Attribution = FiledByToken | FiledByCommand

/** As a head has it: each once, and by position which of them; -1 where nobody is told. */
export type Attributions = {
  readonly filedBy: readonly Attribution[]
  readonly by: readonly number[]
}

/** Undefined where nobody is told of any. */
export function attributionsOf(
  filings: readonly { readonly by?: Attribution | undefined }[],
): Attributions | undefined {
  const filedBy: Attribution[] = []
  const places = new Map<string, number>()
  let last: Attribution | undefined
  let place = -1
  const by = filings.map(({ by: who }) => {
    if (who === undefined) return -1
    if (who === last) return place // a file's have the same one
    last = who
    const text = JSON.stringify(who)
    place = places.get(text) ?? filedBy.push(who) - 1
    places.set(text, place)
    return place
  })
  return filedBy.length === 0 ? undefined : { filedBy, by }
}

/** Who it was of a position, in a head that was opened. */
export function attributionAt(
  { filedBy, by }: Partial<Attributions>,
  position: number,
): Attribution | undefined {
  const place = by?.[position] ?? -1
  return place < 0 ? undefined : filedBy?.[place]
}

/** Whether a head that was opened tells of as many as lie in its envelope, and of nobody else. */
export function isAttributed(
  { filedBy, by }: Partial<Attributions>,
  declarations: number,
): boolean {
  if (filedBy === undefined && by === undefined) return true // of before
  return (
    Array.isArray(filedBy) &&
    Array.isArray(by) &&
    by.length === declarations &&
    by.every((place) => Number.isInteger(place) && place >= -1 && place < filedBy.length)
  )
}
