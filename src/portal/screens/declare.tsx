/** The declaration of a period: its grid, what is found in it, and what it comes to. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Desk, DeskName, DeskState } from '../filing/desk.ts'
import { clearDesk, deskOf } from '../filing/desk.ts'
import type { Difference } from '../filing/difference.ts'
import { isShared } from '../filing/sealed.ts'
import { isSent } from '../filing/sender.ts'
import { Grid } from '../grid/grid.tsx'
import type { Cell } from '../grid/keys.ts'
import { type Column, columnOfField, countRows } from '../grid/row.ts'
import type { Found } from '../rules/protocol.ts'
import { type Filed, useStanding } from '../state/declarations.ts'
import { go, goInstead, hrefOf } from '../state/router.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { month } from '../ui/money.ts'
import { Again, Note } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { type Say, useSay } from '../ui/say.ts'
import { ActiveFindings } from './active-findings.tsx'
import { AmountsTable } from './amounts.tsx'
import { useDifference } from './filed/difference.tsx'
import { StandingCard } from './filed/standing.tsx'
import { Findings } from './findings.tsx'
import { pasteInto } from './paste-into.ts'
import { focusActive, shownOf } from './shown-rows.ts'
import { Toolbar } from './toolbar.tsx'

export function useDesk(name: DeskName): Desk {
  return useMemo(() => deskOf(name), [name.subject, name.employer, name.period])
}

export function Declare({ name }: { readonly name: DeskName }) {
  const say = useSay()
  const chosen = useStore(language)
  const desk = useDesk(name)
  const state = useStore(desk.state)
  const standing = useStanding(name.employer, name.period) ?? []
  // What was sent can't be edited until there is an answer.
  useEffect(() => {
    void isSent(name).then((sent) => sent && go('sending', name.period))
  }, [desk])
  const isCorrection = state.kind === 'ready' && state.header.kind === 'correction'
  const title = isCorrection ? texts.declare.correctionTitle : texts.declare.title
  return (
    <Page
      title={say(title, { month: month(name.period, chosen) })}
      eyebrow={`${say(texts.declare.step, { step: 1 })} · ${say(texts.declare.stepLines)}`}
      wide
    >
      <DeskContent state={state} desk={desk} standing={standing} />
    </Page>
  )
}

/** While there are no rows yet, what is waited for. */
export function PutOff({ state, desk }: { readonly state: DeskState; readonly desk: Desk }) {
  const say = useSay()
  if (state.kind === 'putOff')
    return <Again atMs={state.resumesAtMs} again={() => void desk.load()} />
  if (state.kind === 'refused')
    return (
      <Note tone="error">
        <p>{say(texts.general.refused)}</p>
      </Note>
    )
  return <p class="quiet">{say(texts.general.loading)}</p>
}

type ContentProps = {
  readonly state: DeskState
  readonly desk: Desk
  readonly standing: readonly Filed[]
}

/** A month that is filed is not begun again: what stands is shown, and a draft that somebody began before that. */
function DeskContent({ state, desk, standing }: ContentProps) {
  const say = useSay()
  const savedAtMs = useStore(desk.savedAtMs)
  const isReady = state.kind === 'ready'
  if (standing.length === 0 || (isReady && state.header.kind === 'correction'))
    return isReady ? <Editor ready={state} desk={desk} /> : <PutOff state={state} desk={desk} />
  const isOfHere = (one: Filed) => isReady && one.region === state.header.region
  const isElsewhere = isReady && state.proposed > 0 && !standing.some(isOfHere)
  const isDrafted = isReady && savedAtMs !== undefined
  return (
    <>
      {standing.map((one) => (
        <StandingCard
          key={one.id}
          standing={one}
          drafted={isDrafted ? state.sheet.rows.get().length : undefined}
        />
      ))}
      {isElsewhere && (
        <p>
          {say(texts.correct.otherRegion, {
            regions: standing.map(({ region = '' }) => region).join(', '),
            region: state.header.region,
          })}
        </p>
      )}
      {(isDrafted || isElsewhere) && <Editor ready={state} desk={desk} />}
    </>
  )
}

type EditorProps = { readonly ready: Extract<DeskState, { kind: 'ready' }>; readonly desk: Desk }

