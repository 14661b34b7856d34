/** A dialog of the browser's own: it keeps the focus inside, closes with Esc, and gives the focus back. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { texts } from '../texts/texts.ts'
import { useSay } from './say.ts'

type DialogProps = {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const say = useSay()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null
    dialog.current?.showModal()
    return () => before?.focus()
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <div class="stack">
        <div class="row">
          <h2 id="dialog-title" class="dialog-title typed">
            {title}
          </h2>
          <button type="button" class="button plain" onClick={() => dialog.current?.close()}>
            {say(texts.general.close)}
          </button>
        </div>
        {children}
      </div>
    </dialog>
  )
}
