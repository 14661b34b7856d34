/** Proves a receipt on this device, for whoever has one: from its QR code, its file, or its text. */
import { useEffect, useState } from 'preact/hooks'
import { type ReceiptVerdict, verifyReceipt } from '../../client/client.ts'
import { unpackReceipt } from '../filing/receipt.ts'
import { receiptKeys } from '../filing/receipt-keys.ts'
import { texts } from '../texts/texts.ts'
import { Note } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { useSay } from '../ui/say.ts'
import { ReceiptFacts } from './filed/receipt.tsx'

type Verified =
  | { readonly kind: 'nothing' | 'checking' | 'noKeys' | 'malformed' }
  | { readonly kind: 'judged'; readonly verdict: ReceiptVerdict }

/** A receipt is less than 3 kB; what is much more is none. */
const fileBytesMax = 100_000

async function judge(reading: Promise<unknown>): Promise<Verified> {
  let receipt: unknown
  try {
    receipt = await reading
  } catch {
    return { kind: 'malformed' }
  }
  const keys = await receiptKeys()
  if (keys === undefined) return { kind: 'noKeys' }
  return { kind: 'judged', verdict: await verifyReceipt(receipt, { keys }) }
}

async function readText(text: string): Promise<unknown> {
  const packed = /\/verify#([\w-]+)\s*$/.exec(text)?.[1]
  return packed === undefined ? JSON.parse(text) : unpackReceipt(packed)
}

/** @param packed of an address with a receipt; empty where there is none */
export function Verify({ packed }: { readonly packed: string }) {
  const say = useSay()
  const [text, setText] = useState('')
  const [verified, set] = useState<Verified>({ kind: 'nothing' })
  const check = async (reading: Promise<unknown>) => {
    set({ kind: 'checking' })
    set(await judge(reading))
  }
  useEffect(() => {
    if (packed !== '') void check(unpackReceipt(packed))
  }, [packed])
  const checkFile = (file: File | undefined) => {
    if (file === undefined) return
    if (file.size > fileBytesMax) set({ kind: 'malformed' })
    else void check(file.text().then(readText))
  }
  return (
    <Page title={say(texts.verify.title)}>
      <div aria-live="polite" class="stack">
        <Outcome verified={verified} />
      </div>
      <p>{say(texts.verify.lead)}</p>
      <div class="card stack">
        <div class="field">
          <label for="receipt-file">{say(texts.verify.choose)}</label>
          <input
            id="receipt-file"
            type="file"
            accept="application/json,.json,.txt"
            onChange={(event) => checkFile(event.currentTarget.files?.[0])}
          />
        </div>
        <div class="field">
          <label for="receipt-text">{say(texts.verify.paste)}</label>
          <textarea
            id="receipt-text"
            rows={6}
            spellcheck={false}
            autocomplete="off"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <div>
          <button
            type="button"
            class="button main"
            disabled={text.trim() === ''}
            onClick={() => void check(readText(text.trim()))}
          >
            {say(texts.verify.check)}
          </button>
        </div>
      </div>
    </Page>
  )
}

function Outcome({ verified }: { readonly verified: Verified }) {
  const say = useSay()
  if (verified.kind === 'nothing') return null
  if (verified.kind === 'checking') return <p class="quiet">{say(texts.verify.checking)}</p>
  if (verified.kind !== 'judged')
    return (
      <Note tone={verified.kind === 'noKeys' ? 'warning' : 'error'}>
        <p>{say(texts.verify[verified.kind])}</p>
      </Note>
    )
  const { verdict } = verified
  if (verdict.kind === 'genuine')
    return (
      <>
        <Note tone="ok">
          <p>{say(texts.verify.genuine)}</p>
        </Note>
        <div class="card">
          <ReceiptFacts
            statement={verdict.statement as Parameters<typeof ReceiptFacts>[0]['statement']}
          />
        </div>
      </>
    )
  return (
    <Note tone="error">
      <p>{say(textOf(verdict))}</p>
    </Note>
  )
}

function textOf(verdict: Exclude<ReceiptVerdict, { kind: 'genuine' }>) {
  if (verdict.kind !== 'wrong') return texts.verify[verdict.kind]
  return verdict.why === 'malformed' ? texts.verify.malformed : texts.verify.changed
}
