/** For whom to act, where an account may act for several employers. */
import { useState } from 'preact/hooks'
import { chooseEmployer } from '../state/session.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { Note } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { useSay } from '../ui/say.ts'

/** With more, one searches. */
const shownMax = 50

export function Employers({ employers }: { readonly employers: readonly string[] }) {
  const say = useSay()
  const [wanted, set] = useState('')
  const found = employers.filter((code) => code.includes(wanted.trim().toUpperCase()))
  return (
    <Page title={say(texts.entry.chooseTitle)}>
      {employers.length === 0 && (
        <Note tone="warning">
          <p>{say(texts.entry.chooseNone)}</p>
        </Note>
      )}
      {employers.length > 8 && (
        <div class="field">
          <label for="wanted">{say(texts.entry.searchEmployer)}</label>
          <input id="wanted" value={wanted} onInput={(event) => set(event.currentTarget.value)} />
        </div>
      )}
      <ul class="list">
        {found.slice(0, shownMax).map((code) => (
          <li key={code}>
            <button type="button" class="entry-button" onClick={() => chooseEmployer(code)}>
              <span class="number">{code}</span>
              <Icon name="next" />
            </button>
          </li>
        ))}
      </ul>
    </Page>
  )
}
