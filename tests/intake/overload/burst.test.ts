/** A burst on an idle engine waits in line: 900 filings at once, over as many connections. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApp } from '../../support/app.ts'
import { tokenFor } from '../../support/engine.ts'
import { declare, generator, openJournal, policies, rulesOf } from '../../support/journal.ts'

const employers = Array.from({ length: 90 }, () => generator.employer())
const periods = Array.from(
  { length: 10 },
  (_, month) => `2024-${String(month + 1).padStart(2, '0')}`,
)

let journal: Awaited<ReturnType<typeof openJournal>>
let intake: Awaited<ReturnType<typeof openApp>>
let address: string
beforeAll(async () => {
  journal = await openJournal()
  const nowMicros = rulesOf('340100', '2024-11').deadlineMicros - 3_600_000_000
  intake = await openApp(journal, { policies, clock: { nowMicros } })
  address = await intake.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await intake.close()
  await journal.close()
})

test('900 filings of one filer at once are all in with two tries at most, each when it was told', async () => {
  const authorization = `Bearer ${await tokenFor(employers)}`
  const declarations = employers.flatMap((employer) =>
    periods.map((period) => declare({ employer, period, lines: 1 })),
  )
  const tries = await Promise.all(
    declarations.map(async (declaration, i) => {
      for (let count = 1; ; count += 1) {
        const answer = await fetch(`${address}/v1/declarations`, {
          method: 'POST',
          headers: {
            authorization,
            'content-type': 'application/json',
            'idempotency-key': `burst-${i}`,
          },
          body: JSON.stringify(declaration),
        })
        const text = await answer.text()
        if (answer.status === 202) return count
        expect([429, 503], text).toContain(answer.status)
        const seconds = Number(answer.headers.get('retry-after'))
        expect(seconds).toBeGreaterThanOrEqual(1)
        await pause(1_000 * seconds)
      }
    }),
  )
  expect(tries).toHaveLength(900)
  expect(Math.max(...tries)).toBeLessThanOrEqual(2)
})
