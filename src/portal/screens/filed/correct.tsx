/**
 * The way into a correction: reads what is in force, asks where a draft is in the way, and opens the grid. Where
 * another declaration came since, says so: a correction of the one before would overwrite it.
 */
import { useEffect, useState } from 'preact/hooks'
import {
  type Correctable,
  fileAnew,
  isCorrectionOf,
  readCorrectable,
  withEntered,
} from '../../filing/correction.ts'
import { beginDraft, type DeskName, findDraft, type KeptDraft } from '../../filing/desk.ts'
import type { Read } from '../../state/read.ts'
import { go, goInstead, hrefOf } from '../../state/router.ts'
import { chooseEmployer, sessionEnded } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { month } from '../../ui/money.ts'
import { Again, Note } from '../../ui/note.tsx'
import { Page } from '../../ui/page.tsx'
import { useSay } from '../../ui/say.ts'
import { personsText } from '../filed-list.tsx'

type CorrectProps = {
  readonly subject: string
  /** The id; with `/draft` behind it, what was entered is taken. */
  readonly argument: string
}

type State =
  | Exclude<Read<Correctable>, { kind: 'ok' }>
  | { readonly kind: 'loading' }
  | { readonly kind: 'choice'; readonly found: Correctable; readonly kept: KeptDraft }
  | { readonly kind: 'replaced'; readonly found: Correctable; readonly by: string }

export function Correct({ subject, argument }: CorrectProps) {
  const say = useSay()
  const chosen = useStore(language)
  const [id = '', way] = argument.split('/')
  const [state, set] = useState<State>({ kind: 'loading' })
  const load = () => void next(subject, id, way === 'draft').then((found) => found && set(found))
  useEffect(load, [argument])
  const period = 'found' in state ? state.found.filed.period : periodOf(id)
  return (
    <Page title={say(texts.correct.beginTitle, { month: month(period, chosen) })}>
      <Content {...{ state, subject, load }} />
    </Page>
  )
}

/** Ids begin with their month: `202508-…`. */
function periodOf(id: string): string {
  return `${id.slice(0, 4)}-${id.slice(4, 6)}`
}

/** @returns undefined where the grid was opened */
async function next(subject: string, id: string, isEntered: boolean): Promise<State | undefined> {
  const read = await readCorrectable(id)
  if (read.kind === 'signedOut') sessionEnded()
  if (read.kind !== 'ok') return read
  const found = read.value
  if (found.replacedBy !== undefined) return { kind: 'replaced', found, by: found.replacedBy }
  const kept = await findDraft(nameOf(subject, found))
  if (isCorrectionOf(kept, found.draft.header.replaces ?? id)) return open(found)
  if (kept === undefined) return begin(subject, found, found.draft)
  return isEntered
    ? begin(subject, found, withEntered(found.draft, kept.rows))
    : { kind: 'choice', found, kept }
}

const nameOf = (subject: string, { filed: { employer, period } }: Correctable) => ({
  ...{ subject, employer, period },
})

async function begin(subject: string, found: Correctable, draft: KeptDraft): Promise<undefined> {
  await beginDraft(nameOf(subject, found), draft)
  return open(found)
}

function open({ filed }: Correctable): undefined {
  chooseEmployer(filed.employer)
  goInstead('declare', filed.period)
}

type ContentProps = {
  readonly state: State
  readonly subject: string
  readonly load: () => void
}

function Content({ state, subject, load }: ContentProps) {
  const say = useSay()
  const chosen = useStore(language)
  switch (state.kind) {
    case 'loading':
    case 'signedOut':
      return <p class="quiet">{say(texts.general.loading)}</p>
    case 'busy':
      return <Again atMs={state.resumesAtMs} again={load} />
    case 'lost':
      return <Again atMs={undefined} again={load} />
    case 'refused':
      return (
        <Note tone="error">
          <p>{state.problem?.message?.[chosen] ?? say(texts.general.refused)}</p>
          {state.problem?.fix !== undefined && <p>{state.problem.fix[chosen]}</p>}
        </Note>
      )
    case 'replaced':
      return <Replaced by={state.by} name={nameOf(subject, state.found)} entered="nothing" />
    case 'choice':
      return <Choice found={state.found} kept={state.kept} subject={subject} />
  }
}

type ReplacedProps = {
  /** Empty where nothing stands any more. */
  readonly by: string
  readonly name: DeskName
  /** What was entered as a correction is not lost. */
  readonly entered: 'nothing' | 'correction'
  /** Said in place of the usual text. */
  readonly text?: string
  /** Before one of its links is followed. */
  readonly onLeave?: () => void
}

export function Replaced({ by, name, entered, text, onLeave }: ReplacedProps) {
  const say = useSay()
  const isVoid = by === ''
  return (
    <div class="stack">
      <Note tone="warning" alert>
        <h2>{say(texts.correct.replacedTitle)}</h2>
        <p>{text ?? say(isVoid ? texts.correct.voidText : texts.correct.replacedText)}</p>
      </Note>
      <div class="row">
        {isVoid ? (
          <button
            type="button"
            class="button main"
            onClick={() => void fileAnew(name).then(() => go('declare', name.period))}
          >
            {say(texts.correct.fileAnew)}
          </button>
        ) : (
          <>
            <a class="button main" href={hrefOf('receipt', by)} onClick={onLeave}>
              {say(texts.correct.openStanding)}
            </a>
            {entered === 'correction' && (
              <a class="button" href={hrefOf('correct', `${by}/draft`)} onClick={onLeave}>
                {say(texts.correct.correctStanding)}
              </a>
            )}
          </>
        )}
      </div>
    </div>
  )
}

type ChoiceProps = {
  readonly found: Correctable
  readonly kept: KeptDraft
  readonly subject: string
}

function Choice({ found, kept, subject }: ChoiceProps) {
  const say = useSay()
  const chosen = useStore(language)
  const take = (draft: KeptDraft) => void begin(subject, found, draft)
  return (
    <div class="stack">
      <p>
        {say(texts.correct.draftFound, {
          month: month(found.filed.period, chosen),
          persons: personsText(kept.rows.length, say),
        })}
      </p>
      <div class="row">
        <button
          type="button"
          class="button main"
          onClick={() => take(withEntered(found.draft, kept.rows))}
        >
          {say(texts.correct.fromDraft)}
        </button>
        <button type="button" class="button" onClick={() => take(found.draft)}>
          {say(texts.correct.fromInForce, { persons: personsText(found.draft.rows.length, say) })}
        </button>
      </div>
    </div>
  )
}
