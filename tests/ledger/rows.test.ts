/** Rows for COPY: each amount stands in the column that is named after it. */
import { expect, inject, test } from 'vitest'
import type { AcceptedDeclaration } from '../../src/journal/reading/read.ts'
import { createPersonIndex } from '../../src/ledger/person.ts'
import { prepareDeclaration } from '../../src/ledger/prepare.ts'
import { copiesOf } from '../../src/ledger/rows.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { lineStride } from '../../src/policy/assess.ts'
import { declare, filingOf, policies, rulesOf } from '../support/journal.ts'

/** The rows of a COPY by the names of its columns. */
function namedRows(statement: string, text: string): Record<string, string>[] {
  const columns = (/\(([^)]*)\)/.exec(statement)?.[1] ?? '').split(',').map((name) => name.trim())
  return text
    .trimEnd()
    .split('\n')
    .map((row) => {
      const values = row.split('\t')
      expect(values).toHaveLength(columns.length)
      return Object.fromEntries(columns.map((name, i) => [name, values[i] as string]))
    })
}

test('each amount of a declaration and of its lines goes into the column of its own name', () => {
  const { lines = [], ...header } = declare({ lines: 3 })
  const [one] = lines
  if (one === undefined) throw new Error('no line')
  const flexible = { category: 'flexible', person: one.person, base: '4227.00', change: 'none' }
  const declaration = { ...header, lines: [...lines, { ...flexible, medical: 'with-account' }] }
  const filed = declaration as unknown as AcceptedDeclaration['declaration']
  const { id, acceptedAtMicros } = filingOf(filed, 'key')
  const policyHash = rulesOf(header.region, header.period).hash
  const personIndex = createPersonIndex(readKeyring(inject('keyringFile')).blindIndexSecret)
  const accepted = { id, position: 0, declaration: filed, acceptedAtMicros, policyHash }
  const prepared = prepareDeclaration(
    { policies, personIndex },
    1n,
    accepted as unknown as AcceptedDeclaration,
  )
  const { statements, texts } = copiesOf([prepared])
  const [declarations, lineRows] = statements.map((sql, i) => namedRows(sql, texts[i] as string))
  const { amounts, linesFen } = prepared.assessment
  expect(amounts.map(({ insurance }) => insurance)).toEqual(insurances)
  for (const { insurance, baseFen, employerFen, employeeFen } of amounts) {
    const name = insurance.replace('-', '_')
    expect(declarations?.[0]).toMatchObject({
      [`${name}_base_fen`]: `${baseFen}`,
      [`${name}_employer_fen`]: `${employerFen}`,
      [`${name}_employee_fen`]: `${employeeFen}`,
    })
    const sumOf = (column: string) =>
      lineRows?.reduce((sum, row) => sum + Number(row[`${name}_${column}_fen`]), 0)
    expect([sumOf('base'), sumOf('employee')]).toEqual([baseFen, employeeFen])
  }
  expect(lineRows?.map(({ wage_fen }) => Number(wage_fen))).toEqual(
    lineRows?.map((_, i) => linesFen[i * lineStride]),
  )
  // A flexible worker pays pension and medical insurance alone, and nothing else.
  const own = Object.entries(lineRows?.[3] ?? {}).filter(
    ([name, value]) => name.endsWith('_fen') && value !== '0',
  )
  expect(own.map(([name]) => name).sort()).toEqual([
    'medical_base_fen',
    'medical_employee_fen',
    'pension_base_fen',
    'pension_employee_fen',
    'wage_fen',
  ])
})

const insurances = expect.arrayContaining(['pension', 'medical', 'unemployment', 'work-injury'])
