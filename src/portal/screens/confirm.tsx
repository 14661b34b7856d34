/** Check answers, then file: nothing is filed before the button that says so. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { freezeFiling } from '../../client/client.ts'
import type { Declaration } from '../../declaration/schema.ts'
import type { DeskName, DeskState } from '../filing/desk.ts'
import { keep } from '../filing/sealed.ts'
import { isSent, senderOf, sentNameOf } from '../filing/sender.ts'
import { countRows, type EditedHeader, type Row } from '../grid/row.ts'
import type { Checked } from '../rules/protocol.ts'
import { useServerNow } from '../state/clock.ts'
import { replacedSince } from '../state/declarations.ts'
import { go, hrefOf } from '../state/router.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { deadlineText, month } from '../ui/money.ts'
import { Note } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { useSay } from '../ui/say.ts'
import { AmountsTable } from './amounts.tsx'
import { PutOff, useDesk } from './declare.tsx'
import { Replaced } from './filed/correct.tsx'
import { AmountDifferences, PersonDifferences, useDifference } from './filed/difference.tsx'

export function Confirm({ name }: { readonly name: DeskName }) {
  const say = useSay()
  const desk = useDesk(name)
  const state = useStore(desk.state)
  useEffect(() => {
    void isSent(name).then((sent) => sent && go('sending', name.period))
  }, [desk])
  const isCorrection = state.kind === 'ready' && state.header.kind === 'correction'
  return (
    <Page
      title={say(isCorrection ? texts.correct.confirmTitle : texts.filing.confirmTitle)}
      eyebrow={`${say(texts.declare.step, { step: 2 })} · ${say(texts.declare.stepAmounts)}`}
    >
      {state.kind === 'ready' ? (
        <Answers ready={state} desk={desk} />
      ) : (
        <PutOff state={state} desk={desk} />
      )}
    </Page>
  )
}

type AnswersProps = {
  readonly ready: Extract<DeskState, { kind: 'ready' }>
  readonly desk: ReturnType<typeof useDesk>
}

function Answers({ ready, desk }: AnswersProps) {
  const say = useSay()
  const chosen = useStore(language)
  const rows = useStore(ready.sheet.rows)
  const { kind, checked } = useStore(desk.check)
  const [isFiling, setFiling] = useState(false)
  const { period } = ready.header
  const difference = useDifference(ready.corrects, rows)
  const { replacedBy, askAgain } = useReplacedSince(ready.header)
  const isSettled = kind === 'checked' || kind === 'failed'
  const isNothing = difference?.persons.length === 0
  const isFine = rows.length > 0 && (checked?.errors ?? 0) === 0 && !isNothing
  const mayFile = isSettled && isFine && replacedBy === undefined && !isFiling
  const file = async () => {
    if (!mayFile) return
    setFiling(true)
    // Another tab may have begun to file the month with other content: that one goes on, and this one is kept.
    if (await isSent(desk.name)) return go('sending', period)
    if (await askAgain()) return setFiling(false)
    const filing = await freezeFiling(declarationOf(ready.header, rows))
    // Kept before anything is sent: from here on exactly this goes out, also after a reload.
    await keep(sentNameOf(desk.name), filing).catch(() => {})
    void senderOf(desk.name).start(filing)
    go('sending', period)
  }
  if (replacedBy !== undefined)
    return <Replaced by={replacedBy} name={desk.name} entered="correction" />
  const isCorrection = ready.header.kind === 'correction'
  return (
    <>
      <Note tone="warning">
        <p>{say(isCorrection ? texts.correct.confirmNot : texts.filing.confirmNot)}</p>
      </Note>
      <Facts header={ready.header} rows={rows} checked={checked} />
      {isNothing && (
        <Note tone="hint">
          <p>{say(texts.correct.nothingToCorrect)}</p>
        </Note>
      )}
      {difference !== undefined && !isNothing && <PersonDifferences difference={difference} />}
      {ready.corrects !== undefined && isSettled && !isNothing && (
        <AmountDifferences corrects={ready.corrects} checked={checked} />
      )}
      <section class="stack close" aria-labelledby="amounts">
        <h2 id="amounts">
          {say(isCorrection ? texts.correct.amountsAfter : texts.declare.amounts)}
        </h2>
        {isSettled ? (
          <AmountsTable checked={checked} corrects={ready.corrects} />
        ) : (
          <p class="quiet">{say(texts.declare.checking)}</p>
        )}
      </section>
      {checked !== undefined && checked.errors > 0 && (
        <Note tone="error" alert>
          <p>{say(texts.declare.summaryErrors, { count: checked.errors })}</p>
        </Note>
      )}
      {checked !== undefined && checked.warnings > 0 && <Warnings checked={checked} />}
      <div class="row">
        <button
          type="button"
          class="button main"
          aria-disabled={!mayFile}
          onClick={() => void file()}
        >
          {say(isCorrection ? texts.correct.file : texts.filing.file, {
            month: month(period, chosen),
          })}
        </button>
        <a class="button" href={hrefOf('declare', period)}>
          {say(texts.filing.edit)}
        </a>
      </div>
    </>
  )
}

/**
 * Of a correction, the declaration that stands by now where it is not the one that is corrected; empty where none does.
 * Where the service is too busy to tell, the filing goes on: the service itself refuses to overwrite what it does not name.
 */
