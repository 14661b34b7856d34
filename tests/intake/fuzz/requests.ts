/** Requests that begin as a route takes them, and are harmed in some places: line, address, headers, body. */
import type { Asked } from '../../support/route-table.ts'
import { harmed, harmedBytes, planted, type Random, texts } from './hostile.ts'

export type RawRequest = {
  readonly method: string
  readonly target: string
  /** As they go out; one name may be there twice. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer | undefined
}

const methods = [
  'GET',
  'HEAD',
  'POST',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PUT',
  'TRACE',
  'PROPFIND',
  'get',
]

/** Headers that something here reads, with values that are good for some request. */
const headers: Readonly<Record<string, readonly string[]>> = {
  accept: ['text/html', 'application/json', 'text/csv;q=0', '*/*;q=x'],
  'accept-language': ['zh-CN', 'en;q=0.1,zh', 'x'.repeat(500), '*'],
  authorization: ['Bearer', 'Bearer a.b.c', 'Basic eA==', 'Bearer e30.e30.e30', 'bearer  x'],
  'content-digest': ['sha-256=:AAAA:', 'sha-256=::', 'sha-512=:x:, sha-256=:y:', ':', 'md5=:AA==:'],
  'content-encoding': ['gzip', 'br', 'deflate', 'identity', 'gzip, gzip', 'x', ''],
  'content-length': ['-1', 'x', '1, 2', '0x10', '9'.repeat(30), '+1'],
  'content-type': [
    ...[
      'application/json',
      'text/plain',
      'application/json; charset=gbk',
      'application/json;charset=',
    ],
    ...[
      'multipart/form-data',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
    ],
    ...['application/offset+octet-stream', 'application/octet-stream', '/', ';', 'a/b/c', '*/*'],
  ],
  cookie: ['spillway-session=x', 'spillway-session=', 'a=b; a=c', 'spillway-session=%', '=;=;'],
  expect: ['100-continue', 'x'],
  host: ['a', '', 'a:b:c', '[::1', 'evil.example'],
  'idempotency-key': ['k', '"k"', 'x'.repeat(300), '', 'a b', '"'],
  'if-none-match': ['*', '"x"', 'W/"x"', 'x'.repeat(2_000), '","'],
  'last-event-id': ['0', 'x'.repeat(101), 'cancelled.0.0.0.0'],
  origin: ['null', 'https://evil.example', 'http://127.0.0.1'],
  prefer: ['wait=0', 'wait=-1', 'wait=x', 'wait=1e9', 'respond-async', 'wait', 'wait=1;wait=2'],
  range: ['bytes=0-', 'bytes=9-1', 'x'],
  'sec-fetch-site': ['same-origin', 'cross-site', 'x'],
  'tus-resumable': ['1.0.0', '0.0.1', 'x'],
  'transfer-encoding': ['chunked', 'gzip, chunked', 'x'],
  'upload-checksum': ['sha1 AAAA', 'sha1', 'md5 x', 'sha256 ='],
  'upload-complete': ['?1', '?0', '1'],
  'upload-defer-length': ['1', '0', 'x'],
  'upload-length': ['0', '-1', '9'.repeat(20), 'x', '1.5'],
  'upload-metadata': ['filename', 'filename eA==', 'a =,b =', ',', 'employer !!!'],
  'upload-offset': ['0', '1', '-1', '9'.repeat(20), 'x', '1.5'],
  'x-forwarded-for': ['1.2.3.4', 'x', '::', '1.2.3.4, 5.6.7.8'],
  'x-http-method-override': ['PATCH', 'DELETE', 'PUT', 'x', 'get'],
}

/** Of a request that its route takes, one that it may not; `harms` is in how many places. */
export function harmRequest(
  { method, asked, token }: { method: string; asked: Asked; token: string | undefined },
  random: Random,
  harms: number,
): RawRequest {
  const whole: Parts = {
    method,
    target: asked.path,
    headers: [
      ...(token === undefined ? [] : [['authorization', `Bearer ${token}`] as const]),
      ...Object.entries(asked.headers ?? {}),
    ],
    payload: structuredClone(asked.payload),
    text: undefined,
  }
  let parts = whole
  for (let i = 0; i < harms; i += 1) parts = random.pick(waysOf(parts))(parts, random)
  const { payload, text } = parts
  const written = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const body = text ?? (written === undefined ? undefined : Buffer.from(written))
  const isTyped = parts.headers.some(([name]) => name === 'content-type')
  const type = body === undefined || isTyped ? [] : [['content-type', 'application/json'] as const]
  return { ...parts, headers: [...parts.headers, ...type], body }
}

type Parts = Omit<RawRequest, 'body'> & {
  readonly payload: unknown
  /** The body where it is bytes of no value. */
  readonly text: Buffer | undefined
}

type Way = (parts: Parts, random: Random) => Parts

/** A request with a body is harmed there in half of all cases. */
function waysOf({ payload }: Parts): Way[] {
  const others = [harmSegment, harmQuery, harmQuery, harmHeader, harmHeader, harmMethod]
  if (payload === undefined) return [...others, ...others, giveBody]
  const values = Array.from({ length: 12 }, () => harmValue)
  return [...others, ...values, harmText, harmText, harmText]
}

const harmMethod: Way = (parts, random) => ({ ...parts, method: random.pick(methods) })

/** Percent-encoded, so or as it is. */
function written(random: Random, text: string): string {
  const way = random.below(9)
  if (way === 0) return text
  const encoded = encodeURIComponent(text.isWellFormed() ? text : text.toWellFormed())
  if (way === 1) return encoded.replace(/[a-z]/gi, (one) => `%${one.charCodeAt(0).toString(16)}`)
  return encoded
}

const harmSegment: Way = (parts, random) => {
  const [path = '', ...query] = parts.target.split('?')
  const segments = path.split('/')
  const at = 1 + random.below(segments.length)
  const text = written(random, random.pick(texts))
  if (random.chance(80)) segments[Math.min(at, segments.length - 1)] = text
  else segments.splice(at, 0, text)
  return { ...parts, target: [segments.join('/'), ...query].join('?') }
}

const names = [
  ...[
    'employer',
    'period',
    'region',
    'limit',
    'before',
    'after',
    'on',
    'since',
    'line',
    'row',
    'count',
  ],
  ...[
    'format',
    'category',
    'filedBy',
    'returnTo',
    'code',
    'state',
    'x',
    '',
    '__proto__',
    planted.idNumber,
  ],
]

const harmQuery: Way = (parts, random) => {
  const { target } = parts
  const given = target.split('?')[1]?.split('&') ?? []
  const text = written(random, random.pick(texts))
  const mark = target.includes('?') ? '&' : '?'
  const act = random.below(3)
  if (act === 0 && given.length > 0) {
    const at = random.below(given.length)
    const [name] = (given[at] as string).split('=')
    const changed = given.with(at, `${name}=${text}`)
    return { ...parts, target: `${target.split('?')[0]}?${changed.join('&')}` }
  }
  if (act === 1 && given.length > 0) return { ...parts, target: `${target}&${random.pick(given)}` }
  const name = random.pick(names)
  const one = random.chance(15) ? `${name}[${text}]` : name
  return { ...parts, target: `${target}${mark}${written(random, one)}=${text}` }
}

const harmHeader: Way = (parts, random) => {
  const own = parts.headers.map(([name]) => name)
  const name = random.pick(random.chance(40) && own.length > 0 ? own : Object.keys(headers))
  const good = headers[name] ?? ['x']
  const value = random.chance(60) ? random.pick(good) : random.pick(texts).slice(0, 6_000)
  const others = parts.headers.filter(([one]) => one !== name)
  const before = parts.headers.filter(([one]) => one === name)
  const act = random.below(5)
  if (act === 0) return { ...parts, headers: others }
  // Twice: what was there with another, or one with itself.
  if (act === 1) return { ...parts, headers: [...others, ...before, [name, value], [name, value]] }
  if (act === 2) {
    const many = Array.from({ length: 300 }, (_, i) => [`x-${i}`, value.slice(0, 20)] as const)
    return random.chance(20) ? { ...parts, headers: [...parts.headers, ...many] } : parts
  }
  return { ...parts, headers: [...others, [name, value]] }
}

const harmValue: Way = (parts, random) =>
  typeof parts.payload === 'object'
    ? { ...parts, payload: harmed(parts.payload, random) }
    : { ...parts, payload: random.pick(texts) }

const harmText: Way = (parts, random) => {
  const { payload } = parts
  const text = typeof payload === 'string' ? payload : (JSON.stringify(payload) ?? '')
  return { ...parts, text: harmedBytes(text, random) }
}

const giveBody: Way = (parts, random) => ({
  ...parts,
  text: harmedBytes(JSON.stringify({ employer: planted.idNumber, name: planted.name }), random),
})

/** As it goes over the wire, on a connection of its own. */
export function bytesOf({ method, target, headers: given, body }: RawRequest): Buffer {
  const has = (name: string) => given.some(([one]) => one === name)
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has('host') ? [] : ['host: 127.0.0.1']),
    ...given.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined || has('content-length') || has('transfer-encoding')
      ? []
      : [`content-length: ${body.length}`]),
    'connection: close',
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body ?? Buffer.alloc(0)])
}
