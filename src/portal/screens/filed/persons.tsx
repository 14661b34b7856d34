/** What each person of a declaration comes to as it counts now, and how each amount came about. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Explained } from '../../rules/protocol.ts'
import { type FiledAmount, readFiled } from '../../state/declarations.ts'
import { type Read, read } from '../../state/read.ts'
import { hrefOf } from '../../state/router.ts'
import { sessionEnded } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { grouped, month } from '../../ui/money.ts'
import { Again, Note } from '../../ui/note.tsx'
import { Page } from '../../ui/page.tsx'
import { useSay } from '../../ui/say.ts'
import { Sentences } from '../explain.tsx'

type PersonAmounts = {
  readonly line: number
  readonly person: { readonly name: string; readonly idNumber: string }
  readonly amounts: readonly FiledAmount[]
  readonly total: { readonly employer: string; readonly employee: string }
}

type Lines = { readonly lines: readonly PersonAmounts[] }

/** Shown at first, and more at each press; with more, one searches. */
const [firstShown, moreShown] = [50, 200]

export function Persons({ id }: { readonly id: string }) {
  const say = useSay()
  const chosen = useStore(language)
  const [found, set] = useState<Read<Lines>>()
  const [period, setPeriod] = useState<string>()
  const load = () => {
    void read<Lines>(`/v1/declarations/${encodeURIComponent(id)}/amounts`).then((answer) => {
      if (answer.kind === 'signedOut') sessionEnded()
      // A stream that broke off is not whole.
      const isWhole = answer.kind !== 'ok' || Array.isArray(answer.value.lines)
      set(isWhole ? answer : { kind: 'lost' })
    })
  }
  useEffect(load, [id])
  useEffect(() => {
    void readFiled(id).then((filed) => filed.kind === 'ok' && setPeriod(filed.value.period))
  }, [id])
  return (
    <Page
      title={say(texts.meaning.personsTitle)}
      eyebrow={period === undefined ? undefined : month(period, chosen)}
    >
      <p class="quiet">{say(texts.meaning.personsText)}</p>
      {(found === undefined || found.kind === 'signedOut') && (
        <p class="quiet">{say(texts.general.loading)}</p>
      )}
      {found?.kind === 'ok' && <List id={id} lines={found.value.lines} />}
      {found?.kind === 'refused' && (
        <Note tone="error">
          <p>{say(texts.general.refused)}</p>
        </Note>
      )}
      {(found?.kind === 'busy' || found?.kind === 'lost') && (
        <Again atMs={found.kind === 'busy' ? found.resumesAtMs : undefined} again={load} />
      )}
      <div class="no-print">
        <a class="button" href={hrefOf('receipt', id)}>
          {say(texts.correct.backToReceipt)}
        </a>
      </div>
    </Page>
  )
}

function List({ id, lines }: Lines & { readonly id: string }) {
  const say = useSay()
  const [wanted, setWanted] = useState('')
  const [shown, setShown] = useState(firstShown)
  const [opened, setOpened] = useState<PersonAmounts>()
  const matching = useMemo(() => matchingOf(lines, wanted), [lines, wanted])
  return (
    <>
      <div class="field no-print">
        <label for="wanted-one">{say(texts.declare.search)}</label>
        <input
          id="wanted-one"
          type="search"
          autocomplete="off"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </div>
      {matching.length === 0 && <p role="status">{say(texts.meaning.noPersons)}</p>}
      <ul class="list">
        {matching.slice(0, shown).map((one) => (
          <li key={one.line}>
            <PersonEntry one={one} onOpen={() => setOpened(one)} />
          </li>
        ))}
      </ul>
      {matching.length > shown && (
        <div>
          <button type="button" class="button plain" onClick={() => setShown(shown + moreShown)}>
            {say(texts.correct.morePersons, { count: matching.length - shown })}
          </button>
        </div>
      )}
      {opened !== undefined && (
        <PersonExplained id={id} one={opened} onClose={() => setOpened(undefined)} />
      )}
    </>
  )
}

function matchingOf(lines: readonly PersonAmounts[], wanted: string): readonly PersonAmounts[] {
  const text = wanted.trim().toUpperCase()
  if (text === '') return lines
  return lines.filter(
    ({ person: { name, idNumber } }) =>
      name.toUpperCase().includes(text) || idNumber.toUpperCase().includes(text),
  )
}

type EntryProps = { readonly one: PersonAmounts; readonly onOpen: () => void }

function PersonEntry({ one, onOpen }: EntryProps) {
  const say = useSay()
  const { person, total } = one
  return (
    <button type="button" class="entry-button person-entry" onClick={onOpen}>
      <span class="typed">{person.name}</span>
      <span class="number quiet small">{person.idNumber}</span>
      <span class="number small">
        {say(texts.meaning.employer, { amount: grouped(total.employer) })}
        {' · '}
        {say(texts.meaning.employee, { amount: grouped(total.employee) })}
      </span>
    </button>
  )
}

type ExplainedLines = {
  readonly explanation: { readonly lines: readonly { readonly amounts: readonly Explained[] }[] }
  readonly reassessments: readonly {
    readonly explanation?: ExplainedLines['explanation']
  }[]
}

type PersonExplainedProps = {
  readonly id: string
  readonly one: PersonAmounts
  readonly onClose: () => void
}

function PersonExplained({ id, one, onClose }: PersonExplainedProps) {
  const say = useSay()
  const [found, set] = useState<Read<ExplainedLines>>()
  const load = () =>
    void read<ExplainedLines>(
      `/v1/declarations/${encodeURIComponent(id)}/explanation?line=${one.line}&count=1`,
    ).then(set)
  useEffect(load, [one])
  return (
    <Dialog title={say(texts.declare.explainTitle, { name: one.person.name })} onClose={onClose}>
      {found === undefined && <p class="quiet">{say(texts.general.loading)}</p>}
      {found?.kind === 'ok' && <Sentences amounts={sentencesOf(found.value)} />}
      {found?.kind === 'refused' && <p>{say(texts.general.refused)}</p>}
      {(found?.kind === 'busy' || found?.kind === 'lost') && (
        <Again atMs={found.kind === 'busy' ? found.resumesAtMs : undefined} again={load} />
      )}
    </Dialog>
  )
}

/** As it counts now: by the last pack that it was reassessed with. */
function sentencesOf({ explanation, reassessments }: ExplainedLines): readonly Explained[] {
  const latest = reassessments.at(-1)?.explanation ?? explanation
  return latest.lines[0]?.amounts ?? []
}
