/** One file: how far it is, what was filed of it, and the rows that are to be mended. */
import { useEffect, useState } from 'preact/hooks'
import type { Batch, BatchOutcome, BatchStage } from '../../../client/client.ts'
import { type FiledPart, listBatches, readFiled } from '../../files/batches.ts'
import { client } from '../../files/upload.ts'
import { hrefOf } from '../../state/router.ts'
import { mayFile, session, sessionEnded } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { grouped, instant, month } from '../../ui/money.ts'
import { Again, Note } from '../../ui/note.tsx'
import { Page } from '../../ui/page.tsx'
import { useSay } from '../../ui/say.ts'
import { Aside } from './aside.tsx'
import { CancelFile } from './cancel.tsx'
import { BatchItems, type FilesProps } from './files.tsx'
import { Counts, Steps } from './steps.tsx'

/** As long as somebody looks. */
const followMsMax = 86_400_000

type Followed = {
  readonly batch?: Batch
  readonly ended?: BatchOutcome
  readonly again: () => void
}

/** The file as it is, until nothing more happens to it. */
function useBatch(id: string): Followed {
  const [batch, setBatch] = useState<Batch>()
  const [ended, setEnded] = useState<BatchOutcome>()
  const [tries, setTries] = useState(0)
  useEffect(() => {
    const leaving = new AbortController()
    const { signal } = leaving
    setEnded(undefined)
    const options = { signal, giveUpAfterMs: followMsMax, onStage: setBatch }
    void client.followBatch(id, options).then((outcome) => {
      if (signal.aborted) return
      if (outcome.kind === 'unauthenticated') sessionEnded()
      setEnded(outcome)
    })
    return () => leaving.abort()
  }, [id, tries])
  return {
    ...(batch && { batch }),
    ...(ended && { ended }),
    again: () => setTries((before) => before + 1),
  }
}

export function FileScreen({ id, ...filer }: FilesProps & { readonly id: string }) {
  const say = useSay()
  const chosen = useStore(language)
  const { batch, ended, again } = useBatch(id)
  const isSeen = ended === undefined || 'batch' in ended
  if (batch === undefined)
    return (
      <Page key="unknown" title={say(texts.files.title)}>
        {isSeen && <p class="quiet">{say(texts.general.loading)}</p>}
        {ended?.kind === 'unavailable' && <Again atMs={ended.resumesAtMs} again={again} />}
        {!isSeen && ended.kind !== 'unavailable' && <p>{say(texts.general.refused)}</p>}
        <BackToFiles />
      </Page>
    )
  const name = batch.filename ?? say(texts.files.unnamed)
  return (
    <Page key={batch.id} title={name} eyebrow={month(batch.period, chosen)} wide>
      {batch.id !== id && (
        <Note tone="hint">
          <p>{say(texts.files.wasSentBefore)}</p>
        </Note>
      )}
      <Steps batch={batch} />
      {ended?.kind === 'unavailable' && <Again atMs={ended.resumesAtMs} again={again} />}
      <Verdict batch={batch} />
      <Counts batch={batch} />
      <Findings batch={batch} />
      {batch.links.errors !== undefined && <Aside key={batch.id} batch={batch} {...filer} />}
      {batch.links.declarations !== undefined && <Filed key={batch.stage} batch={batch} />}
      <Family batch={batch} />
      <Facts batch={batch} again={again} />
      <BackToFiles />
    </Page>
  )
}

function BackToFiles() {
  const say = useSay()
  return (
    <div>
      <a class="found-link" href={hrefOf('files')}>
        {say(texts.files.back)}
      </a>
    </div>
  )
}

const nothingFiled: ReadonlySet<BatchStage> = new Set([
  ...(['refused', 'unreadable', 'damaged', 'cancelled', 'expired'] as const),
])

/** What it comes to, in a sentence. */
function Verdict({ batch }: { readonly batch: Batch }) {
  const say = useSay()
  const { stage, wouldFile, progress } = batch
  const { rows, deadLetters = 0 } = progress
  const isWhole = stage === 'posted' && rows?.setAside === 0 && deadLetters === 0
  const isNothing = nothingFiled.has(stage) && (rows?.filed ?? 0) === 0
  return (
    <div class="stack close" aria-live="polite">
      {isWhole && (
        <Note tone="ok">
          <p>{say(texts.files.allGood)}</p>
        </Note>
      )}
      {stage === 'receiving' && (
        <Note tone="warning">
          <p>{say(texts.files.receivingText)}</p>
        </Note>
      )}
      {isNothing && (
        <Note tone="error">
          <p>{say(texts.files.nothingFiled)}</p>
        </Note>
      )}
      {wouldFile !== undefined && (
        <Note tone="hint">
          <p>
            {say(texts.files.wouldFile, {
              lines: wouldFile.lines,
              employer: grouped(wouldFile.total.employer),
              employee: grouped(wouldFile.total.employee),
            })}
          </p>
        </Note>
      )}
      {deadLetters > 0 && (
        <Note tone="warning">
          <p>{say(texts.files.deadLetters, { count: deadLetters })}</p>
        </Note>
      )}
    </div>
  )
}

