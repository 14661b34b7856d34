/** What was filed, one line each. */
import type { Filed } from '../state/declarations.ts'
import { hrefOf } from '../state/router.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { fenOf, instant, month } from '../ui/money.ts'
import { type Say, useSay } from '../ui/say.ts'

export function personsText(count: number, say: Say): string {
  return say(count === 1 ? texts.general.onePerson : texts.general.persons, { count })
}

/** A correction replaces by its name; a declaration after a cancellation, or one that raced, does not. */
export function isReplacedOtherwise({ status, supersededBy }: Replaceable): boolean {
  return status === 'superseded' && supersededBy !== undefined && supersededBy.kind !== 'correction'
}

type Replaceable = Pick<Filed, 'status' | 'supersededBy'>

const statusTexts = {
  accepted: texts.entry.statusAccepted,
  posted: texts.entry.statusPosted,
  superseded: texts.entry.statusSuperseded,
  cancelled: texts.entry.statusCancelled,
} as const

export function StatusBadge({ filed }: { readonly filed: Replaceable }) {
  const say = useSay()
  const isCounted = filed.status === 'accepted' || filed.status === 'posted'
  return (
    <span class={`badge ${isCounted ? 'ok' : ''}`}>
      {isCounted && <Icon name="ok" />}
      {say(isReplacedOtherwise(filed) ? texts.correct.statusReplaced : statusTexts[filed.status])}
    </span>
  )
}

/** Of both sides; undefined until it is posted. */
export function filedFen({ assessment }: Filed): number | undefined {
  if (assessment === undefined) return undefined
  return fenOf(assessment.total.employer) + fenOf(assessment.total.employee)
}

export function FiledList({ declarations }: { readonly declarations: readonly Filed[] }) {
  const say = useSay()
  const chosen = useStore(language)
  if (declarations.length === 0) return <p class="quiet">{say(texts.entry.none)}</p>
  return (
    <ul class="list">
      {declarations.map((filed) => (
        <li key={filed.id}>
          <a class="entry" href={hrefOf('receipt', filed.id)}>
            <span class="entry-name">
              {month(filed.period, chosen)} · {say(texts.entry[filed.kind])}
            </span>
            <span class="quiet small number">{instant(filed.acceptedAt, chosen)}</span>
            <StatusBadge filed={filed} />
            {!filed.onTime && <span class="badge warning">{say(texts.entry.late)}</span>}
          </a>
        </li>
      ))}
    </ul>
  )
}
