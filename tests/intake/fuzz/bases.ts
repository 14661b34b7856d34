/** What is harmed: of each route a request that it takes, with somebody in it who must come out nowhere. */
import type { Asked, Ids, RouteRow, routeTable } from '../../support/route-table.ts'
import { planted, type Random } from './hostile.ts'

export type Base = { readonly name: string; readonly method: string; readonly asked: Asked }

/** A declaration's first line is of the planted person. */
export function withPlanted<T extends object>(payload: T): T {
  const { lines } = payload as { lines?: readonly { person?: object }[] }
  if (lines === undefined) return payload
  const [first, ...others] = structuredClone(lines)
  return { ...payload, lines: [{ ...first, person: { ...first?.person, ...planted } }, ...others] }
}

/** Where bodies are taken, most can be wrong: these come more often. */
const timesWithBody = 4

export function* basesOf(
  table: ReturnType<typeof routeTable>,
  own: Ids,
  random: Random,
): Generator<Base> {
  for (const [name, row] of Object.entries(table)) {
    const [method = ''] = name.split(' ')
    const hasBody = typeof row.ask(own).payload === 'object'
    for (let i = 0; i < (hasBody ? timesWithBody : 1); i += 1)
      yield { name, method, asked: filled(row.ask(own), random) }
  }
  for (const asked of files(own, random))
    yield { name: 'POST /v1/batches as a file', method: 'POST', asked }
}

/** Of a period that stands in no other's way, mostly. */
function filled(asked: ReturnType<RouteRow['ask']>, random: Random): Asked {
  const { payload } = asked
  if (typeof payload !== 'object' || !('lines' in payload)) return asked
  const period = `2024-${String(1 + random.below(11)).padStart(2, '0')}`
  return { ...asked, payload: { ...withPlanted(payload), period } }
}

/** The two ways to begin a batch that are no JSON: a form with the file, and tus. */
function files({ employer }: Ids, random: Random): Asked[] {
  const members = { employer, period: '2024-11', region: '340100', kind: 'regular', mode: 'check' }
  const rows = `证件号码,姓名,缴费工资\r\n${planted.idNumber},${planted.name},6500.00\r\n`
  const fields = Object.entries(members).map(
    ([name, value]) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const file = `--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\ncontent-type: text/csv\r\n\r\n${rows}\r\n--b--\r\n`
  const key = { 'idempotency-key': `form-${random.below(2 ** 31)}` }
  const metadata = Object.entries({ ...members, filename: `${planted.name}.csv` })
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',')
  const form = { ...key, 'content-type': 'multipart/form-data; boundary=b' }
  const tus = {
    ...key,
    'tus-resumable': '1.0.0',
    'upload-length': '9',
    'upload-metadata': metadata,
  }
  return [
    { path: '/v1/batches', payload: [...fields, file].join(''), headers: form },
    { path: '/v1/batches', headers: tus },
  ]
}
