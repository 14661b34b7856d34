/** A box to paste a table into, for who has no Ctrl+V at hand, or nothing to paste onto yet. */
import { useState } from 'preact/hooks'
import { texts } from '../texts/texts.ts'
import { Dialog } from '../ui/dialog.tsx'
import { useSay } from '../ui/say.ts'

type PasteProps = { readonly onClose: () => void; readonly onRead: (text: string) => void }

export function PasteTable({ onClose, onRead }: PasteProps) {
  const say = useSay()
  const [text, set] = useState('')
  return (
    <Dialog title={say(texts.declare.paste)} onClose={onClose}>
      <p id="paste-hint">{say(texts.declare.pasteHint)}</p>
      <div class="field">
        <label for="paste-box">{say(texts.declare.pasteBox)}</label>
        <textarea
          id="paste-box"
          aria-describedby="paste-hint"
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => set(event.currentTarget.value)}
        />
      </div>
      <div>
        <button
          type="button"
          class="button main"
          disabled={text.trim() === ''}
          onClick={() => onRead(text)}
        >
          {say(texts.declare.pasteDone)}
        </button>
      </div>
    </Dialog>
  )
}
