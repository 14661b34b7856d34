/** Files of an employer: one to send, and those that were sent, with how each stands. */
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Batch } from '../../../client/client.ts'
import { type BatchList, isOf, listBatches, stageTexts, toneOf } from '../../files/batches.ts'
import type { Read } from '../../state/read.ts'
import { hrefOf } from '../../state/router.ts'
import { mayFile, session, sessionEnded } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { instant, month } from '../../ui/money.ts'
import { Again, Note } from '../../ui/note.tsx'
import { Page } from '../../ui/page.tsx'
import { useSay } from '../../ui/say.ts'
import { FileUpload } from './upload.tsx'

export type FilesProps = { readonly employer: string; readonly subject: string }

export function Files({ employer, subject }: FilesProps) {
  const say = useSay()
  const state = useStore(session)
  return (
    <Page title={say(texts.files.title)}>
      <p class="lead">{say(texts.files.lead)}</p>
      {mayFile(state) ? (
        <FileUpload employer={employer} subject={subject} />
      ) : (
        <Note tone="hint">
          <p>{say(texts.entry.viewer)}</p>
        </Note>
      )}
      <section class="stack close" aria-labelledby="files-sent">
        <h2 id="files-sent">{say(texts.files.yours)}</h2>
        <Sent employer={employer} />
      </section>
    </Page>
  )
}

function Sent({ employer }: { readonly employer: string }) {
  const say = useSay()
  const [batches, setBatches] = useState<readonly Batch[]>([])
  const [last, setLast] = useState<Read<BatchList>>()
  const load = useCallback((next?: string) => {
    void listBatches(next).then((found) => {
      if (found.kind === 'signedOut') sessionEnded()
      setLast(found)
      if (found.kind === 'ok')
        setBatches((before) =>
          next === undefined ? found.value.batches : [...before, ...found.value.batches],
        )
    })
  }, [])
  useEffect(() => load(), [load])
  if (last === undefined) return <p class="quiet">{say(texts.general.loading)}</p>
  const next = last.kind === 'ok' ? last.value.links.next : undefined
  const shown = batches.filter((batch) => isOf(batch, employer))
  return (
    <>
      {last.kind !== 'ok' && last.kind !== 'signedOut' && (
        <Again atMs={last.kind === 'busy' ? last.resumesAtMs : undefined} again={() => load()} />
      )}
      {last.kind === 'ok' && shown.length === 0 && <p class="quiet">{say(texts.files.none)}</p>}
      {shown.length > 0 && <BatchItems batches={shown} />}
      {next !== undefined && (
        <div>
          <button type="button" class="button" onClick={() => load(next)}>
            {say(texts.files.more)}
          </button>
        </div>
      )}
    </>
  )
}

export function BatchItems({ batches }: { readonly batches: readonly Batch[] }) {
  const say = useSay()
  const chosen = useStore(language)
  return (
    <ul class="list">
      {batches.map((batch) => {
        const { rows } = batch.progress
        return (
          <li key={batch.id}>
            <a class="entry" href={hrefOf('files', batch.id)}>
              <span class="entry-name typed">{batch.filename ?? say(texts.files.unnamed)}</span>
              <span class="quiet small">
                {month(batch.period, chosen)} · {instant(batch.createdAt, chosen)}
              </span>
              <span class="row entry-badges">
                <StageBadge stage={batch.stage} />
                {rows !== undefined && rows.setAside > 0 && (
                  <span class="badge warning">
                    {say(texts.files.rowsAside, { count: rows.setAside })}
                  </span>
                )}
              </span>
            </a>
          </li>
        )
      })}
    </ul>
  )
}

export function StageBadge({ stage }: Pick<Batch, 'stage'>) {
  const say = useSay()
  return <span class={`badge ${toneOf(stage)}`}>{say(stageTexts[stage])}</span>
}