function useReplacedSince({ employer, period, region, replaces }: EditedHeader) {
  const [replacedBy, set] = useState<string>()
  const askAgain = async () => {
    if (replaces === undefined) return false
    const by = await replacedSince({ employer, period, region, id: replaces })
    set(by)
    return by !== undefined
  }
  useEffect(() => void askAgain(), [replaces])
  return { replacedBy, askAgain }
}

/** Cells that nobody filled in are left out: the schema has no empty ones. */
function declarationOf(header: EditedHeader, rows: readonly Row[]): Declaration {
  return { ...header, lines: rows.map(({ line }) => line) } as Declaration
}

type FactsProps = {
  readonly header: EditedHeader
  readonly rows: readonly Row[]
  readonly checked: Checked | undefined
}

function Facts({ header, rows, checked }: FactsProps) {
  const say = useSay()
  const chosen = useStore(language)
  const now = useServerNow(10_000)
  const counts = useMemo(() => countRows(rows), [rows])
  const changed = counts.rows - counts.same
  const deadline = checked?.deadlineMs
  return (
    <dl class="facts card">
      <dt>{say(texts.filing.employer)}</dt>
      <dd class="number">{header.employer}</dd>
      <dt>{say(texts.filing.period)}</dt>
      <dd>{month(header.period, chosen)}</dd>
      <dt>{say(texts.filing.kind)}</dt>
      <dd>{say(texts.entry[header.kind])}</dd>
      <dt>{say(texts.filing.persons)}</dt>
      <dd>
        {say(counts.rows === 1 ? texts.general.onePerson : texts.general.persons, {
          count: counts.rows,
        })}
      </dd>
      {header.replaces !== undefined && (
        <>
          <dt>{say(texts.correct.replaces)}</dt>
          <dd>
            <code>{header.replaces}</code>
          </dd>
        </>
      )}
      {header.kind !== 'correction' && (
        <>
          <dt>{say(texts.filing.changes)}</dt>
          <dd>
            {changed === 0
              ? say(texts.declare.unchanged, { rows: counts.rows })
              : say(texts.declare.counts, {
                  ...{ rows: counts.rows, changed, joined: counts.joined + counts.added },
                  ...{ left: counts.left, edited: counts.edited },
                })}
          </dd>
        </>
      )}
      {deadline !== undefined && (
        <>
          <dt>{say(texts.filing.deadline)}</dt>
          <dd>
            {deadlineText(deadline, chosen)}
            {now > deadline && <p class="tone-warning">{say(texts.filing.lateWarning)}</p>}
          </dd>
        </>
      )}
    </dl>
  )
}

function Warnings({ checked }: { readonly checked: Checked }) {
  const say = useSay()
  const chosen = useStore(language)
  return (
    <section class="stack close" aria-labelledby="warnings">
      <h2 id="warnings">{say(texts.filing.warnings)}</h2>
      <ul class="plain-list">
        {checked.groups
          .filter(({ severity }) => severity !== 'error')
          .map(({ code, title, count }) => (
            <li key={code}>
              {title[chosen]} × {count}
            </li>
          ))}
      </ul>
    </section>
  )
}
