/**
 * While a filing is under way: that it is sent, or that nobody knows yet, or when it goes out again, with the proof of
 * the attempt. Nothing can be edited here, and pressing again gains nothing: there is nothing to press.
 */
import { useEffect } from 'preact/hooks'
import type { FrozenFiling } from '../../client/client.ts'
import type { DeskName } from '../filing/desk.ts'
import { type Sending as State, senderOf } from '../filing/sender.ts'
import { go } from '../state/router.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { instant, month } from '../ui/money.ts'
import { Note, useSecondsUntil } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { useSay } from '../ui/say.ts'
import { NotAccepted } from './not-accepted.tsx'

export function SendingScreen({ name }: { readonly name: DeskName }) {
  const sender = senderOf(name)
  const state = useStore(sender.state)
  useEffect(() => {
    void sender.start().then(() => {
      if (sender.state.get().kind === 'none') go('')
    })
  }, [sender])
  useEffect(() => {
    if (state.kind !== 'ended') return
    const { outcome } = state
    if (outcome.kind === 'accepted' || outcome.kind === 'replayed') go('receipt', outcome.answer.id)
  }, [state])
  if (state.kind === 'ended') return <NotAccepted name={name} outcome={state.outcome} />
  return <UnderWay state={state} period={name.period} />
}

function UnderWay({ state, period }: { readonly state: State; readonly period: string }) {
  const say = useSay()
  const chosen = useStore(language)
  return (
    <Page key={titleOf(state).en} title={say(titleOf(state))} eyebrow={month(period, chosen)}>
      <div class="card stack" aria-live="polite">
        {state.kind === 'waiting' ? (
          <Waiting state={state} />
        ) : (
          <p class="row">
            <span class="turning">
              <Icon name="clock" />
            </span>
            {say(state.kind === 'elsewhere' ? texts.filing.otherTab : texts.filing.sendingText)}
          </p>
        )}
      </div>
      {'filing' in state && <Proof filing={state.filing} />}
    </Page>
  )
}

function titleOf(state: State) {
  if (state.kind !== 'waiting') return texts.filing.sendingTitle
  const isKnown = !state.filing.mayBeAccepted
  return isKnown ? texts.filing.waitTitle : texts.filing.unknownTitle
}

function Waiting({ state }: { readonly state: Extract<State, { kind: 'waiting' }> }) {
  const say = useSay()
  const seconds = useSecondsUntil(state.resumesAtMs)
  const isKnown = !state.filing.mayBeAccepted
  const why =
    state.why === 'share'
      ? texts.filing.shareText
      : isKnown
        ? texts.filing.waitText
        : texts.filing.unknownText
  return (
    <>
      <p>{say(why)}</p>
      {state.why === 'foreign' && (
        <Note tone="warning">
          <p>{say(texts.filing.foreign)}</p>
        </Note>
      )}
      <p class="countdown number" role="timer">
        {seconds > 0
          ? say(texts.filing.countdown, { time: clockOf(seconds) })
          : say(texts.filing.countdownNow)}
      </p>
      <p class="quiet small">{say(texts.filing.attempts, { count: state.attempt })}</p>
    </>
  )
}

/** `1:05`. */
function clockOf(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`
}

/** The ticket, and what somebody can name at a help desk. */
function Proof({ filing }: { readonly filing: FrozenFiling }) {
  const say = useSay()
  const chosen = useStore(language)
  const { ticket } = filing
  const save = () =>
    saveFile(`spillway-${filing.period}-${filing.key}.json`, JSON.stringify(filing))
  return (
    <section class="stack close">
      {ticket !== undefined && (
        <Note tone="ok">
          <h2>{say(texts.filing.ticketTitle)}</h2>
          <p>
            {say(texts.filing.ticketText, {
              at: instant(ticket.attemptedAt, chosen),
              until: instant(ticket.validUntil, chosen),
            })}
          </p>
          <p class="small">
            {say(texts.filing.ticketNumber)}：<code class="number">{ticket.ticket.slice(-12)}</code>
          </p>
        </Note>
      )}
      <p class="quiet small">
        {say(texts.filing.pageNumber)}：<code>{filing.key}</code>
      </p>
      <div>
        <button type="button" class="button plain" onClick={save}>
          {say(texts.filing.saveContent)}
        </button>
      </div>
    </section>
  )
}

export function saveFile(name: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
