/** The same faulty filing, sent again and again, is answered with the same findings from memory. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refusedLatelyMax } from '../../../src/limits.ts'
import { openApp } from '../../support/app.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from '../../support/journal.ts'

const { deadlineMicros } = rulesOf('340100', '2024-11')
const clock = { nowMicros: deadlineMicros - 3_600 * 1_000_000 }
let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let checks = 0
beforeAll(async () => {
  journal = await openJournal()
  // Each check asks for the rules of a period: counted here.
  const counting = {
    ...policies,
    rulesFor: (region: string, period: string) => {
      checks += 1
      return policies.rulesFor(region, period)
    },
  }
  opened = await openApp(journal, { policies: counting, clock })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

const faulty = () => {
  const declaration = declare()
  const [line] = declaration.lines ?? []
  if (line === undefined) throw new Error('no line')
  return {
    ...declaration,
    lines: [{ ...line, person: { ...line.person, idNumber: '11010519491231002Y' } }],
  }
}
const refusalOf = (answer: { statusCode: number; json(): unknown }) => {
  const { traceId: _, ...problem } = answer.json() as { traceId: string }
  return { status: answer.statusCode, ...problem }
}

test('what was refused and comes again as it was is not checked again', async () => {
  const declaration = faulty()
  const first = refusalOf(await opened.file(declaration, 'again'))
  expect(first).toMatchObject({ status: 422, code: 'DECLARATION_INVALID', total: 1 })
  const before = checks
  expect(refusalOf(await opened.file(declaration, 'again'))).toEqual(first)
  expect(checks).toBe(before)
  // Other content, another key or another filer are checked.
  expect((await opened.file(faulty(), 'again')).statusCode).toBe(422)
  expect((await opened.file(declaration, 'another')).statusCode).toBe(422)
  expect(checks).toBeGreaterThan(before)
})

test('once it is mended, it is accepted under the same key', async () => {
  const declaration = declare()
  const wrong = { ...declaration, period: '2024-13' }
  expect((await opened.file(wrong, 'mended')).statusCode).toBe(422)
  expect((await opened.file(declaration, 'mended')).statusCode).toBe(202)
})

test('no more than so many are remembered', async () => {
  const first = faulty()
  await opened.file(first, 'many')
  for (let i = 0; i < refusedLatelyMax; i += 1) await opened.file(first, `many-${i}`)
  const before = checks
  await opened.file(first, 'many')
  expect(checks).toBeGreaterThan(before)
})
