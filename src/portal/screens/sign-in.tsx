/** The first page of who is not signed in: what this is, and the way in. */
import { useState } from 'preact/hooks'
import { isShared, setShared } from '../filing/sealed.ts'
import { place } from '../state/router.ts'
import { type Session, signInHref } from '../state/session.ts'
import { texts } from '../texts/texts.ts'
import { Note } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { useSay } from '../ui/say.ts'

export function SignIn({ session }: { readonly session: Session }) {
  const say = useSay()
  const [shared, set] = useState(isShared())
  const steps = [texts.entry.step1, texts.entry.step2, texts.entry.step3, texts.entry.step4]
  const hasExpired = place.get().screen !== ''
  return (
    <Page title={say(texts.entry.signInTitle)}>
      <p class="lead">{say(texts.entry.signInText)}</p>
      {hasExpired && (
        <Note tone="warning">
          <p>{say(texts.entry.signedOut)}</p>
        </Note>
      )}
      <div class="card stack">
        <label class="tick">
          <input
            type="checkbox"
            checked={shared}
            onChange={(event) => {
              setShared(event.currentTarget.checked)
              set(event.currentTarget.checked)
            }}
          />
          <span>
            {say(texts.entry.shared)}
            <br />
            <span class="quiet small">{say(texts.entry.sharedHint)}</span>
          </span>
        </label>
        <div>
          <a class="button main" href={signInHref(session.signIn?.href)}>
            {say(texts.entry.signIn)}
          </a>
        </div>
      </div>
      <section class="stack close" aria-labelledby="steps">
        <h2 id="steps">{say(texts.entry.steps)}</h2>
        <ol class="steps">
          {steps.map((step) => (
            <li key={step.en}>{say(step)}</li>
          ))}
        </ol>
      </section>
    </Page>
  )
}