/** Of the file as a whole; how it was read is there for who asks. */
function Findings({ batch }: { readonly batch: Batch }) {
  const say = useSay()
  const chosen = useStore(language)
  const findings = batch.findings ?? []
  const notices = findings.filter(({ severity }) => severity === 'hint')
  const serious = findings.filter(({ severity }) => severity !== 'hint')
  return (
    <>
      {serious.length > 0 && (
        <section class="stack close" aria-labelledby="file-findings">
          <h2 id="file-findings">{say(texts.files.fileFindings)}</h2>
          {serious.map((finding, nth) => (
            <Note key={nth} tone={finding.severity === 'error' ? 'error' : 'warning'}>
              <p class="typed">{finding.message[chosen]}</p>
              <p class="typed">{finding.fix[chosen]}</p>
            </Note>
          ))}
        </section>
      )}
      {notices.length > 0 && (
        <details class="notices">
          <summary>{say(texts.files.notices, { count: notices.length })}</summary>
          {notices.map((finding, nth) => (
            <p key={nth} class="small typed">
              {finding.message[chosen]}
            </p>
          ))}
        </details>
      )}
    </>
  )
}

function Filed({ batch }: { readonly batch: Batch }) {
  const say = useSay()
  const chosen = useStore(language)
  const [parts, set] = useState<readonly FiledPart[]>([])
  useEffect(() => {
    void readFiled(batch.id).then((found) => {
      if (found.kind === 'ok') set(found.value.declarations)
    })
  }, [batch.id])
  const filed = parts.filter(({ id }) => id !== undefined)
  if (filed.length === 0) return null
  return (
    <section class="stack close" aria-labelledby="filed-of-it">
      <h2 id="filed-of-it">{say(texts.files.declarations)}</h2>
      <ul class="list">
        {filed.map(({ id = '', employer, period, lines }) => (
          <li key={id}>
            <a class="entry" href={hrefOf('receipt', id)}>
              <span class="entry-name number">{employer}</span>
              <span class="quiet small">
                {month(period, chosen)} · {say(texts.files.ofPersons, { count: lines })}
              </span>
              <span>{say(texts.files.toReceipt)}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The file that it mends, and those that mend it. */
function Family({ batch }: { readonly batch: Batch }) {
  const say = useSay()
  const [others, set] = useState<readonly Batch[]>([])
  const { amends, self } = batch.links
  useEffect(() => {
    void listBatches().then((found) => {
      if (found.kind === 'ok') set(found.value.batches.filter(({ links }) => links.amends === self))
    })
  }, [self, batch.stage])
  return (
    <>
      {amends !== undefined && (
        <p>
          {say(texts.files.amends)}{' '}
          <a class="found-link" href={hrefOf('files', amends.slice(amends.lastIndexOf('/') + 1))}>
            {say(texts.files.firstFile)}
          </a>
        </p>
      )}
      {others.length > 0 && (
        <section class="stack close" aria-labelledby="amended-by">
          <h2 id="amended-by">{say(texts.files.amendedBy)}</h2>
          <BatchItems batches={others} />
        </section>
      )}
    </>
  )
}

function Facts({ batch, again }: { readonly batch: Batch; readonly again: () => void }) {
  const say = useSay()
  const chosen = useStore(language)
  const state = useStore(session)
  const { id, receivedAt, links, stage } = batch
  const isEarly = ['receiving', 'received', 'reading', 'checking'].includes(stage)
  return (
    <section class="stack close">
      <dl class="facts">
        {receivedAt !== undefined && (
          <>
            <dt>{say(texts.files.sentAt)}</dt>
            <dd class="number">{instant(receivedAt, chosen)}</dd>
          </>
        )}
        <dt>{say(texts.files.number)}</dt>
        <dd>
          <code>{id}</code>
        </dd>
      </dl>
      <div class="row">
        {links.receipt !== undefined && (
          <a class="button" href={links.receipt} download={`receipt-${id.slice(0, 8)}.json`}>
            {say(texts.files.receipt)}
          </a>
        )}
        {isEarly && mayFile(state) && <CancelFile id={id} cancelled={again} />}
      </div>
    </section>
  )
}
