/** What an employer pays for its unit as a whole, where the declaration travels in parts: as in one piece. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { partKeyOf } from '../../src/batch/staging/prior-declaration.ts'
import { UnitParts } from '../../src/batch/staging/unit-parts.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import type { Declaration, Line } from '../../src/declaration/schema.ts'
import { declarationId } from '../../src/journal/digest.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { fileDeclaration } from '../../src/journal/filing.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { reassessAll } from '../../src/ledger/reassessment/reassess.ts'
import { explainedPartsMax, outdatedPageMax } from '../../src/limits.ts'
import { assessDeclaration } from '../../src/policy/assess.ts'
import { type ExplainedAssessment, explainAssessment } from '../../src/policy/explain.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'
import { openApp } from '../support/app.ts'
import { generator, type Journal, ledgerText, openJournal } from '../support/journal.ts'
import { anyLine, cut } from '../support/lines.ts'
import { madeUp, policiesOf, rulesIn } from '../support/packs.ts'

/** Sums of bases in all insurances but pension, in which the unit declares one; other limits and tariffs. */
const later: PolicyPack = {
  ...madeUp,
  limits: madeUp.limits.map((row) => ({ ...row, floor: '4900', ceiling: '9000.01' })),
  rounding: madeUp.rounding.map((row) => ({ ...row, scale: 0 as const })),
  platform: {
    tariffs: (madeUp.platform?.tariffs ?? []).map((row) => ({ ...row, perOrder: '0.000777' })),
  },
}
const policies = policiesOf(madeUp)

let journal: Journal
beforeAll(async () => {
  journal = await openJournal({ policies })
  await recordPacks(journal.pool, policies)
})
afterAll(() => journal.close())

function person(): Pick<Line, 'person'> {
  return { person: generator.person() }
}

function declarationOf(lines: readonly Line[]): Declaration {
  const header = { region: '999000', period: '2024-11', kind: 'regular' } as const
  return { employer: generator.employer(), ...header, unitBase: '99999999.99', lines: [...lines] }
}

/** The parts as a file's are made; without `headPays` as they were made before heads were told. */
function filingsOf(declaration: Declaration, parts: readonly Line[][], headPays = true): Filing[] {
  const { employer, period } = declaration
  const rules = rulesIn(madeUp, period)
  const key = { employer, period, region: '999000', entry: 0, key: 'file' }
  const unit = {
    ...key,
    id: declarationId(employer, period, 'file'),
    parts: parts.length,
    headPays,
  }
  const made = new UnitParts(unit)
  return parts.map((lines, i) => {
    const declared = { ...declaration, lines }
    return fileDeclaration({
      declaration: declared,
      rules,
      key: partKeyOf(key, i + 1, parts.length),
      acceptedAtMicros: rules.deadlineMicros - 1_000_000,
      part: made.next(declared, rules),
      expects: 'anything',
    })
  })
}

/** All amounts of a declaration's parts with their differences, by insurance, in fen. */
async function standing(id: string): Promise<object> {
  const { rows } = await journal.database.owner.query(
    `with part as (select envelope, position from ledger.declaration where id = $1 or part_of = $1)
     select insurance, sum(employer_fen)::float8 as employer, sum(employee_fen)::float8 as employee
     from ledger.amount
     where (envelope, position) in (
       select envelope, position from part
       union all
       select r.envelope, r.position
       from ledger.reassessment r
       join part on part.envelope = r.declaration_envelope and part.position = r.declaration_position
     )
     group by insurance having sum(employer_fen) <> 0 or sum(employee_fen) <> 0`,
    [id],
  )
  return Object.fromEntries(
    rows.map(({ insurance, employer, employee }) => [insurance, [employer, employee]]),
  )
}

function inOnePiece(declaration: Declaration, pack: PolicyPack): object {
  const { amounts } = assessDeclaration(declaration, rulesIn(pack, declaration.period))
  return Object.fromEntries(
    amounts
      .filter(({ employerFen, employeeFen }) => employerFen !== 0 || employeeFen !== 0)
      .map(({ insurance, employerFen, employeeFen }) => [insurance, [employerFen, employeeFen]]),
  )
}

/** Orders what a later pack changes, and posts it in the order that is given. */
async function reassess(pack: PolicyPack): Promise<bigint[]> {
  const changed = policiesOf(pack)
  await recordPacks(journal.pool, changed)
  const accept = journal.openWriter()
  const envelopes: bigint[] = []
  await reassessAll(
    {
      pool: journal.pool,
      sealingKeys: journal.keyring.sealingKeys,
      policies: changed,
      nowMicros: () => 1_760_000_000_000_000,
      acceptGroup: async (orders) => {
        const result = await accept(orders)
        if (result.envelope !== undefined) envelopes.push(result.envelope)
        return result
      },
      onChange: () => {},
      onSkipped: (id, reason) => {
        throw new Error(`${id}: ${reason}`)
      },
    },
    {
      region: '999000',
      from: '2024-11',
      to: '2024-11',
      policyHash: changed.current.get('999000')?.hash ?? '',
    },
  )
  return envelopes
}

