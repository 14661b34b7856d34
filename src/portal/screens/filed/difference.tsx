/** What a correction changes against what is in force: persons, and amounts by insurance and side. */
import { useMemo, useState } from 'preact/hooks'
import type { Corrected } from '../../filing/desk.ts'
import {
  type AmountDifference,
  amountDifferences,
  type Difference,
  differenceOf,
  type PersonChange,
} from '../../filing/difference.ts'
import { amountText } from '../../grid/grid-row.tsx'
import type { EditedLine, Row } from '../../grid/row.ts'
import type { Checked } from '../../rules/protocol.ts'
import { texts } from '../../texts/texts.ts'
import { grouped, signedFen, yuanOf } from '../../ui/money.ts'
import { type Say, useSay } from '../../ui/say.ts'
import { insuranceName } from '../amounts.tsx'
import { shownValue } from '../findings.tsx'

export function useDifference(
  corrects: Corrected | undefined,
  rows: readonly Row[],
): Difference | undefined {
  return useMemo(() => corrects && differenceOf(corrects.lines, rows), [corrects, rows])
}

/** Shown at first, and more at each press. */
const [firstShown, moreShown] = [30, 200]

export function PersonDifferences({ difference }: { readonly difference: Difference }) {
  const say = useSay()
  const [shown, setShown] = useState(firstShown)
  const { persons, added, removed, changed } = difference
  return (
    <section class="stack close" aria-labelledby="person-differences">
      <h2 id="person-differences">{say(texts.correct.persons)}</h2>
      <p class="number">{say(texts.correct.summary, { added, removed, changed })}</p>
      <ul class="list differences">
        {persons.slice(0, shown).map((one, i) => (
          <PersonItem key={i} one={one} />
        ))}
      </ul>
      {persons.length > shown && (
        <div>
          <button type="button" class="button plain" onClick={() => setShown(shown + moreShown)}>
            {say(texts.correct.morePersons, { count: persons.length - shown })}
          </button>
        </div>
      )}
    </section>
  )
}

const tones = { added: 'ok', removed: 'error', changed: 'main' } as const

function PersonItem({ one }: { readonly one: PersonChange }) {
  const say = useSay()
  const { person } = one.kind === 'removed' ? one.before : one.after
  return (
    <li class="difference">
      <span class={`badge ${tones[one.kind]}`}>{say(texts.correct[one.kind])}</span>
      <span>
        <span class="typed difference-name">{person.name}</span>{' '}
        <span class="number quiet small">{person.idNumber}</span>
      </span>
      <span class="difference-what">
        {one.kind === 'changed' ? (
          fieldsOf(one.before, one.after, say).map(({ label, before, after }) => (
            <span key={label}>
              <span class="quiet">{label}</span> <del class="number typed">{before || '—'}</del>
              {' → '}
              <ins class="number typed">{after || '—'}</ins>
            </span>
          ))
        ) : (
          <span class="number">
            {amountText(one.kind === 'removed' ? one.before : one.after, say)}
          </span>
        )}
      </span>
    </li>
  )
}

type Field = { readonly label: string; readonly before: string; readonly after: string }

/** Those that differ, as they are read. */
function fieldsOf(before: EditedLine, after: EditedLine, say: Say): readonly Field[] {
  const told = (line: EditedLine): Readonly<Record<string, string>> => ({
    name: line.person.name,
    idType: say(texts.declare[line.person.idType]),
    idNumber: line.person.idNumber,
    category: say(texts.declare[line.category]),
    wage: amountText(line, say),
    flexibleMedical: medicalText(line.medical, say),
    change: shownValue(line.change ?? '', say),
  })
  const [was, is] = [told(before), told(after)]
  return Object.keys(is).flatMap((field) => {
    const label = say(texts.declare[field as 'name'])
    return was[field] === is[field]
      ? []
      : [{ label, before: was[field] ?? '', after: is[field] ?? '' }]
  })
}

function medicalText(medical: string | undefined, say: Say): string {
  if (medical === undefined || medical === '') return ''
  const known = texts.declare[medical === 'none' ? 'no-medical' : (medical as 'with-account')]
  return known === undefined ? medical : say(known)
}

type AmountsProps = { readonly corrects: Corrected; readonly checked: Checked | undefined }

export function AmountDifferences({ corrects, checked }: AmountsProps) {
  const say = useSay()
  const before = corrects.amounts ?? checked?.amountsBefore
  if (before === undefined || checked?.amounts === undefined) return null
  const all = amountDifferences(before, checked.amounts)
  const total = all.reduce<AmountDifference>(
    (sum, { before, after }) => ({
      insurance: 'both',
      before: plus(sum.before, before),
      after: plus(sum.after, after),
    }),
    { insurance: 'both', before: nothing, after: nothing },
  )
  return (
    <section class="stack close" aria-labelledby="amount-differences">
      <h2 id="amount-differences">{say(texts.correct.amounts)}</h2>
      <div class="scrolled" tabIndex={0} role="group" aria-labelledby="amount-differences">
        <table class="table amount-differences">
          <thead>
            <tr>
              <th scope="col">{say(texts.general.insurance)}</th>
              <th scope="col" class="number">
                {say(texts.general.employerSide)}
              </th>
              <th scope="col" class="number">
                {say(texts.general.employeeSide)}
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map((one) => (
              <DifferenceRow key={one.insurance} one={one} say={say} />
            ))}
          </tbody>
          <tfoot>
            <DifferenceRow one={total} say={say} />
          </tfoot>
        </table>
      </div>
    </section>
  )
}

type Sides = AmountDifference['before']
const nothing: Sides = { employerFen: 0, employeeFen: 0 }
const plus = (one: Sides, other: Sides): Sides => ({
  employerFen: one.employerFen + other.employerFen,
  employeeFen: one.employeeFen + other.employeeFen,
})

function DifferenceRow({ one, say }: { readonly one: AmountDifference; readonly say: Say }) {
  return (
    <tr>
      <th scope="row">{insuranceName(one.insurance, say)}</th>
      {(['employerFen', 'employeeFen'] as const).map((side) => {
        const [before, after] = [one.before[side], one.after[side]]
        return (
          <td key={side} class="number">
            <span class={before === after ? 'quiet' : 'difference-fen'}>
              {before === after ? '0.00' : signedFen(after - before)}
            </span>
            <br />
            <span class="quiet small difference-both">
              {before !== after && <span>{grouped(yuanOf(before))} →</span>}
              <span>{grouped(yuanOf(after))}</span>
            </span>
          </td>
        )
      })}
    </tr>
  )
}
