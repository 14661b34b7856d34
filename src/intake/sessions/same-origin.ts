/**
 * Whether a request that comes with a cookie was sent by a page of ours. A browser sends the cookie with
 * whatever asks for it; who asked, it tells in `Sec-Fetch-Site`, which no page can set, or before that header
 * in `Origin`. Bearer tokens need none of this: no browser adds one by itself.
 */
import type { IncomingHttpHeaders } from 'node:http'

const reads: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

type Asked = { readonly method?: string | undefined; readonly headers: IncomingHttpHeaders }

/**
 * A read may come without proof, as from a browser that tells nothing, and never with proof of the
 * contrary. What changes something needs proof.
 * @param origin ours, `https://host`; undefined: that of the host that is asked
 */
export function isFromOurPages(
  { method = '', headers }: Asked,
  origin: string | undefined,
): boolean {
  const site = headers['sec-fetch-site']
  const isRead = reads.has(method)
  if (site !== undefined) return site === 'same-origin' || (isRead && site === 'none')
  const { origin: sender } = headers
  return sender === undefined ? isRead : isOurs(sender, headers.host, origin)
}

function isOurs(sender: string, host: string | undefined, origin: string | undefined): boolean {
  if (origin !== undefined) return sender === origin
  return host !== undefined && (sender === `http://${host}` || sender === `https://${host}`)
}
