/**
 * Sends one declaration until it is known what became of it. What is sent is settled and kept before the first attempt;
 * every attempt, also after a reload, sends these bytes with this key, so it counts once. Among tabs one sends.
 *
 * | the page ends after | then |
 * |---|---|
 * | the filing is kept | it is there as sent: opened again, the same bytes go out |
 * | it was sent | the same: accepted before, the original receipt comes back |
 * | the receipt came | the same, until it is forgotten: the original receipt again |
 * | it is forgotten | the receipt is found in the list of what was filed |
 */
import {
  type AttemptEvent,
  createClient,
  type FilingOutcome,
  type FrozenFiling,
} from '../../client/client.ts'
import { createStore, type Store } from '../state/store.ts'
import { clearDesk, type DeskName } from './desk.ts'
import { cancelledBy } from './frozen.ts'
import { find, forget, keep } from './sealed.ts'

export type Sending =
  | { readonly kind: 'none' }
  | { readonly kind: 'sending'; readonly attempt: number; readonly filing: FrozenFiling }
  | (Extract<AttemptEvent, { kind: 'waiting' }> & { readonly filing: FrozenFiling })
  /** Another tab sends it. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'ended'; readonly outcome: FilingOutcome }

export type Sender = {
  readonly state: Store<Sending>
  /** Sends what was frozen, or goes on with what was kept. */
  start(filing?: FrozenFiling): Promise<void>
  /** Where an answer was certain that nothing was accepted: it may be edited again. */
  thaw(): Promise<void>
}

export const sentNameOf = ({ subject, employer, period }: DeskName) =>
  `sent ${subject} ${employer} ${period}`

/** As long as an attempt ticket serves. */
const giveUpAfterMs = 7 * 86_400_000
/** After an answer that was no answer, as of a network's sign-in page. */
const againAfterMs = 15_000

const client = createClient({ baseUrl: '' })
const accepted = new Map<string, string>()
const senders = new Map<string, Sender>()

/** The answer to a filing of this page, to the byte: its receipt needs no look-up. */
export function answerHere(id: string): string | undefined {
  return accepted.get(id)
}

export function senderOf(name: DeskName): Sender {
  const sentName = sentNameOf(name)
  const sender = senders.get(sentName) ?? createSender(name)
  senders.set(sentName, sender)
  return sender
}

export function isSent(name: DeskName): Promise<boolean> {
  return find(sentNameOf(name)).then((kept) => kept !== undefined)
}

function createSender(name: DeskName): Sender {
  const sentName = sentNameOf(name)
  const state = createStore<Sending>({ kind: 'none' })
  const tabs = new BroadcastChannel('spillway-filings')
  tabs.onmessage = ({ data }) => {
    if (
      data?.name !== sentName ||
      typeof data.text !== 'string' ||
      state.get().kind !== 'elsewhere'
    )
      return
    end({ kind: 'replayed', answer: JSON.parse(data.text), text: data.text })
  }
  let running: Promise<void> | undefined

  const end = (outcome: FilingOutcome) => {
    if (outcome.kind === 'accepted' || outcome.kind === 'replayed')
      accepted.set(outcome.answer.id, outcome.text)
    state.set({ kind: 'ended', outcome })
  }
  const send = async (filing: FrozenFiling): Promise<FilingOutcome> => {
    let latest = filing
    return client.file(filing, {
      giveUpAfterMs,
      keep: async (frozen) => {
        latest = frozen
        await keep(sentName, frozen).catch(() => {}) // it is in memory all the same
      },
      onAttempt: (event) => {
        if (event.kind === 'waiting') state.set({ ...event, filing: latest })
        else state.set({ kind: 'sending', attempt: event.attempt, filing: latest })
      },
    })
  }
  const run = async (given: FrozenFiling | undefined) => {
    let filing = (await find<FrozenFiling>(sentName))?.value ?? given
    if (filing === undefined) return
    await keep(sentName, filing).catch(() => {})
    for (;;) {
      const outcome: FilingOutcome = await send(filing)
      if (outcome.kind === 'accepted' || outcome.kind === 'replayed') {
        tabs.postMessage({ name: sentName, text: outcome.text })
        accepted.set(outcome.answer.id, outcome.text)
        // What is entered for the month is of no cancellation: it can be filed once that one counts.
        if (cancelledBy(filing) === undefined) await clearDesk(name)
        await forget(sentName)
        return end(outcome)
      }
      if (!isTriedAgain(outcome)) return end(outcome)
      filing = outcome.filing
      await pauseShown(state, filing)
    }
  }
  const begin = async (filing: FrozenFiling | undefined) => {
    const isMine = await navigator.locks.request(sentName, { ifAvailable: true }, async (lock) => {
      if (lock !== null) await run(filing)
      return lock !== null
    })
    if (isMine) return
    state.set({ kind: 'elsewhere' })
    // The other tab ended, or was closed: what it left is gone on with here.
    await navigator.locks.request(sentName, async () => {
      if (state.get().kind === 'elsewhere') await run(undefined)
    })
    if (state.get().kind === 'elsewhere') state.set({ kind: 'none' })
  }
  return {
    state,
    start: (filing) => {
      if (running === undefined) {
        // How an earlier filing of the month ended is not how this one does.
        state.set({ kind: 'none' })
        running = begin(filing).finally(() => {
          running = undefined
        })
      }
      return running
    },
    thaw: async () => {
      await forget(sentName)
      state.set({ kind: 'none' })
    },
  }
}

/** Nobody knows yet, and asking somebody would not help. */
function isTriedAgain(
  outcome: FilingOutcome,
): outcome is Extract<FilingOutcome, { kind: 'unknown' | 'notAccepted' | 'foreign' }> {
  return outcome.kind === 'unknown' || outcome.kind === 'notAccepted' || outcome.kind === 'foreign'
}

async function pauseShown(state: Store<Sending>, filing: FrozenFiling): Promise<void> {
  const { ticket } = filing
  state.set({
    ...{ kind: 'waiting', attempt: 1, why: 'foreign', waitMs: againAfterMs, filing },
    resumesAtMs: Date.now() + againAfterMs,
    ...(ticket && { ticket }),
  })
  await new Promise((resolve) => setTimeout(resolve, againAfterMs))
}
