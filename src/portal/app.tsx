/** Which screen is shown: by the place in the address, who is signed in, and for whom. */
import { useEffect } from 'preact/hooks'
import { Confirm } from './screens/confirm.tsx'
import { Declare } from './screens/declare.tsx'
import { Employers } from './screens/employers.tsx'
import { Correct } from './screens/filed/correct.tsx'
import { History } from './screens/filed/history.tsx'
import { MeaningScreen } from './screens/filed/meaning.tsx'
import { Persons } from './screens/filed/persons.tsx'
import { ReceiptScreen } from './screens/filed/receipt.tsx'
import { FileScreen } from './screens/files/batch.tsx'
import { Files } from './screens/files/files.tsx'
import { Home } from './screens/home.tsx'
import { SendingScreen } from './screens/sending.tsx'
import { SignIn } from './screens/sign-in.tsx'
import { Verify } from './screens/verify.tsx'
import { place } from './state/router.ts'
import { askSession, employer, session } from './state/session.ts'
import { language, large } from './state/settings.ts'
import { useStore } from './state/store.ts'
import { texts } from './texts/texts.ts'
import { Again } from './ui/note.tsx'
import { Frame, Page } from './ui/page.tsx'
import { useSay } from './ui/say.ts'

export function App() {
  const chosen = useStore(language)
  const isLarge = useStore(large)
  useEffect(() => {
    document.documentElement.lang = chosen
    document.documentElement.dataset.large = isLarge ? 'yes' : 'no'
  }, [chosen, isLarge])
  return (
    <Frame>
      <Screen />
    </Frame>
  )
}

function Screen() {
  const say = useSay()
  const state = useStore(session)
  const here = useStore(place)
  const chosen = useStore(employer)
  useEffect(() => void askSession(), [])
  if (here.screen === 'verify') return <Verify packed={here.argument} />
  if (here.screen === 'findings') return <MeaningScreen code={here.argument} />
  if (state.kind === 'asking')
    return (
      <Page key="asking" title={say(texts.general.service)}>
        <p class="quiet">{say(texts.general.loading)}</p>
      </Page>
    )
  if (state.kind === 'lost')
    return (
      <Page key="lost" title={say(texts.general.service)}>
        <Again atMs={state.resumesAtMs} again={() => void askSession()} />
      </Page>
    )
  const { signedIn, employers = [], subject = '' } = state.session
  if (!signedIn) return <SignIn key="sign-in" session={state.session} />
  if (chosen === undefined) return <Employers key="employers" employers={employers} />
  const name = { subject, employer: chosen, period: here.argument }
  const key = `${here.screen} ${here.argument} ${chosen}`
  const hasPeriod = /^\d{4}-\d{2}$/.test(here.argument)
  switch (here.screen) {
    case '':
      return <Home key={key} employer={chosen} subject={subject} />
    case 'files':
      return here.argument === '' ? (
        <Files key={key} employer={chosen} subject={subject} />
      ) : (
        <FileScreen key={key} id={here.argument} employer={chosen} subject={subject} />
      )
    case 'receipt':
      return <ReceiptScreen key={key} id={here.argument} />
    case 'correct':
      return <Correct key={key} subject={subject} argument={here.argument} />
    case 'history':
      return <History key={key} employer={chosen} />
    case 'persons':
      return <Persons key={key} id={here.argument} />
    case 'declare':
      if (hasPeriod) return <Declare key={key} name={name} />
      break
    case 'confirm':
      if (hasPeriod) return <Confirm key={key} name={name} />
      break
    case 'sending':
      if (hasPeriod) return <SendingScreen key={key} name={name} />
      break
  }
  return (
    <Page key="none" title={say(texts.general.notFound)}>
      <p>{say(texts.general.notFoundText)}</p>
    </Page>
  )
}
