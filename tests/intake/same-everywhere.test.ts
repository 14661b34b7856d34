/** Pre-check, intake and worker say the same about the same declaration. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { catalogue } from '../../src/declaration/catalogue/catalogue.ts'
import { formatFen } from '../../src/declaration/money.ts'
import { openApp } from '../support/app.ts'
import { type Journal, openJournal, policies } from '../support/journal.ts'
import { variedDeclaration } from '../support/varied.ts'

/** Ten thousand are for people: SAME_EVERYWHERE=10000. */
const count = Number(process.env.SAME_EVERYWHERE ?? 2_000)
const atATime = 100

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

type Finding = { code: keyof typeof catalogue; pointer: string }
type Told = {
  valid: boolean
  findings: Finding[]
  assessment: { amounts: object[]; policy: { hash: string; provisional: boolean } }
}

test('findings and amounts are the same in pre-check, intake and ledger, over generated declarations', {
  timeout: 120_000,
}, async () => {
  // 2026-11-23 in Shanghai.
  const opened = await openApp(journal, { policies, clock: { nowMicros: 1_795_000_000_000_000 } })
  const generator = createGenerator(91)
  // One for each: a second regular declaration of an employer and period would be refused.
  const employers = Array.from({ length: count }, () => generator.employer())
  const checked = new Map<string, Told>()
  let refused = 0
  for (let done = 0; done < count; done += atATime) {
    await Promise.all(
      Array.from({ length: atATime }, async (_, i) => {
        const employer = employers[(done + i) % employers.length] as string
        const declaration = variedDeclaration(generator, employer)
        const told = (await opened.check(declaration)).json<Told>()
        const answer = await opened.file(declaration, `same-${done + i}`)
        if (told.valid) {
          expect(answer.statusCode).toBe(202)
          checked.set(answer.json<{ id: string }>().id, told)
        } else {
          refused += 1
          expect(answer.statusCode).toBe(422)
          expect(answer.json<{ errors: Finding[] }>().errors).toEqual(told.findings)
        }
      }),
    )
  }
  // Both ways are well trodden.
  expect(refused).toBeGreaterThan(count / 10)
  expect(checked.size).toBeGreaterThan(count / 4)
  for (const envelope of opened.envelopes) await journal.post(envelope)
  await opened.close()
  const { rows } = await journal.database.owner.query<Row>(`
      select d.id, d.findings, d.policy_hash, d.provisional, (
        select json_agg(json_build_array(insurance, base_fen, employer_fen, employee_fen))
        from ledger.amount a
        where a.envelope = d.envelope and a.position = d.position
      ) as amounts
      from ledger.declaration d`)
  expect(rows).toHaveLength(checked.size)
  for (const { id, findings, amounts, policy_hash, provisional } of rows) {
    const told = checked.get(id)
    expect(findings).toBe(countsOf(told?.findings ?? []))
    expect(
      amounts.map(([insurance, ...fen]) => {
        const [base, employer, employee] = (fen as number[]).map(formatFen)
        return { insurance, base, employer, employee }
      }),
    ).toEqual(told?.assessment.amounts)
    expect(told?.assessment.policy).toMatchObject({ hash: policy_hash, provisional })
  }
})

type Row = {
  id: string
  findings: string
  policy_hash: string
  provisional: boolean
  amounts: [string, ...number[]][]
}

function countsOf(findings: readonly Finding[]): string {
  return Object.keys(catalogue)
    .flatMap((code) => {
      const { length } = findings.filter((finding) => finding.code === code)
      return length === 0 ? [] : [`${code} ${length}`]
    })
    .join(',')
}
