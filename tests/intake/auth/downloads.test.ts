/** What is fetched for long, and its holder is denied meanwhile: nothing more is sent, and it is seen to break off. */
import type pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { runSteps } from '../../../src/batch/worker/batch-worker.ts'
import { instantMicros } from '../../../src/declaration/period.ts'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { tokenKeys } from '../../../src/intake/auth/token-keys.ts'
import { addDenial } from '../../../src/journal/denials.ts'
import { partLinesMax } from '../../../src/limits.ts'
import { readTokenPublicKeys } from '../../../src/platform/config/key-store.ts'
import { csvOf, employersOf, type Row, rowsOf } from '../../batch/support.ts'
import {
  claim,
  dependencies,
  journal,
  postAll,
  receiveFile,
  useJournal,
  wrongNumber,
} from '../../batch/work-support.ts'
import { openApp } from '../../support/app.ts'
import { tokenFor } from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { openLetIn } from '../../support/let-in.ts'
import { waitFor } from '../../support/wait.ts'

useJournal()

const subject = 'bureau'
const ends: (() => Promise<void> | void)[] = []
let opened: Awaited<ReturnType<typeof openApp>>
let employer: string
let ids: Record<'declaration' | 'batch', string>
/** Called before each statement that lookups run. */
let beforeQuery: () => Promise<void>
let isKnown: (token: string) => boolean

beforeAll(async () => {
  const keys = tokenKeys({ readPublicJwk: () => readTokenPublicKeys(inject('keyringFile')) })
  const { authenticator } = await openLetIn(journal.pool, ends, { keys })
  isKnown = (token) => authenticator.recall(token) !== undefined
  const query = async (asked: string) => {
    await beforeQuery()
    return journal.readPool.query(asked)
  }
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  const readPool = { query } as unknown as pg.Pool
  opened = await openApp(journal, {
    policies: dependencies().policies,
    clock,
    readPool,
    authenticator,
  })
  const rows = rowsOf(partLinesMax + 3)
  const [first, second, ...others] = rows as [Row, Row, ...Row[]]
  employer = first[0]
  const file = csvOf([first, wrongNumber(second), ...others])
  const batch = await receiveFile(file, { format: 'csv', mayFileFor: employersOf(rows), subject })
  await runSteps(dependencies(), await claim())
  await postAll()
  const { rows: found } = await journal.pool.query<{ id: string }>(
    'select id from journal.acceptance where part_of is null',
  )
  ids = { declaration: found[0]?.id as string, batch }
})
afterAll(async () => {
  await opened.close()
  for (const end of ends) await end()
})

test.each([
  ['amounts as CSV', 'GET', () => `/v1/declarations/${ids.declaration}/amounts?format=csv`],
  ['amounts as JSON', 'GET', () => `/v1/declarations/${ids.declaration}/amounts`],
  ['a draft', 'GET', () => `/v1/employers/${employer}/draft?period=2024-12`],
  ['rows to mend as CSV', 'GET', () => `/v1/batches/${ids.batch}/errors?format=csv`],
  ['rows to mend as XLSX', 'GET', () => `/v1/batches/${ids.batch}/errors?format=xlsx`],
] as const)('%s', async (_, method, urlOf) => {
  const token = await tokenFor([employer], { subject })
  const fetchIt = () =>
    opened.app
      .inject({ method, url: urlOf(), headers: { authorization: `Bearer ${token}` } })
      .catch(() => 'broken off' as const)
  let queries = 0
  beforeQuery = async () => {
    queries += 1
  }
  const whole = await fetchIt()
  expect(whole).toMatchObject({ statusCode: 200 })
  // Before the last statement, whose rows are then not sent.
  let left = queries
  const deny = { claim: 'sub', value: subject, issuer: '', operator: 'Li', reason: 'r' } as const
  beforeQuery = async () => {
    left -= 1
    if (left !== 0) return
    await addDenial(journal.pool, { act: 'deny', ...deny })
    await waitFor('the denial', () => !isKnown(token))
  }
  try {
    const cut = await fetchIt()
    expect(left).toBe(0)
    if (cut === 'broken off') return
    expect([cut.statusCode, cut.json().code]).toEqual([401, 'TOKEN_WITHDRAWN'])
  } finally {
    await addDenial(journal.database.owner, { act: 'lift', ...deny })
    const next = await tokenFor([employer], { subject })
    beforeQuery = async () => {}
    await waitFor('it to be lifted', async () => {
      const headers = { authorization: `Bearer ${next}` }
      return (await opened.app.inject({ url: '/v1/batches', headers })).statusCode === 200
    })
  }
})

test.each([
  [
    'a declaration',
    async (of: Declaration) => {
      const { id } = (await opened.file(of, 'waits')).json<{ id: string }>()
      return `/v1/declarations/${id}`
    },
  ],
  [
    'a file',
    async ({ employer: own }: Declaration, subject: string) => {
      const file = csvOf(rowsOf(1).map(([, ...row]): Row => [own, ...row] as Row))
      const id = await receiveFile(file, { format: 'csv', mayFileFor: [own], subject })
      return `/v1/batches/${id}`
    },
  ],
] as const)(
  'the status of %s that somebody waits for is not told to a holder who was denied meanwhile',
  async (name, make) => {
    const declaration = declare()
    const subject = `waits for ${name}`
    beforeQuery = async () => {}
    const url = await make(declaration, subject)
    const token = await tokenFor([declaration.employer], { subject })
    let isDenied = false
    beforeQuery = async () => {
      if (isDenied) return
      isDenied = true
      const deny = { act: 'deny', claim: 'sub', value: subject, issuer: '' } as const
      await addDenial(journal.pool, { ...deny, operator: 'Li', reason: 'r' })
      await waitFor('the denial', () => !isKnown(token))
    }
    const headers = { authorization: `Bearer ${token}`, prefer: 'wait=1' }
    const answer = await opened.app.inject({ url, headers })
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'TOKEN_WITHDRAWN'])
  },
)
