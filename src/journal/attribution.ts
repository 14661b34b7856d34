/**
 * Who filed a declaration, an order or a file. It is stored in the head of the envelope: sealed with the
 * content, and covered by its signature and by the chain. It is not part of the content: the same content
 * from another person is the same content, and a replay keeps the first filer.
 *
 * Older envelopes have none and stay valid. The head is written with the content in the group's commit: if
 * the process dies before that, nothing is stored; after it, everything is.
 */
/** Somebody with a token, as it was when the request came. */
export type FiledByToken = {
  readonly issuer: string
  readonly subject: string
  /** `jti`; a long one's hash. */
  readonly tokenId?: string
  /** The client's address, as trusted proxies report it. */
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

/** Each filer once, and for each position the filer's index; -1 if nobody is named. */
export type Attributions = {
  readonly filedBy: readonly Attribution[]
  readonly by: readonly number[]
}

/** Undefined if no filing names its filer. */
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

/** The filer of a position in an opened head. */
export function attributionAt(
  { filedBy, by }: Partial<Attributions>,
  position: number,
): Attribution | undefined {
  const place = by?.[position] ?? -1
  return place < 0 ? undefined : filedBy?.[place]
}

/** Whether an opened head names exactly one filer (or none) for each declaration in its envelope. */
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
