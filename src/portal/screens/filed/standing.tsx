/** What stands of a month that is filed: its receipt, when, how many persons; and the ways on. */
import type { Filed } from '../../state/declarations.ts'
import { hrefOf } from '../../state/router.ts'
import { mayFile, session } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { instant } from '../../ui/money.ts'
import { useSay } from '../../ui/say.ts'
import { personsText, StatusBadge } from '../filed-list.tsx'

export const personsOf = ({ persons, assessment }: Filed) => persons ?? assessment?.lines

type StandingProps = {
  readonly standing: Filed
  /** Persons of a draft on this device that was not filed; undefined: there is none. */
  readonly drafted: number | undefined
}

export function StandingCard({ standing, drafted }: StandingProps) {
  const say = useSay()
  return (
    <section class="card stack" aria-labelledby={`standing-${standing.id}`}>
      <div class="row">
        <h2 id={`standing-${standing.id}`}>{say(texts.correct.standingTitle)}</h2>
        <StatusBadge filed={standing} />
      </div>
      <p>{say(texts.correct.standingText)}</p>
      <StandingFacts standing={standing} />
      {drafted !== undefined && (
        <p class="quiet">
          {say(texts.correct.withDraftHint, { persons: personsText(drafted, say) })}
        </p>
      )}
      <StandingWays standing={standing} drafted={drafted} />
    </section>
  )
}

export function StandingFacts({ standing }: { readonly standing: Filed }) {
  const say = useSay()
  const chosen = useStore(language)
  const persons = personsOf(standing)
  return (
    <dl class="facts">
      <dt>{say(texts.filing.receiptNumber)}</dt>
      <dd>
        <code>{standing.id}</code>
      </dd>
      <dt>{say(texts.filing.acceptedAt)}</dt>
      <dd>
        <span class="number">{instant(standing.acceptedAt, chosen)}</span>{' '}
        <span class={standing.onTime ? 'quiet' : 'tone-warning'}>
          {say(standing.onTime ? texts.entry.onTime : texts.entry.late)}
        </span>
      </dd>
      <dt>{say(texts.filing.kind)}</dt>
      <dd>{say(texts.entry[standing.kind])}</dd>
      {persons !== undefined && (
        <>
          <dt>{say(texts.filing.persons)}</dt>
          <dd>{personsText(persons, say)}</dd>
        </>
      )}
    </dl>
  )
}

export function StandingWays({ standing, drafted }: StandingProps) {
  const say = useSay()
  const state = useStore(session)
  return (
    <div class="row">
      <a class="button main" href={hrefOf('receipt', standing.id)}>
        {say(texts.correct.openReceipt)}
      </a>
      {mayFile(state) && drafted !== undefined && (
        <a class="button" href={hrefOf('correct', `${standing.id}/draft`)}>
          {say(texts.correct.withDraft)}
        </a>
      )}
      {mayFile(state) && drafted === undefined && (
        <a class="button" href={hrefOf('correct', standing.id)}>
          {say(texts.correct.correct)}
        </a>
      )}
    </div>
  )
}
