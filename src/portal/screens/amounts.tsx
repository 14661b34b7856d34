/** What a declaration comes to, by insurance and side. */
import type { Corrected } from '../filing/desk.ts'
import type { Amounts, Checked } from '../rules/protocol.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { grouped, signedFen, yuanOf } from '../ui/money.ts'
import { Note } from '../ui/note.tsx'
import { useSay } from '../ui/say.ts'

type AmountsProps = {
  readonly checked: Checked | undefined
  /** What it is compared with, where it is a correction; else the month before. */
  readonly corrects?: Corrected | undefined
}

export function AmountsTable({ checked, corrects }: AmountsProps) {
  const say = useSay()
  const chosen = useStore(language)
  if (checked?.amounts === undefined || checked.amounts.length === 0)
    return <p class="quiet">{say(texts.declare.amountsNone)}</p>
  const total = totalOf(checked.amounts)
  const before = corrects?.amounts ?? checked.amountsBefore
  const difference = before === undefined ? undefined : total.both - totalOf(before).both
  return (
    <>
      <AmountRows amounts={checked.amounts} />
      {difference !== undefined && (
        <p class="number quiet">
          {say(corrects === undefined ? texts.declare.difference : texts.correct.difference, {
            amount: signedFen(difference),
          })}
        </p>
      )}
      {checked.provisionalReasons.length > 0 && (
        <Note tone="hint">
          <p>{say(texts.declare.provisional)}</p>
          <ul class="plain-list">
            {checked.provisionalReasons.map((reason) => (
              <li key={reason.en}>{reason[chosen]}</li>
            ))}
          </ul>
        </Note>
      )}
    </>
  )
}

export function AmountRows({ amounts }: { readonly amounts: readonly Amounts[] }) {
  const say = useSay()
  const total = totalOf(amounts)
  return (
    <div class="scrolled" tabIndex={0} role="group" aria-label={say(texts.declare.amounts)}>
      <table class="table amounts">
        <thead>
          <tr>
            <th scope="col">{say(texts.general.insurance)}</th>
            <th scope="col" class="number">
              {say(texts.general.base)}
            </th>
            <th scope="col" class="number">
              {say(texts.general.employerSide)}
            </th>
            <th scope="col" class="number">
              {say(texts.general.employeeSide)}
            </th>
          </tr>
        </thead>
        <tbody>
          {amounts.map(({ insurance, baseFen, employerFen, employeeFen }) => (
            <tr key={insurance}>
              <th scope="row">{insuranceName(insurance, say)}</th>
              <td class="number quiet">{grouped(yuanOf(baseFen))}</td>
              <td class="number">{grouped(yuanOf(employerFen))}</td>
              <td class="number">{grouped(yuanOf(employeeFen))}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>
              {say(texts.general.both)}{' '}
              <span class="number">
                {say(texts.general.yuan, { amount: grouped(yuanOf(total.both)) })}
              </span>
            </th>
            <td class="number">{grouped(yuanOf(total.employer))}</td>
            <td class="number">{grouped(yuanOf(total.employee))}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  )
}

export function insuranceName(insurance: string, say: ReturnType<typeof useSay>): string {
  const known = texts.general[insurance as 'pension']
  return known === undefined ? insurance : say(known)
}

export function totalOf(amounts: readonly Amounts[]) {
  const employer = amounts.reduce((sum, one) => sum + one.employerFen, 0)
  const employee = amounts.reduce((sum, one) => sum + one.employeeFen, 0)
  return { employer, employee, both: employer + employee }
}
