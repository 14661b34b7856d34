/** All declarations of an employer, latest first, page by page; each with what became of it. */
import { useEffect, useState } from 'preact/hooks'
import { type Filed, type FiledPage, listFiled } from '../../state/declarations.ts'
import type { Read } from '../../state/read.ts'
import { hrefOf } from '../../state/router.ts'
import { sessionEnded } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { grouped, instant, month, yuanOf } from '../../ui/money.ts'
import { Again, Note } from '../../ui/note.tsx'
import { Page } from '../../ui/page.tsx'
import { useSay } from '../../ui/say.ts'
import { filedFen, StatusBadge } from '../filed-list.tsx'
import { personsOf } from './standing.tsx'

export function History({ employer }: { readonly employer: string }) {
  const say = useSay()
  const { filed, last, loadMore } = usePages(employer)
  const next = last?.kind === 'ok' ? last.value.links.next : undefined
  const isMissing = last !== undefined && last.kind !== 'ok' && last.kind !== 'signedOut'
  return (
    <Page title={say(texts.correct.historyTitle)} wide>
      <p class="quiet">{say(texts.correct.historyText)}</p>
      {last?.kind === 'ok' && filed.length === 0 && <p>{say(texts.entry.none)}</p>}
      {filed.length > 0 && <HistoryTable filed={filed} />}
      {last === undefined && <p class="quiet">{say(texts.general.loading)}</p>}
      {isMissing && last.kind === 'refused' && (
        <Note tone="error">
          <p>{say(texts.general.refused)}</p>
        </Note>
      )}
      {isMissing && last.kind !== 'refused' && (
        <Again atMs={last.kind === 'busy' ? last.resumesAtMs : undefined} again={loadMore} />
      )}
      <div class="row">
        {next !== undefined && (
          <button type="button" class="button" onClick={loadMore}>
            {say(texts.correct.more)}
          </button>
        )}
        {filed.length > 0 && (
          <span class="quiet small" role="status">
            {say(next === undefined ? texts.correct.allShown : texts.correct.someShown, {
              count: filed.length,
            })}
          </span>
        )}
      </div>
    </Page>
  )
}

/** Pages that were read so far, and how the last read ended; undefined while one is read. */
function usePages(employer: string) {
  const [filed, setFiled] = useState<readonly Filed[]>([])
  const [next, setNext] = useState<string>()
  const [last, setLast] = useState<Read<FiledPage>>()
  const loadMore = () => {
    setLast(undefined)
    void listFiled(employer, next).then((found) => {
      if (found.kind === 'signedOut') sessionEnded()
      if (found.kind === 'ok') {
        const { declarations, links } = found.value
        setFiled((before) => [...before, ...declarations])
        setNext(links.next)
      }
      setLast(found)
    })
  }
  useEffect(loadMore, [employer])
  return { filed, last, loadMore }
}

function HistoryTable({ filed }: { readonly filed: readonly Filed[] }) {
  const say = useSay()
  const titles = ['month', 'kind', 'acceptedAt', 'personsCount', 'total', 'status'] as const
  const numbers: readonly string[] = ['personsCount', 'total']
  return (
    <table class="table history">
      <thead>
        <tr>
          {titles.map((title) => (
            <th key={title} scope="col" class={numbers.includes(title) ? 'number' : undefined}>
              {say(texts.correct[title])}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {filed.map((one) => (
          <HistoryRow key={one.id} one={one} />
        ))}
      </tbody>
    </table>
  )
}

function HistoryRow({ one }: { readonly one: Filed }) {
  const say = useSay()
  const chosen = useStore(language)
  const fen = filedFen(one)
  const { supersededBy } = one
  const isCancelled = supersededBy?.kind === 'cancellation'
  return (
    <tr>
      <th scope="row">
        <a class="history-link" href={hrefOf('receipt', one.id)}>
          {month(one.period, chosen)}
        </a>
      </th>
      <td>{say(texts.entry[one.kind])}</td>
      <td>
        <span class="number">{instant(one.acceptedAt, chosen)}</span>{' '}
        {!one.onTime && <span class="badge warning">{say(texts.entry.late)}</span>}
      </td>
      <td class="number" data-title={say(texts.correct.personsCount)}>
        {one.kind === 'cancellation' ? '—' : (personsOf(one) ?? '—')}
      </td>
      <td class="number" data-title={say(texts.correct.total)}>
        {fen === undefined || one.kind === 'cancellation' ? '—' : grouped(yuanOf(fen))}
      </td>
      <td>
        <StatusBadge filed={one} />
        {supersededBy !== undefined && (
          <a class="history-link small" href={hrefOf('receipt', supersededBy.id)}>
            {say(isCancelled ? texts.correct.cancelledBy : texts.correct.replacedBy)}
          </a>
        )}
      </td>
    </tr>
  )
}
