/** A second regular declaration of an employer and period: refused with what stands, and told so. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instantMicros } from '../../src/declaration/period.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { openApp } from '../support/app.ts'
import { declare, type Journal, openJournal } from '../support/journal.ts'
import { hefei, policiesOf, wuhu } from '../support/packs.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
beforeAll(async () => {
  journal = await openJournal()
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  opened = await openApp(journal, { policies: policiesOf(hefei, wuhu), clock })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

type Accepted = { id: string; acceptedAt: string }
type Problem = {
  code: string
  total: number
  errors: { code: string; pointer: string; message: Record<string, string> }[]
  findings: { code: string }[]
  standing?: object
}

async function accept(declaration: Declaration, key: string): Promise<Accepted> {
  const answer = await opened.file(declaration, key)
  expect(answer.statusCode, answer.body).toBe(202)
  return answer.json<Accepted>()
}

const another = ({ employer }: Declaration, more: Partial<Declaration> = {}) =>
  declare({ employer, lines: 3 }, more)

test('the refusal tells which declaration stands, since when, of how many persons, and the ways on', async () => {
  const declaration = declare({ lines: 2 })
  const { id, acceptedAt } = await accept(declaration, 'first')
  const answer = await opened.file(another(declaration), 'second')
  expect(answer.statusCode).toBe(409)
  expect(answer.json<Problem>()).toMatchObject({
    type: '/v1/findings/DECLARATION_STANDS',
    code: 'DECLARATION_STANDS',
    total: 1,
    errors: [{ code: 'DECLARATION_STANDS', pointer: '/kind' }],
    standing: {
      ...{ id, acceptedAt, kind: 'regular', persons: 2, sameContent: false },
      links: { self: `/v1/declarations/${id}`, receipt: `/v1/declarations/${id}/receipt` },
    },
  })
  const [told] = answer.json<Problem>().errors
  for (const language of ['zh-CN', 'en']) {
    expect(told?.message[language]).toContain(id)
    expect(told?.message[language]).toContain(acceptedAt)
    expect(told?.message[language]).toMatch(/2 人|2 insured persons/)
  }
  expect(JSON.stringify(told)).toMatch(/correction.*addition.*cancellation/)
  expect(JSON.stringify(told)).not.toMatch(/\{\w+\}|undefined/)
  const correction = another(declaration, { kind: 'correction', replaces: id })
  await accept(correction, 'correction')
})

test('the same content is told as filed already, with its receipt', async () => {
  const declaration = declare()
  const { id } = await accept(declaration, 'first')
  const answer = await opened.file(declaration, 'second')
  expect(answer.statusCode).toBe(409)
  expect(answer.json<Problem>()).toMatchObject({
    code: 'ALREADY_FILED',
    standing: { id, sameContent: true, links: { receipt: `/v1/declarations/${id}/receipt` } },
  })
})

test('a replay gets the same bytes, also after something else came to stand', async () => {
  const declaration = declare()
  const first = await opened.file(declaration, 'mine')
  const { id } = first.json<Accepted>()
  await accept(another(declaration, { kind: 'correction', replaces: id }), 'correction')
  const again = await opened.file(declaration, 'mine')
  expect([again.statusCode, again.body]).toEqual([202, first.body])
  expect(again.headers['idempotency-replayed']).toBe('true')
  const other = await opened.file(another(declaration), 'mine')
  expect([other.statusCode, other.json<Problem>().code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
})

/** A warning may be beside it: wages are random. */
const codesOfReplaces = ({ findings }: Problem) =>
  findings.map(({ code }) => code).filter((code) => code.startsWith('REPLACES_'))

test('a correction of what another one replaced is told what stands, beside other faults and in the check, too', async () => {
  const declaration = declare()
  const { id: first } = await accept(declaration, 'first')
  const correction = (replaces: string) => another(declaration, { kind: 'correction', replaces })
  const made = correction(first)
  const { id: second } = await accept(made, 'second')
  const { employer, region, period } = declaration
  const cancellation = { employer, region, period, kind: 'cancellation', replaces: first } as const
  for (const [i, stale] of [correction(first), cancellation].entries()) {
    const answer = await opened.file(stale as Declaration, `stale-${i}`)
    expect(answer.statusCode).toBe(409)
    const problem = answer.json<Problem>()
    expect(problem).toMatchObject({
      code: 'REPLACES_SUPERSEDED',
      standing: { id: second, kind: 'correction', sameContent: false },
      errors: [{ code: 'REPLACES_SUPERSEDED', pointer: '/replaces' }],
    })
    for (const language of ['zh-CN', 'en'])
      expect(problem.errors[0]?.message[language]).toContain(second)
    const checked = (await opened.check(stale as Declaration)).json<Problem>()
    expect(codesOfReplaces(checked)).toEqual(['REPLACES_SUPERSEDED'])
  }
  const faulty = { ...correction(first), workInjuryFloat: 90 } as Declaration
  const beside = await opened.file(faulty, 'faulty')
  expect(beside.statusCode).toBe(422)
  const { errors, standing } = beside.json<Problem>()
  expect(errors.map(({ code }) => code).sort()).toEqual([
    'FLOAT_NOT_OFFERED',
    'REPLACES_SUPERSEDED',
  ])
  expect(standing).toMatchObject({ id: second })
  const again = await opened.file(made, 'another-key')
  expect(again.json<Problem>()).toMatchObject({ code: 'ALREADY_FILED', standing: { id: second } })
  await accept(correction(second), 'third')
})