function Editor({ ready, desk }: EditorProps) {
  const say = useSay()
  const { sheet } = ready
  const rows = useStore(sheet.rows)
  const { checked, kind } = useStore(desk.check)
  const [active, setActive] = useState<Cell>({ row: 0, column: 'wage' })
  const [filter, setFilter] = useState({ wanted: '', onlyChanged: false })
  const [told, setTold] = useState('')
  const shown = useMemo(() => shownOf(rows, filter), [rows, filter])
  const marks =
    checked !== undefined && checked.marks.length === rows.length ? checked.marks : noMarks

  const jumpTo = (found: Found) => {
    setFilter({ wanted: '', onlyChanged: false })
    setActive({ row: Math.max(0, found.line), column: columnOfField(found.field) })
    focusActive()
  }
  const paste = (text: string) => {
    if (!/[\t\n]/.test(text.trim())) {
      sheet.edit(active.row, active.column, text.trim())
      return
    }
    void pasteInto(desk, sheet, text).then((done) => setTold(say(done.text, done.params)))
  }
  return (
    <>
      <Banner ready={ready} desk={desk} />
      <Toolbar
        {...{ desk, sheet, rows, active, filter, setFilter, setActive, setTold }}
        shown={shown.length}
        paste={paste}
      />
      <p class="unseen" id="grid-help">
        {say(texts.declare.gridHelp)}
      </p>
      {rows.length === 0 ? (
        <div class="card">
          <p class="quiet">{say(texts.declare.noRows)}</p>
        </div>
      ) : (
        <Grid
          {...{ rows, shown, marks, active }}
          readOnly={false}
          beforeTitle={ready.corrects ? texts.correct.inForce : texts.declare.before}
          onActive={setActive}
          onEdit={(row: number, column: Column, text: string) => sheet.edit(row, column, text)}
          onPaste={paste}
          onUndo={sheet.undo}
          onRedo={sheet.redo}
        />
      )}
      <p role="status" class={told === '' ? 'unseen' : 'note'}>
        {told}
      </p>
      <ActiveFindings
        desk={desk}
        row={rows[active.row]}
        index={active.row}
        column={active.column}
      />
      <Findings {...{ desk, sheet, rows, setTold }} onJump={jumpTo} />
      <section class="stack close" aria-labelledby="amounts">
        <h2 id="amounts">{say(texts.declare.amounts)}</h2>
        <AmountsTable checked={checked} corrects={ready.corrects} />
      </section>
      <Next
        {...{ kind, desk }}
        errors={checked?.errors ?? 0}
        rows={rows.length}
        corrects={ready.header.replaces}
      />
    </>
  )
}

const noMarks = new Uint8Array(0)

function Banner({ ready, desk }: EditorProps) {
  const say = useSay()
  const rows = useStore(ready.sheet.rows)
  const savedAtMs = useStore(desk.savedAtMs)
  const counts = useMemo(() => countRows(rows), [rows])
  const changed = counts.rows - counts.same
  const joined = counts.joined + counts.added
  const difference = useDifference(ready.corrects, rows)
  const text =
    difference !== undefined
      ? correctionText(difference, rows.length, say)
      : changed === 0
        ? say(texts.declare.unchanged, { rows: counts.rows })
        : say(texts.declare.counts, {
            ...{ rows: counts.rows, changed, joined, left: counts.left, edited: counts.edited },
          })
  const kept = isShared() ? texts.declare.keptShared : texts.declare.kept
  return (
    <div class="row desk-banner">
      <span class="number" role="status">
        {text}
      </span>
      <span class="quiet small row saved">
        <Icon name="lock" />
        {say(savedAtMs === undefined ? texts.declare.notFiled : kept)}
      </span>
    </div>
  )
}

function correctionText(
  { persons, added, removed, changed }: Difference,
  rows: number,
  say: Say,
): string {
  if (persons.length === 0) return say(texts.correct.same, { rows })
  return say(texts.correct.counts, { rows, added, removed, changed })
}

type NextProps = {
  readonly kind: string
  readonly errors: number
  readonly rows: number
  readonly desk: Desk
  /** The declaration that it corrects. */
  readonly corrects: string | undefined
}

function Next({ kind, errors, rows, desk, corrects }: NextProps) {
  const say = useSay()
  const isReady = errors === 0 && rows > 0
  const next = async () => {
    await desk.settled()
    if ((desk.check.get().checked?.errors ?? 0) === 0) go('confirm', desk.name.period)
    else document.getElementById('found')?.focus()
  }
  return (
    <div class="row desk-next">
      <button
        type="button"
        class="button main"
        aria-disabled={!isReady}
        onClick={() => (rows === 0 ? undefined : void next())}
      >
        {say(errors > 0 ? texts.declare.fixFirst : texts.declare.toAmounts)}
      </button>
      <a class="button plain" href={hrefOf('')}>
        {say(texts.general.home)}
      </a>
      {corrects !== undefined && (
        <button
          type="button"
          class="button plain"
          onClick={() => void clearDesk(desk.name).then(() => goInstead('receipt', corrects))}
        >
          {say(texts.correct.discard)}
        </button>
      )}
      {kind === 'checking' && <span class="quiet small">{say(texts.declare.checking)}</span>}
    </div>
  )
}
