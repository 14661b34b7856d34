/** Cancels a file after a question: until it is being filed, nothing of it counts. */
import { useState } from 'preact/hooks'
import { client } from '../../files/upload.ts'
import { sessionEnded } from '../../state/session.ts'
import { texts } from '../../texts/texts.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { Note } from '../../ui/note.tsx'
import { type Text, useSay } from '../../ui/say.ts'

export function CancelFile({
  id,
  cancelled,
}: {
  readonly id: string
  readonly cancelled: () => void
}) {
  const say = useSay()
  const [isAsking, setAsking] = useState(false)
  const [fault, setFault] = useState<Text>()
  const cancel = async () => {
    const outcome = await client.cancelBatch(id)
    if (outcome.kind === 'unauthenticated') sessionEnded()
    if (outcome.kind === 'cancelled') {
      setAsking(false)
      cancelled()
    } else setFault(outcome.kind === 'tooLate' ? texts.files.cancelTooLate : texts.general.lost)
  }
  return (
    <>
      <button type="button" class="button" onClick={() => setAsking(true)}>
        {say(texts.files.cancelIt)}
      </button>
      {isAsking && (
        <Dialog title={say(texts.files.cancelTitle)} onClose={() => setAsking(false)}>
          <p>{say(texts.files.cancelText)}</p>
          {fault !== undefined && (
            <Note tone="warning" alert>
              <p>{say(fault)}</p>
            </Note>
          )}
          <div class="row">
            <button type="button" class="button main" onClick={() => void cancel()}>
              {say(texts.files.cancelIt)}
            </button>
            <button type="button" class="button" onClick={() => setAsking(false)}>
              {say(texts.files.cancelKeep)}
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}
