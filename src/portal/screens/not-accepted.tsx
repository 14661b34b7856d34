/** An answer that is certain, and no receipt: what it means, and what to do next. */
import type { FilingOutcome } from '../../client/client.ts'
import type { DeskName } from '../filing/desk.ts'
import { cancelledBy } from '../filing/frozen.ts'
import { isShared } from '../filing/sealed.ts'
import { senderOf } from '../filing/sender.ts'
import { go, hrefOf } from '../state/router.ts'
import { signInHref } from '../state/session.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { instant, month } from '../ui/money.ts'
import { Note } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { useSay } from '../ui/say.ts'
import { Replaced } from './filed/correct.tsx'

type OutcomeProps<K extends FilingOutcome['kind'] = FilingOutcome['kind']> = {
  readonly name: DeskName
  readonly outcome: Extract<FilingOutcome, { kind: K }>
}

export function NotAccepted({ name, outcome }: OutcomeProps) {
  switch (outcome.kind) {
    case 'unauthenticated':
      return <SignInAgain name={name} outcome={outcome} />
    case 'standing':
      return outcome.problem.code === 'REPLACES_SUPERSEDED' ? (
        <Superseded name={name} outcome={outcome} />
      ) : (
        <Standing name={name} outcome={outcome} />
      )
    case 'refused':
    case 'forbidden':
    case 'keyReused':
      return <Refused name={name} outcome={outcome} />
    default:
      return null // the sender tries these again; with a receipt, the receipt is shown
  }
}

function SignInAgain({ name, outcome }: OutcomeProps<'unauthenticated'>) {
  const say = useSay()
  const chosen = useStore(language)
  const shared = isShared()
  return (
    <Page title={say(texts.filing.signInTitle)} eyebrow={month(name.period, chosen)}>
      <Note tone="warning" alert>
        <p>{say(shared ? texts.filing.signInSharedText : texts.filing.signInText)}</p>
        {outcome.mayBeAccepted && <p>{say(texts.filing.unknownText)}</p>}
      </Note>
      <div class="row">
        <a
          class="button main"
          href={signInHref()}
          target={shared ? '_blank' : undefined}
          rel="noopener"
        >
          {say(texts.entry.signIn)}
        </a>
        {shared && (
          <button type="button" class="button" onClick={() => void senderOf(name).start()}>
            {say(texts.filing.goOnSending)}
          </button>
        )}
      </div>
    </Page>
  )
}

function Standing({ name, outcome }: OutcomeProps<'standing'>) {
  const say = useSay()
  const chosen = useStore(language)
  const { standing } = outcome
  const at = instant(standing.acceptedAt, chosen)
  const correct = async () => {
    await senderOf(name).thaw()
    go('correct', `${standing.id}/draft`)
  }
  return (
    <Page title={say(texts.filing.standingTitle)} eyebrow={month(name.period, chosen)}>
      <Note tone="warning" alert>
        <p>
          {say(standing.sameContent ? texts.filing.standingSame : texts.filing.standingText, {
            at,
          })}
        </p>
      </Note>
      <div class="row">
        <a
          class="button main"
          href={hrefOf('receipt', standing.id)}
          onClick={() => void senderOf(name).thaw()}
        >
          {say(texts.filing.toStanding)}
        </a>
        {!standing.sameContent && (
          <button type="button" class="button" onClick={() => void correct()}>
            {say(texts.filing.correctInstead)}
          </button>
        )}
      </div>
    </Page>
  )
}

/** What it would correct or cancel was replaced since: what was entered is kept for what stands now. */
function Superseded({ name, outcome }: OutcomeProps<'standing'>) {
  const say = useSay()
  const chosen = useStore(language)
  const { standing, filing } = outcome
  return (
    <Page title={say(texts.filing.refusedTitle)} eyebrow={month(name.period, chosen)}>
      <Replaced
        by={standing.id}
        name={name}
        entered={cancelledBy(filing) === undefined ? 'correction' : 'nothing'}
        text={say(texts.correct.supersededText, { at: instant(standing.acceptedAt, chosen) })}
        onLeave={() => void senderOf(name).thaw()}
      />
    </Page>
  )
}

function Refused({ name, outcome }: OutcomeProps<'refused' | 'forbidden' | 'keyReused'>) {
  const say = useSay()
  const chosen = useStore(language)
  const { problem } = outcome
  const findings = outcome.kind === 'refused' ? outcome.findings : []
  const cancelled = cancelledBy(outcome.filing)
  const back = () => (cancelled ? go('receipt', cancelled) : go('declare', name.period))
  const title =
    outcome.kind === 'forbidden' ? texts.filing.forbiddenTitle : texts.filing.refusedTitle
  return (
    <Page title={say(title)} eyebrow={month(name.period, chosen)}>
      <Note tone="error" alert>
        <p>{problem.message[chosen]}</p>
        <p>{problem.fix[chosen]}</p>
        {outcome.filing.mayBeAccepted && <p>{say(texts.filing.unknownText)}</p>}
      </Note>
      {outcome.kind === 'refused' && (
        <p>{say(texts.filing.refusedText, { count: outcome.total })}</p>
      )}
      <ul class="plain-list">
        {findings
          .filter(({ severity }) => severity === 'error')
          .slice(0, 20)
          .map((found) => (
            <li key={found.pointer + found.code}>
              {rowOf(found.pointer, say)} {found.message[chosen]}{' '}
              <span class="quiet">{found.fix[chosen]}</span>
            </li>
          ))}
      </ul>
      <div>
        <button
          type="button"
          class="button main"
          onClick={() => void senderOf(name).thaw().then(back)}
        >
          {say(cancelled ? texts.correct.backToReceipt : texts.filing.backToEdit)}
        </button>
      </div>
    </Page>
  )
}

function rowOf(pointer: string, say: ReturnType<typeof useSay>): string {
  const [, line] = /^\/lines\/(\d+)/.exec(pointer) ?? []
  return line === undefined ? '' : say(texts.declare.rowIs, { row: Number(line) + 1, name: '' })
}
