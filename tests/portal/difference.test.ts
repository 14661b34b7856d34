/** What a correction is shown to change is what it changes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  amountDifferences,
  differenceOf,
  knownAs,
  type PersonChange,
  personKey,
} from '../../src/portal/filing/difference.ts'
import { standingOf } from '../../src/portal/filing/standing.ts'
import { type EditedLine, rowOf } from '../../src/portal/grid/row.ts'

const anyLine = fc.record({
  number: fc.integer({ min: 0, max: 12 }),
  name: fc.constantFrom('王伟', '李娜', '张<b>敏</b>'),
  wage: fc.constantFrom('3000.00', '6500.00', '9000.00'),
  change: fc.constantFrom('none', 'join', 'leave'),
})
type AnyLine = { number: number; name: string; wage: string; change: string }
const lineOf = ({ number, name, wage, change }: AnyLine): EditedLine => ({
  person: { idType: 'resident-id', idNumber: `1101051949123100${number}`, name },
  ...{ category: 'employee', wage, change },
})
const anyLines = fc
  .uniqueArray(anyLine, { selector: ({ number }) => number, maxLength: 10 })
  .map((all) => all.map(lineOf))

const sorted = (lines: readonly EditedLine[]) =>
  [...lines].sort((one, other) => (personKey(one) < personKey(other) ? -1 : 1))

/** What is in force, with what is shown done to it. */
function applied(inForce: readonly EditedLine[], persons: readonly PersonChange[]): EditedLine[] {
  const lines = new Map(inForce.map((line) => [personKey(line), line]))
  for (const one of persons) {
    if (one.kind !== 'added') expect(lines.get(personKey(one.before))).toEqual(one.before)
    if (one.kind !== 'added') lines.delete(personKey(one.before))
    if (one.kind !== 'removed') lines.set(personKey(one.after), one.after)
  }
  return [...lines.values()]
}

test('done to what is in force, the changes shown give what is filed, whoever is known from before', () => {
  fc.assert(
    fc.property(anyLines, anyLines, fc.infiniteStream(fc.boolean()), (inForce, filed, isKnown) => {
      const before = new Map(inForce.map((line) => [personKey(line), line]))
      // A row that was removed and typed again does not know what it was.
      const rows = filed.map((line) =>
        rowOf(line, isKnown.next().value === true ? before.get(personKey(line)) : undefined),
      )
      const { persons, added, removed, changed } = differenceOf(inForce, rows)
      expect(sorted(applied(inForce, persons))).toEqual(sorted(filed))
      expect(persons).toHaveLength(added + removed + changed)
    }),
  )
})

test('a correction that was kept, and read again, is the same correction', () => {
  fc.assert(
    fc.property(anyLines, anyLines, (inForce, filed) => {
      const before = new Map(inForce.map((line) => [personKey(line), line]))
      const rows = filed.map((line) => ({ line, before: before.get(personKey(line)) }))
      const [lines, copies] = structuredClone([inForce, rows])
      const rowsOf = (all: typeof rows) => all.map((row) => rowOf(row.line, row.before))
      const again = knownAs(lines, copies as typeof rows).map((row) => rowOf(row.line, row.before))
      const shown = ({ persons }: ReturnType<typeof differenceOf>) => persons
      expect(shown(differenceOf(lines, again))).toEqual(shown(differenceOf(inForce, rowsOf(rows))))
    }),
  )
})

test('a number that is mended is a change of that person, and nobody is added or removed', () => {
  const [line] = [lineOf({ number: 1, name: '王伟', wage: '6500.00', change: 'none' })]
  const mended = { ...line, person: { ...line.person, idNumber: '11010519491231002X' } }
  const { persons } = differenceOf([line], [rowOf(mended, line)])
  expect(persons).toEqual([{ kind: 'changed', before: line, after: mended }])
})

test('an insurance that only one of them has counts with nothing on the other side', () => {
  const amount = (insurance: string, fen: number) => ({
    ...{ insurance, baseFen: 0, employerFen: fen, employeeFen: 1 },
  })
  const [pension, injury] = amountDifferences(
    [amount('pension', 300)],
    [amount('pension', 250), amount('occupational-injury', 7)],
  )
  expect([pension?.before.employerFen, pension?.after.employerFen]).toEqual([300, 250])
  expect([injury?.before.employerFen, injury?.after.employerFen]).toEqual([0, 7])
})

test('of each region the latest declaration of the month stands, and none where that is a cancellation', () => {
  const filed = (id: string, region: string, kind: string, period = '2024-10') => ({
    ...{ id, region, kind, period },
  })
  const declarations = [
    filed('e', '340200', 'regular', '2024-11'),
    filed('d', '340100', 'correction'),
    filed('c', '340200', 'cancellation'),
    filed('b', '340200', 'regular'),
    filed('a', '340100', 'regular'),
  ]
  expect(standingOf(declarations, '2024-10').map(({ id }) => id)).toEqual(['d'])
})
