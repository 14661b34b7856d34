/** The frame of every screen: masthead, who is acted for, content, help in one place. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { hrefOf } from '../state/router.ts'
import { chooseEmployer, employer, session, signOut } from '../state/session.ts'
import { chooseLanguage, chooseLarge, language, large } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Logo } from './icons.tsx'
import { useSay } from './say.ts'

export function Frame({ children }: { readonly children: ComponentChildren }) {
  const say = useSay()
  return (
    <div class="frame">
      <a class="skip" href="#content" onClick={focusContent}>
        {say(texts.general.skip)}
      </a>
      <Notice />
      <Masthead />
      {children}
      <footer class="foot">
        <div class="bounds">
          <p>{say(texts.general.helpText)}</p>
          <a href="/verify">{say(texts.general.verify)}</a>
          <a href="/documentation">{say(texts.general.documentation)}</a>
        </div>
      </footer>
    </div>
  )
}

function focusContent(event: Event): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('main h1')?.focus()
}

/** Says what environment it is, where that is not the real one. */
function Notice() {
  const say = useSay()
  const state = useStore(session)
  if (state.kind !== 'known' || state.session.environment === 'live') return null
  const isRehearsal = state.session.environment.startsWith('rehearsal')
  return (
    <aside class="notice">
      <div class="bounds">
        {say(isRehearsal ? texts.general.rehearsal : texts.general.development)}
      </div>
    </aside>
  )
}

function Masthead() {
  const say = useSay()
  const chosen = useStore(language)
  const isLarge = useStore(large)
  const state = useStore(session)
  const isSignedIn = state.kind === 'known' && state.session.signedIn
  return (
    <header class="masthead">
      <div class="bounds">
        <a class="brand" href={hrefOf('')}>
          <Logo />
          {say(texts.general.service)}
        </a>
        <div class="tools">
          <button
            type="button"
            class="tool"
            aria-pressed={isLarge}
            onClick={() => chooseLarge(!isLarge)}
          >
            {say(isLarge ? texts.general.largeOff : texts.general.largeOn)}
          </button>
          <button
            type="button"
            class="tool"
            lang={chosen === 'en' ? 'zh-CN' : 'en'}
            onClick={() => chooseLanguage(chosen === 'en' ? 'zh-CN' : 'en')}
          >
            {say(texts.general.otherLanguage)}
          </button>
          {isSignedIn && (
            <button type="button" class="tool" onClick={() => void signOut()}>
              {say(texts.general.signOut)}
            </button>
          )}
        </div>
      </div>
      {isSignedIn && <ActingFor />}
    </header>
  )
}

function ActingFor() {
  const say = useSay()
  const chosen = useStore(employer)
  const state = useStore(session)
  if (chosen === undefined || state.kind !== 'known') return null
  const hasOthers = (state.session.employers ?? []).length > 1
  return (
    <div class="acting">
      <div class="bounds row">
        <span class="acting-name number">{chosen}</span>
        <a class="tool" href={hrefOf('history')}>
          {say(texts.general.history)}
        </a>
        {hasOthers && (
          <a class="tool" href={hrefOf('')} onClick={() => chooseEmployer(undefined)}>
            {say(texts.general.changeEmployer)}
          </a>
        )}
      </div>
    </div>
  )
}

type PageProps = {
  readonly title: string
  readonly eyebrow?: string | undefined
  /** Text is read in a narrow column; the grid takes all there is. */
  readonly wide?: boolean
  readonly children: ComponentChildren
}

/** A screen: its heading gets the focus when it appears, so that it is read out first. */
export function Page({ title, eyebrow, wide = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const say = useSay()
  useEffect(() => {
    document.title = `${title} · ${say(texts.general.service)}`
  })
  useEffect(() => {
    scrollTo(0, 0)
    if (document.activeElement === document.body || document.activeElement === null)
      heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <main id="content" class={wide ? 'bounds stack' : 'bounds stack reading'}>
      <div>
        {eyebrow !== undefined && <p class="eyebrow">{eyebrow}</p>}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
      </div>
      {children}
    </main>
  )
}