test('the same as in one piece, in any order and repetition, and after a reassessment', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyLine, { minLength: 2, maxLength: 24 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
      fc.infiniteStream(fc.integer()),
      async (lines, sizes, random) => {
        const declaration = declarationOf(lines)
        const filings = filingsOf(declaration, cut(lines, sizes))
        const accept = journal.openWriter()
        const envelopes: bigint[] = []
        for (const filing of filings) envelopes.push((await accept([filing])).envelope as bigint)
        const shuffled = [...envelopes, ...envelopes]
          .map((envelope) => ({ envelope, at: random.next().value as number }))
          .sort((one, other) => one.at - other.at)
        for (const { envelope } of shuffled) await journal.post(envelope)
        const id = filings.at(-1)?.id as string
        expect(await standing(id)).toEqual(inOnePiece(declaration, madeUp))
        for (const envelope of (await reassess(later)).reverse()) await journal.post(envelope)
        expect(await standing(id)).toEqual(inOnePiece(declaration, later))
      },
    ),
    { numRuns: 25 },
  )
  const { rows } = await journal.database.owner.query('select from ledger.dead_letter')
  expect(rows).toEqual([])
})

test('its explanation is that of one piece, too, as far as so many parts can be read for an answer', async () => {
  const opened = await openApp(journal, {
    policies,
    clock: { nowMicros: instantMicros('2024-12-01', '10:00') },
  })
  const lines = Array.from({ length: explainedPartsMax + 2 }, (_, i): Line => {
    const at = { date: '2024-11-07', service: 'ride', orders: i + 1 }
    if (i % 2 === 0) return { ...person(), category: 'platform', days: [at] }
    return { ...person(), category: 'employee', change: 'none', wage: `${4_000 + i * 777}.01` }
  })
  const explained = async (sizes: readonly number[]) => {
    const declaration = declarationOf(lines)
    const filings = filingsOf(declaration, cut(lines, sizes))
    const accept = journal.openWriter()
    for (const filing of filings) await journal.post((await accept([filing])).envelope as bigint)
    for (const envelope of await reassess(later)) await journal.post(envelope)
    const url = `/v1/declarations/${filings.at(-1)?.id}/explanation`
    return (await opened.get(url, declaration.employer)).json<{
      explanation: ExplainedAssessment
      reassessments: { explanation?: ExplainedAssessment; notExplained?: { en: string } }[]
    }>()
  }
  const whole = (pack: PolicyPack) => {
    const [declaration, rules] = [declarationOf(lines), rulesIn(pack, '2024-11')]
    const assessment = assessDeclaration(declaration, rules)
    return explainAssessment(declaration, rules, assessment, { from: 0, count: 0 }).unit
  }
  const few = await explained([4])
  expect(few.explanation.unit).toEqual(whole(madeUp))
  expect(few.reassessments[0]?.explanation?.unit).toEqual(whole(later))
  const many = await explained([1])
  expect(many.explanation.unit).toEqual(whole(madeUp))
  expect(many.reassessments[0]?.notExplained?.en).toMatch(/more than 50000 lines/)
  expect(many.reassessments[0]?.explanation).toBeUndefined()
  await opened.close()
})

test('with more parts than are looked up at a time, it is reassessed in one run', async () => {
  const lines = Array.from({ length: outdatedPageMax + 2 }, (): Line => {
    return { ...person(), category: 'employee', change: 'none', wage: '4001.00' }
  })
  const declaration = declarationOf(lines)
  const filings = filingsOf(declaration, cut(lines, [1]))
  const { envelope } = await journal.openWriter()(filings)
  await journal.post(envelope as bigint)
  for (const order of await reassess(later)) await journal.post(order)
  expect(await standing(filings.at(-1)?.id as string)).toEqual(inOnePiece(declaration, later))
})

test('of what was filed before heads were told, each part pays for its own lines', async () => {
  const lines: Line[] = [4_321, 4_321, 4_321].map((wage) => ({
    ...person(),
    category: 'employee',
    change: 'none',
    wage: `${wage}.00`,
  }))
  const declaration = declarationOf(lines)
  const parts = cut(lines, [1])
  const filings = filingsOf(declaration, parts, false)
  const accept = journal.openWriter()
  for (const filing of filings) await journal.post((await accept([filing])).envelope as bigint)
  const each = parts.map((part) => inOnePiece({ ...declaration, lines: part }, madeUp))
  const [pension] = (each[0] as { pension: [number, number] }).pension
  expect(await standing(filings[2]?.id as string)).toMatchObject({
    pension: [3 * pension, expect.any(Number)],
  })
})

test('a part of the ledger that is rebuilt from the journal is the same', async () => {
  const before = await ledgerText(journal.database.owner)
  const { rows } = await journal.database.owner.query<{ envelope: string }>(
    'select envelope from ledger.posting order by envelope desc',
  )
  await journal.database.owner.query(
    'truncate ledger.posting, ledger.declaration, ledger.line, ledger.in_force, ledger.whole, ledger.reassessment, ledger.reassessment_line',
  )
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
  expect(await ledgerText(journal.database.owner)).toBe(before)
})
