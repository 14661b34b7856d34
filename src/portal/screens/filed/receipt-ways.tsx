/** What can be done with a declaration that was filed: correct it, cancel it, look at each person's amounts. */
import { useState } from 'preact/hooks'
import type { Filed } from '../../state/declarations.ts'
import { hrefOf } from '../../state/router.ts'
import { mayFile, session } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { month } from '../../ui/money.ts'
import { Note } from '../../ui/note.tsx'
import { useSay } from '../../ui/say.ts'
import { CancelDialog } from './cancel.tsx'

export function ReceiptWays({ filed }: { readonly filed: Filed | undefined }) {
  const say = useSay()
  const chosen = useStore(language)
  const state = useStore(session)
  const [isCancelling, setCancelling] = useState(false)
  if (filed === undefined) return null
  const counts = filed.status === 'accepted' || filed.status === 'posted'
  if (filed.kind === 'cancellation')
    return counts ? (
      <Note tone="hint">
        <p>{say(texts.correct.cancelled, { month: month(filed.period, chosen) })}</p>
        <p>
          <a href={hrefOf('declare', filed.period)}>{say(texts.correct.fileAnew)}</a>
        </p>
      </Note>
    ) : null
  const { region } = filed
  return (
    <div class="row">
      {filed.status !== 'accepted' && (
        <a class="button" href={hrefOf('persons', filed.id)}>
          {say(texts.meaning.toPersons)}
        </a>
      )}
      {counts && mayFile(state) && (
        <a class="button" href={hrefOf('correct', filed.id)}>
          {say(texts.filing.correct)}
        </a>
      )}
      {counts && mayFile(state) && region !== undefined && (
        <button type="button" class="button" onClick={() => setCancelling(true)}>
          {say(texts.filing.cancelIt)}
        </button>
      )}
      {isCancelling && region !== undefined && (
        <CancelDialog filed={filed} region={region} onClose={() => setCancelling(false)} />
      )}
    </div>
  )
}

/** Warnings that were accepted with it, each with the way to what it means. */
export function FiledFindings({ filed }: { readonly filed: Filed | undefined }) {
  const say = useSay()
  const chosen = useStore(language)
  const { findings = [] } = filed ?? {}
  if (findings.length === 0) return null
  return (
    <section class="stack close" aria-labelledby="filed-findings">
      <h2 id="filed-findings">{say(texts.meaning.found)}</h2>
      <ul class="list">
        {findings.map(({ code, title, count }) => (
          <li key={code}>
            <a class="entry" href={hrefOf('findings', code)}>
              <span class="entry-name">{title[chosen]}</span>
              <span class="quiet">× {count}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