test('after a cancellation a regular one is welcome', async () => {
  const declaration = declare()
  const { employer, region, period } = declaration
  const { id } = await accept(declaration, 'first')
  const cancellation = { employer, region, period, kind: 'cancellation', replaces: id } as const
  await accept(cancellation, 'cancellation')
  await accept(another(declaration), 'second')
  expect((await opened.file(another(declaration), 'third')).statusCode).toBe(409)
})

test('an employer with branches in two regions files for each; each corrects its own', async () => {
  const declaration = declare()
  const { employer } = declaration
  const inWuhu = another(declaration, { region: '340200' })
  const { id: first } = await accept(declaration, 'hefei')
  const { id: second } = await accept(inWuhu, 'wuhu')
  const refused = await opened.file(another(declaration, { region: '340200' }), 'wuhu-again')
  expect(refused.json<Problem>()).toMatchObject({
    code: 'DECLARATION_STANDS',
    standing: { id: second },
  })
  const correction = { ...inWuhu, kind: 'correction', replaces: first } as const
  const wrong = await opened.file(correction, 'correction')
  expect(wrong.statusCode).toBe(422)
  const [told] = wrong.json<Problem>().errors
  expect(told).toMatchObject({ code: 'REPLACES_OTHER_REGION', pointer: '/replaces' })
  for (const language of ['zh-CN', 'en']) expect(told?.message[language]).toContain('340100')
  const checked = (await opened.check(correction)).json<Problem>()
  expect(codesOfReplaces(checked)).toEqual(['REPLACES_OTHER_REGION'])
  await accept({ ...correction, replaces: second }, 'correction')
  const list = async (query: string) => {
    const answer = await opened.get(`/v1/declarations?employer=${employer}${query}`, employer)
    return answer.json<{ declarations: { region: string }[] }>().declarations
  }
  const regions = (await list('')).map(({ region }) => region)
  expect(regions).toEqual(['340200', '340200', '340100'])
  expect(await list('&region=340100')).toMatchObject([{ id: first, region: '340100' }])
})

describe('beside other faults', () => {
  const faulty = (declaration: Declaration): Declaration =>
    ({
      ...another(declaration),
      industryClass: 5,
      workInjuryFloat: true,
    }) as unknown as Declaration

  test('it is one of the findings, and is looked up anew each time', async () => {
    const declaration = declare()
    const before = await opened.file(faulty(declaration), 'faulty')
    expect(before.statusCode).toBe(422)
    expect(before.json<Problem>().standing).toBeUndefined()
    const corrected = declare()
    const { id } = await accept(corrected, 'first')
    for (let i = 0; i < 2; i += 1) {
      const answer = await opened.file(faulty(corrected), 'faulty')
      expect(answer.statusCode).toBe(422)
      const { code, errors, standing } = answer.json<Problem>()
      expect(code).toBe('DECLARATION_INVALID')
      expect(errors.map((one) => one.code)).toContain('DECLARATION_STANDS')
      expect(errors.length).toBeGreaterThan(1)
      expect(standing).toMatchObject({ id })
    }
  })

  test('the pre-check tells it, too', async () => {
    const declaration = declare()
    const codesOf = async (checked: Declaration) => {
      const { valid, findings } = (await opened.check(checked)).json<Problem & { valid: boolean }>()
      return [valid, findings.map(({ code }) => code).filter((code) => /STANDS|FILED/.test(code))]
    }
    expect(await codesOf(declaration)).toEqual([true, []])
    const { id } = await accept(declaration, 'first')
    expect(await codesOf(declaration)).toEqual([false, ['ALREADY_FILED']])
    expect(await codesOf(another(declaration))).toEqual([false, ['DECLARATION_STANDS']])
    expect(await codesOf(faulty(declaration))).toEqual([false, ['DECLARATION_STANDS']])
    const correction = another(declaration, { kind: 'correction', replaces: id })
    expect(await codesOf(correction)).toEqual([true, []])
  })
})

test('of what was accepted before persons were counted, the ledger knows how many', async () => {
  const declaration = declare({ lines: 4 })
  const { id } = await accept(declaration, 'first')
  await journal.database.owner.query('update journal.acceptance set lines = null where id = $1', [
    id,
  ])
  const personsOf = async (key: string) =>
    (await opened.file(another(declaration), key)).json<Problem>().standing
  expect(await personsOf('before')).not.toHaveProperty('persons')
  for (const envelope of opened.envelopes.splice(0)) await journal.post(envelope)
  expect(await personsOf('after')).toMatchObject({ persons: 4 })
})
