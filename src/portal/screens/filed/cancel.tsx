/** Cancels a declaration after one confirmation, which says what it means. */
import { useState } from 'preact/hooks'
import { sendCancellation } from '../../filing/cancellation.ts'
import { type Filed, replacedSince } from '../../state/declarations.ts'
import { go, hrefOf } from '../../state/router.ts'
import { chooseEmployer, session } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { grouped, month, yuanOf } from '../../ui/money.ts'
import { Note } from '../../ui/note.tsx'
import { useSay } from '../../ui/say.ts'
import { filedFen, personsText } from '../filed-list.tsx'
import { Replaced } from './correct.tsx'
import { personsOf } from './standing.tsx'

type CancelProps = {
  readonly filed: Filed
  readonly region: string
  readonly onClose: () => void
}

export function CancelDialog({ filed, region, onClose }: CancelProps) {
  const say = useSay()
  const chosen = useStore(language)
  const state = useStore(session)
  const [isSending, setSending] = useState(false)
  const [waitsForOther, setWaits] = useState(false)
  const [replacedBy, setReplacedBy] = useState<string>()
  const subject = state.kind === 'known' ? (state.session.subject ?? '') : ''
  const { employer, period } = filed
  const name = { subject, employer, period }
  const cancel = async () => {
    if (isSending) return
    setSending(true)
    const by = await replacedSince({ ...filed, region })
    setReplacedBy(by)
    if (by !== undefined) return setSending(false)
    const isSent = await sendCancellation(name, filed, region)
    setSending(isSent)
    setWaits(!isSent)
    if (!isSent) return
    chooseEmployer(employer)
    go('sending', period)
  }
  const title = say(texts.correct.cancelTitle, { month: month(period, chosen) })
  if (replacedBy !== undefined)
    return (
      <Dialog title={title} onClose={onClose}>
        <Replaced
          {...{ name, by: replacedBy, entered: 'nothing' }}
          text={say(replacedBy === '' ? texts.correct.voidBefore : texts.correct.cancelReplaced)}
          onLeave={onClose}
        />
      </Dialog>
    )
  return (
    <Dialog title={title} onClose={onClose}>
      <Meaning filed={filed} />
      {waitsForOther && (
        <Note tone="warning" alert>
          <p>{say(texts.correct.cancelLater)}</p>
          <p>
            <a href={hrefOf('sending', period)} onClick={() => chooseEmployer(employer)}>
              {say(texts.correct.toSending)}
            </a>
          </p>
        </Note>
      )}
      <div class="row">
        <button type="button" class="button danger" onClick={() => void cancel()}>
          {say(texts.correct.cancelNow)}
        </button>
        <button type="button" class="button" onClick={onClose}>
          {say(texts.correct.cancelNot)}
        </button>
      </div>
    </Dialog>
  )
}

function Meaning({ filed }: { readonly filed: Filed }) {
  const say = useSay()
  const persons = personsText(personsOf(filed) ?? 0, say)
  const fen = filedFen(filed)
  const whole =
    fen === undefined
      ? say(texts.correct.cancelWhole, { persons })
      : say(texts.correct.cancelWholeAmount, { persons, amount: grouped(yuanOf(fen)) })
  return (
    <ul class="plain-list">
      <li>{whole}</li>
      <li>{say(texts.correct.cancelNoRevival)}</li>
      <li>{say(texts.correct.cancelAnew)}</li>
      <li>{say(texts.correct.cancelReceipt)}</li>
      <li>{say(texts.correct.cancelInstead)}</li>
    </ul>
  )
}
