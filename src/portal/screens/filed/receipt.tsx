/** The receipt: that it counts, on time or late, with its proof; and how far the declaration is. */
import { useEffect, useState } from 'preact/hooks'
import type { Receipt } from '../../../client/client.ts'
import { readReceipt, verifyAddress } from '../../filing/receipt.ts'
import { answerHere } from '../../filing/sender.ts'
import type { Filed } from '../../state/declarations.ts'
import { type Read, read } from '../../state/read.ts'
import { hrefOf } from '../../state/router.ts'
import { sessionEnded } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Icon } from '../../ui/icons.tsx'
import { deadlineText, instant, month } from '../../ui/money.ts'
import { Again, Note } from '../../ui/note.tsx'
import { Page } from '../../ui/page.tsx'
import { Qr } from '../../ui/qr.tsx'
import { useSay } from '../../ui/say.ts'
import { saveFile } from '../sending.tsx'
import { FiledAmounts, Progress } from './progress.tsx'
import { FiledFindings, ReceiptWays } from './receipt-ways.tsx'

/** What the statement of a receipt says. */
export type Statement = {
  readonly id: string
  readonly employer: string
  readonly period: string
  readonly kind: Filed['kind']
  readonly digest: string
  readonly acceptedAt: string
  readonly deadline: string
  readonly onTime: boolean
  readonly attemptedAt?: string
  readonly environment?: string
}

export function ReceiptScreen({ id }: { readonly id: string }) {
  const say = useSay()
  const [receipt, setReceipt] = useState<Read<Receipt>>()
  const load = () =>
    void readReceipt(id).then((found) => {
      if (found.kind === 'signedOut') sessionEnded()
      setReceipt(found)
    })
  useEffect(load, [id])
  if (receipt === undefined || receipt.kind === 'signedOut')
    return (
      <Page title={say(texts.declare.stepReceipt)}>
        <p class="quiet">{say(texts.general.loading)}</p>
      </Page>
    )
  if (receipt.kind !== 'ok')
    return (
      <Page title={say(texts.declare.stepReceipt)}>
        {receipt.kind === 'refused' ? (
          <Note tone="error">
            <p>{say(texts.general.refused)}</p>
          </Note>
        ) : (
          <Again atMs={receipt.kind === 'busy' ? receipt.resumesAtMs : undefined} again={load} />
        )}
      </Page>
    )
  return <Accepted key={id} id={id} receipt={receipt.value} />
}

function Accepted({ id, receipt }: { readonly id: string; readonly receipt: Receipt }) {
  const say = useSay()
  const chosen = useStore(language)
  const statement = receipt.statement as Statement
  const filed = useFiled(id)
  const isInForce = filed === undefined || filed.supersededBy === undefined
  const title = `${month(statement.period, chosen)} · ${say(texts.entry[statement.kind])}`
  return (
    <Page title={say(texts.filing.receiptTitle)} eyebrow={title}>
      <div class="card receipt">
        <div class="stack">
          <p class={`receipt-verdict ${statement.onTime ? 'tone-ok' : 'tone-warning'}`}>
            <Icon name={statement.onTime ? 'ok' : 'warning'} />
            {say(statement.onTime ? texts.filing.receiptOnTime : texts.filing.receiptLate)}
          </p>
          <ReceiptFacts statement={statement} />
        </div>
        <ReceiptCode receipt={receipt} />
      </div>
      <div class="row no-print">
        <button type="button" class="button main" onClick={() => print()}>
          <Icon name="print" />
          {say(texts.filing.print)}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => saveFile(`receipt-${id}.json`, answerHere(id) ?? JSON.stringify(receipt))}
        >
          {say(texts.filing.save)}
        </button>
      </div>
      <Progress filed={filed} />
      <FiledAmounts filed={filed} />
      <FiledFindings filed={filed} />
      <section class="stack close no-print">
        <h2>{say(texts.filing.next)}</h2>
        {isInForce && statement.kind !== 'cancellation' && <p>{say(texts.filing.nextPosted)}</p>}
        <ReceiptWays filed={filed} />
        <p>
          <a class="button plain" href={hrefOf('')}>
            {say(texts.general.home)}
          </a>
        </p>
      </section>
    </Page>
  )
}

export function ReceiptFacts({ statement }: { readonly statement: Statement }) {
  const say = useSay()
  const chosen = useStore(language)
  const { attemptedAt, environment } = statement
  return (
    <dl class="facts">
      <dt>{say(texts.filing.receiptNumber)}</dt>
      <dd>
        <code>{statement.id}</code>
      </dd>
      <dt>{say(texts.filing.employer)}</dt>
      <dd class="number">{statement.employer}</dd>
      <dt>{say(texts.filing.period)}</dt>
      <dd>{month(statement.period, chosen)}</dd>
      <dt>{say(texts.filing.kind)}</dt>
      <dd>{say(texts.entry[statement.kind])}</dd>
      <dt>{say(texts.filing.acceptedAt)}</dt>
      <dd class="number">
        {instant(statement.acceptedAt, chosen)}
        {attemptedAt !== undefined && (
          <p class="small">
            {say(texts.filing.receiptAttempted, { at: instant(attemptedAt, chosen) })}
          </p>
        )}
      </dd>
      <dt>{say(texts.filing.deadline)}</dt>
      <dd class="number">{deadlineText(statement.deadline, chosen)}</dd>
      <dt>{say(texts.filing.digest)}</dt>
      <dd>
        <code class="small">{statement.digest}</code>
      </dd>
      {environment !== undefined && environment !== 'live' && (
        <>
          <dt />
          <dd class="tone-warning">{say(texts.filing.environment, { environment })}</dd>
        </>
      )}
    </dl>
  )
}

function ReceiptCode({ receipt }: { readonly receipt: Receipt }) {
  const say = useSay()
  const [address, set] = useState<string>()
  useEffect(() => {
    void verifyAddress(receipt).then(set)
  }, [receipt])
  if (address === undefined) return <div class="qr-box" />
  return (
    <figure class="qr-box">
      <Qr content={address} label={say(texts.filing.qr)} />
      <figcaption class="small quiet">
        {say(texts.filing.qr)}{' '}
        <a class="no-print" href={address}>
          {say(texts.filing.verify)}
        </a>
      </figcaption>
    </figure>
  )
}

/** Asks how it stands until it is posted, as long as the page is looked at. */
function useFiled(id: string): Filed | undefined {
  const [filed, set] = useState<Filed>()
  useEffect(() => {
    let ended = false
    const follow = async () => {
      while (!ended) {
        const found = await read<Filed>(`/v1/declarations/${encodeURIComponent(id)}`, {
          prefer: 'wait=15',
        })
        if (ended) return
        if (found.kind === 'ok') {
          set(found.value)
          if (found.value.status !== 'accepted') return
        } else if (found.kind === 'signedOut' || found.kind === 'refused') return
        const waitMs =
          found.kind === 'busy' ? Math.max(1_000, found.resumesAtMs - Date.now()) : 2_000
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
    void follow()
    return () => {
      ended = true
    }
  }, [id])
  return filed
}
