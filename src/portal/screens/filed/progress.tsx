/** How far a declaration is: accepted, posted, or replaced since; with what it came to. */
import { amountsOf } from '../../filing/correction.ts'
import type { Filed } from '../../state/declarations.ts'
import { hrefOf } from '../../state/router.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Icon } from '../../ui/icons.tsx'
import { useSay } from '../../ui/say.ts'
import { AmountRows } from '../amounts.tsx'
import { isReplacedOtherwise } from '../filed-list.tsx'

const ends = {
  accepted: texts.filing.progressWaiting,
  posted: texts.filing.progressPosted,
  superseded: texts.filing.progressSuperseded,
  cancelled: texts.filing.progressCancelled,
} as const

export function Progress({ filed }: { readonly filed: Filed | undefined }) {
  const say = useSay()
  const chosen = useStore(language)
  const status = filed?.status ?? 'accepted'
  const isWaiting = status === 'accepted'
  return (
    <section class="stack close" aria-labelledby="progress">
      <h2 id="progress">{say(texts.filing.progress)}</h2>
      <ol class="progress" aria-live="polite">
        <li class="is-done">
          <Icon name="ok" />
          {say(texts.filing.progressAccepted)}
        </li>
        <li class={isWaiting ? 'is-waiting' : 'is-done'}>
          <Icon name={isWaiting ? 'clock' : 'ok'} />
          {say(filed && isReplacedOtherwise(filed) ? texts.correct.statusReplaced : ends[status])}
        </li>
      </ol>
      {filed?.notice !== undefined && <p>{filed.notice[chosen]}</p>}
      {filed?.supersededBy !== undefined && (
        <p>
          <a href={hrefOf('receipt', filed.supersededBy.id)}>
            {say(
              filed.supersededBy.kind === 'cancellation'
                ? texts.correct.toCancelling
                : texts.filing.toReplacing,
            )}
          </a>
        </p>
      )}
    </section>
  )
}

export function FiledAmounts({ filed }: { readonly filed: Filed | undefined }) {
  const say = useSay()
  if (filed?.assessment === undefined || filed.kind === 'cancellation') return null
  const amounts = filed.assessment.amounts.map(amountsOf)
  return (
    <section class="stack close" aria-labelledby="filed-amounts">
      <h2 id="filed-amounts">{say(texts.declare.amounts)}</h2>
      <AmountRows amounts={amounts} />
    </section>
  )
}
