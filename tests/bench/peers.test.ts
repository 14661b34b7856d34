/**
 * What Spillway is compared to does the work: each peer, as processes of its own, posts every
 * declaration once, with the amounts and lines of Spillway's assessment.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { peerNames } from '../../bench/peers/catalogue.ts'
import { Servers } from '../../bench/peers/servers.ts'
import { System } from '../../bench/peers/system.ts'
import { prepareFilings } from '../../bench/support/filings.ts'
import { type Filing, nextFiling } from '../../bench/support/unique-filings.ts'
import { declarationId } from '../../src/journal/digest.ts'
import { readPolicies } from '../../src/platform/config/packs.ts'
import { checkFiling } from '../../src/policy/check.ts'
import { waitFor } from '../support/wait.ts'

const count = 200
const atATime = 20
const postMsMax = 40_000
const policies = readPolicies(undefined)
const servers = new Servers()
let filings: Filing[] = []

beforeAll(async () => {
  await servers.start()
  const made = await prepareFilings(servers, { employers: count })
  filings = Array.from({ length: count }, () => nextFiling(made))
})
afterAll(() => servers.stop())

/** The fen of a declaration, and of its lines, in the order of the ledger's columns. */
function assessed(body: string): { totals: string; lines: string[] } {
  const { valid } = checkFiling(JSON.parse(body), {
    policies,
    nowMicros: Date.now() * 1_000,
    keptMax: 0,
  })
  const { amounts, linesFen } = valid?.assess() ?? { amounts: [], linesFen: [] }
  const totals = amounts.flatMap((one) => [one.baseFen, one.employerFen, one.employeeFen])
  const perLine = linesFen.length / 5
  const lines = Array.from({ length: 5 }, (_, i) =>
    linesFen.slice(i * perLine, (i + 1) * perLine).join(),
  )
  return { totals: totals.join(), lines }
}

const columns = ['pension', 'medical', 'unemployment', 'work_injury']
  .flatMap((one) => ['base', 'employer', 'employee'].map((side) => `${one}_${side}_fen`))
  .join(', ')

test.each(peerNames)('%s posts each declaration once, as Spillway assesses it', async (name) => {
  const system = await System.start(name, servers)
  try {
    // The same filings twice, as from a filer who had no answer: of each, one declaration.
    const due = [...filings.entries(), ...filings.entries()].values()
    const file = async () => {
      for (const [i, { body, authorization }] of due) {
        const key = `key-${i}`
        const headers = {
          'content-type': 'application/json',
          'idempotency-key': key,
          authorization,
        }
        const url = `${system.address}/v1/declarations`
        const answer = await fetch(url, { method: 'POST', headers, body })
        expect(answer.status, await answer.text()).toBe(202)
      }
    }
    await Promise.all(Array.from({ length: atATime }, file))
    await waitFor(
      'everything posted',
      async () => {
        return (await system.posted()) >= count && (await system.held()).size === 0
      },
      postMsMax,
    )
    const { rows } = await system.owner.query<{ id: string; totals: string; lines: string[] }>(
      `select d.id, concat_ws(',', ${columns}) as totals, (
         select array_agg(concat_ws(',', wage_fen, ${columns}) order by line)
         from ledger.line l where l.envelope = d.envelope and l.position = d.position
       ) as lines
       from ledger.declaration d`,
    )
    const posted = rows.sort((one, other) => (one.id < other.id ? -1 : 1))
    const expected = filings
      .map(({ body }, i) => {
        const { employer, period } = JSON.parse(body)
        return { id: declarationId(employer, period, `key-${i}`), ...assessed(body) }
      })
      .sort((one, other) => (one.id < other.id ? -1 : 1))
    expect(posted).toEqual(expected)
    const inForce = await system.owner.query('select 1 from ledger.in_force')
    expect(inForce.rowCount).toBe(
      new Set(filings.map(({ body }) => JSON.parse(body).employer)).size,
    )
  } finally {
    await system.stop()
  }
})
