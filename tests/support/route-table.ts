/** Every route of intake, with a request that it takes: what is not in here has no test of who may ask. */
import { randomUUID } from 'node:crypto'
import type { Act } from '../../src/intake/auth/roles.ts'
import { declare } from './journal.ts'

/** A filing of each request: of an employer and period one regular one is accepted. */
let months = 0
const anotherOf = (employer: string) => {
  months += 1
  const [year, month] = [2024 - Math.floor(months / 12), 12 - (months % 12)]
  return declare({ period: `${year}-${String(month).padStart(2, '0')}` }, { employer })
}

export type Ids = Readonly<Record<'declaration' | 'batch' | 'slot' | 'employer', string>>

export const absent: Omit<Ids, 'employer'> = {
  declaration: '202411-aaaaaaaaaaaaaaaaaaaaaaaaaa',
  batch: randomUUID(),
  slot: randomUUID(),
}
export type Asked = {
  readonly path: string
  readonly payload?: object | string
  readonly headers?: Record<string, string>
}

export type RouteRow = {
  /** Undefined: for anybody, without a token. */
  readonly act: Act | undefined
  /**
   * How what is beyond reach is refused: `named`, 403 as the request names the employer; `id`, 404; `list`,
   * nothing of it is listed. `owner` is `id` for what is a subject's own, of which staff have nothing.
   */
  readonly beyond: 'named' | 'id' | 'owner' | 'list'
  readonly ok: readonly number[]
  readonly ask: (ids: Ids) => Asked
}

const key = () => ({ 'idempotency-key': randomUUID() })
const file = { period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' }

const at =
  (what: 'declaration' | 'batch' | 'slot', prefix: string, rest = '') =>
  (ids: Ids): Asked => ({ path: `${prefix}/${ids[what]}${rest}` })
const anybody = (path: string): RouteRow => ({
  ...{ act: undefined, beyond: 'list', ok: [200], ask: () => ({ path }) },
})

/** What a test made: its own things, and a batch that has ended, with the mark of its last event. */
export type Made = {
  readonly own: () => Ids
  readonly ended: () => { readonly batch: string; readonly mark: string }
}

export const routeTable = ({ own, ended }: Made): Record<string, RouteRow> => ({
  'POST /v1/declarations': {
    ...{ act: 'file', beyond: 'named', ok: [202] },
    ask: (ids) => ({
      ...{ path: '/v1/declarations', payload: anotherOf(ids.employer), headers: key() },
    }),
  },
  'POST /v1/declarations/check': {
    ...{ act: 'file', beyond: 'named', ok: [200] },
    ask: (ids) => ({ path: '/v1/declarations/check', payload: anotherOf(ids.employer) }),
  },
  'GET /v1/declarations': {
    ...{ act: 'look', beyond: 'named', ok: [200] },
    ask: (ids) => ({ path: `/v1/declarations?employer=${ids.employer}` }),
  },
  'GET /v1/declarations/:id': {
    ...{ act: 'look', beyond: 'id', ok: [200], ask: at('declaration', '/v1/declarations') },
  },
  'GET /v1/declarations/:id/receipt': {
    ...{ act: 'look', beyond: 'id', ok: [200] },
    ask: at('declaration', '/v1/declarations', '/receipt'),
  },
  'GET /v1/declarations/:id/amounts': {
    ...{ act: 'open', beyond: 'id', ok: [200] },
    ask: at('declaration', '/v1/declarations', '/amounts'),
  },
  'GET /v1/declarations/:id/explanation': {
    ...{ act: 'open', beyond: 'id', ok: [200] },
    ask: at('declaration', '/v1/declarations', '/explanation'),
  },
  'POST /v1/batches': {
    ...{ act: 'file', beyond: 'named', ok: [201] },
    ask: ({ employer }) => ({
      ...{ path: '/v1/batches', payload: { ...file, employer }, headers: key() },
    }),
  },
  'GET /v1/batches': {
    ...{ act: 'look', beyond: 'list', ok: [200], ask: () => ({ path: '/v1/batches' }) },
  },
  'GET /v1/batches/:id': {
    ...{ act: 'look', beyond: 'owner', ok: [200], ask: at('batch', '/v1/batches') },
  },
  'GET /v1/batches/:id/receipt': {
    ...{ act: 'look', beyond: 'owner', ok: [404], ask: at('batch', '/v1/batches', '/receipt') },
  },
  'GET /v1/batches/:id/declarations': {
    ...{ act: 'look', beyond: 'owner', ok: [200] },
    ask: at('batch', '/v1/batches', '/declarations'),
  },
  'GET /v1/batches/:id/errors': {
    ...{ act: 'open', beyond: 'owner', ok: [409], ask: at('batch', '/v1/batches', '/errors') },
  },
  'GET /v1/batches/:id/events': {
    ...{ act: 'look', beyond: 'owner', ok: [204] },
    // All was told of it: the stream would go on else.
    ask: (ids) => ({
      path: `/v1/batches/${ids.batch === own().batch ? ended().batch : ids.batch}/events`,
      headers: { 'last-event-id': ended().mark },
    }),
  },
  'HEAD /v1/batches/:id/file': {
    ...{ act: 'file', beyond: 'owner', ok: [200], ask: at('batch', '/v1/batches', '/file') },
  },
  'PATCH /v1/batches/:id/file': {
    ...{ act: 'file', beyond: 'owner', ok: [204] },
    ask: ({ batch }) => ({
      path: `/v1/batches/${batch}/file`,
      payload: '',
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
    }),
  },
  'DELETE /v1/batches/:id/file': {
    ...{ act: 'file', beyond: 'owner', ok: [204], ask: at('batch', '/v1/batches', '/file') },
  },
  'DELETE /v1/batches/:id': {
    ...{ act: 'file', beyond: 'owner', ok: [204], ask: at('batch', '/v1/batches') },
  },
  'POST /v1/slots': {
    ...{ act: 'file', beyond: 'named', ok: [201] },
    ask: ({ employer }) => ({
      path: '/v1/slots',
      payload: { employer, rows: 1, period: '2024-11', region: '340100' },
    }),
  },
  'GET /v1/slots': {
    ...{ act: 'look', beyond: 'list', ok: [200], ask: () => ({ path: '/v1/slots' }) },
  },
  'GET /v1/slots/:id': {
    ...{ act: 'look', beyond: 'owner', ok: [200], ask: at('slot', '/v1/slots') },
  },
  'DELETE /v1/slots/:id': {
    ...{ act: 'file', beyond: 'owner', ok: [204], ask: at('slot', '/v1/slots') },
  },
  'OPTIONS /v1/batches': { ...anybody('/v1/batches'), ok: [204] },
  'OPTIONS /v1/batches/:id/file': { ...anybody(`/v1/batches/${absent.batch}/file`), ok: [204] },
  'GET /v1/batches/template': anybody('/v1/batches/template?format=csv'),
  'GET /v1/employers/:uscc/draft': {
    ...{ act: 'file', beyond: 'named', ok: [200] },
    ask: ({ employer }) => ({
      path: `/v1/employers/${employer}/draft?period=2024-12&region=340100`,
    }),
  },
  'GET /': anybody('/'),
  'GET /verify': { ...anybody('/verify'), ok: [404] }, // no portal was built
  'GET /assets/:file': { ...anybody('/assets/main-Ab12.js'), ok: [404] },
  'GET /sw.js': { ...anybody('/sw.js'), ok: [404] },
  'GET /manifest.webmanifest': { ...anybody('/manifest.webmanifest'), ok: [404] },
  'GET /favicon.svg': { ...anybody('/favicon.svg'), ok: [404] },
  'GET /icons/:file': { ...anybody('/icons/icon.png'), ok: [404] },
  // Of who asks alone (sessions.test.ts, sign-in.test.ts).
  'GET /session': anybody('/session'),
  'POST /session/renew': { ...anybody('/session/renew'), ok: [403] },
  'POST /session/end': { ...anybody('/session/end'), ok: [403] },
  'GET /sign-in': { ...anybody('/sign-in'), ok: [404] },
  'GET /sign-in/callback': { ...anybody('/sign-in/callback'), ok: [404] },
  'POST /sign-in': {
    ...{ ...anybody('/sign-in'), ok: [404] },
    ask: () => ({
      ...{ path: '/sign-in', payload: 'name=x' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
  },
  'GET /v1/policies': anybody('/v1/policies'),
  'GET /v1/policies/:region/pack': anybody('/v1/policies/340100/pack'),
  'GET /v1/policies/:region/changes': anybody('/v1/policies/340100/changes?since=2024-01-01'),
  'GET /v1/policies/:region': anybody('/v1/policies/340100?on=2024-11-01'),
  'GET /v1/findings/:code': anybody('/v1/findings/NOT_FOUND'),
  'GET /v1/service/status': anybody('/v1/service/status'),
  'GET /.well-known/jwks.json': anybody('/.well-known/jwks.json'),
  'GET /livez': anybody('/livez'),
  'GET /readyz': anybody('/readyz'),
})
