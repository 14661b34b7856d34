/** Choosing a file and sending it: what it is of, how far it came, and what to do where it was not sent to its end. */
import { useEffect } from 'preact/hooks'
import type { FileDescription, UploadOutcome } from '../../../client/client.ts'
import { type Begun, type Uploading, uploaderOf } from '../../files/upload.ts'
import { isShared } from '../../filing/sealed.ts'
import { go } from '../../state/router.ts'
import { sessionEnded, signInHref } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Note, useSecondsUntil } from '../../ui/note.tsx'
import { useSay } from '../../ui/say.ts'
import { FileForm } from './form.tsx'

type UploadProps = { readonly employer: string; readonly subject: string }

export function FileUpload({ employer, subject }: UploadProps) {
  const uploader = uploaderOf(subject, employer)
  const state = useStore(uploader.state)
  useEffect(() => void uploader.look(), [uploader])
  useLeaveGuard(state.kind === 'sending')
  const send = async (file: Blob, about: FileDescription) => {
    const id = await uploader.send(file, about)
    if (id !== undefined) go('files', id)
  }
  if (state.kind === 'unfinished')
    return (
      <Unfinished
        {...state}
        send={(file) => void send(file, state.begun.about)}
        giveUp={() => void uploader.giveUp().then((id) => id !== undefined && go('files', id))}
      />
    )
  if (state.kind === 'reading' || state.kind === 'sending')
    return <UnderWay state={state} stop={uploader.stop} />
  return (
    <>
      {state.kind === 'elsewhere' && <Elsewhere />}
      {state.kind === 'ended' && <NotSent outcome={state.outcome} />}
      {state.kind === 'unreadable' && <Unreadable />}
      <FileForm employer={employer} send={(file, about) => void send(file, about)} />
    </>
  )
}

/** The browser asks before the page is left while bytes are on their way. */
function useLeaveGuard(isSending: boolean): void {
  useEffect(() => {
    if (!isSending) return
    const guard = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', guard)
    return () => removeEventListener('beforeunload', guard)
  }, [isSending])
}

function Elsewhere() {
  const say = useSay()
  return (
    <Note tone="hint">
      <p>{say(texts.files.elsewhere)}</p>
    </Note>
  )
}

export function Unreadable() {
  const say = useSay()
  return (
    <Note tone="error" alert>
      <p>{say(texts.files.fileGone)}</p>
    </Note>
  )
}

type UnderWayProps = {
  readonly state: Extract<Uploading, { kind: 'reading' | 'sending' }>
  readonly stop: () => void
}

export function UnderWay({ state, stop }: UnderWayProps) {
  const say = useSay()
  const name = state.about.filename ?? say(texts.files.unnamed)
  const resumesAtMs = state.kind === 'sending' ? state.resumesAtMs : undefined
  const seconds = useSecondsUntil(resumesAtMs)
  if (state.kind === 'reading')
    return (
      <div class="card" aria-live="polite">
        <p class="quiet">{say(texts.files.reading)}</p>
      </div>
    )
  const { sent, size } = state
  const progress = say(texts.files.sent, { sent: bytesText(sent), size: bytesText(size) })
  return (
    <section class="card stack close" aria-labelledby="sending-file">
      <h2 id="sending-file" class="typed">
        {say(texts.files.sending, { name })}
      </h2>
      <progress class="bar" value={sent} max={size} aria-label={progress} />
      <p class="number">{progress}</p>
      {resumesAtMs !== undefined && (
        <Note tone="warning">
          <p role="timer">{say(texts.files.waiting, { seconds })}</p>
        </Note>
      )}
      <div>
        <button type="button" class="button" onClick={stop}>
          {say(texts.files.stop)}
        </button>
      </div>
    </section>
  )
}

const otherTexts = {
  file: texts.files.otherFile,
  description: texts.files.otherDescription,
} as const

type UnfinishedProps = {
  readonly begun: Begun
  readonly other?: 'file' | 'description' | undefined
  readonly send: (file: Blob) => void
  readonly giveUp: () => void
}

function Unfinished({ begun, other, send, giveUp }: UnfinishedProps) {
  const say = useSay()
  const name = begun.about.filename ?? say(texts.files.unnamed)
  return (
    <section class="card stack close" aria-labelledby="unfinished">
      <h2 id="unfinished">{say(texts.files.unfinishedTitle)}</h2>
      {other !== undefined && (
        <Note tone="error" alert>
          <p class="typed">{say(otherTexts[other], { name })}</p>
        </Note>
      )}
      <p class="typed">{say(texts.files.unfinished, { name })}</p>
      <div class="field">
        <label for="file-again" class="typed">
          {say(texts.files.chooseAgain, { name })}
        </label>
        <input
          id="file-again"
          class="file-input"
          type="file"
          accept=".xlsx,.csv,.tsv"
          onChange={({ currentTarget: { files } }) => files?.[0] && send(files[0])}
        />
      </div>
      <div>
        <button type="button" class="button plain" onClick={giveUp}>
          {say(texts.files.giveUp)}
        </button>
      </div>
    </section>
  )
}

/** Why a file was not taken, and what to do. */
export function NotSent({ outcome }: { readonly outcome: UploadOutcome }) {
  const say = useSay()
  const chosen = useStore(language)
  if (outcome.kind === 'unauthenticated')
    return (
      <Note tone="warning" alert>
        <p>{say(texts.entry.signedOut)}</p>
        <p>
          <a
            class="button"
            href={signInHref()}
            target={isShared() ? '_blank' : undefined}
            rel="noopener"
            onClick={isShared() ? undefined : sessionEnded}
          >
            {say(texts.entry.signIn)}
          </a>
        </p>
      </Note>
    )
  if (outcome.kind === 'refused' || outcome.kind === 'forbidden') {
    const { problem } = outcome
    const findings = outcome.kind === 'refused' ? outcome.findings : []
    return (
      <Note tone="error" alert>
        {findings.length === 0 && (
          <p>
            {problem.message[chosen]} {problem.fix[chosen]}
          </p>
        )}
        {findings.map((finding) => (
          <p key={finding.pointer + finding.code}>
            {finding.message[chosen]} {finding.fix[chosen]}
          </p>
        ))}
      </Note>
    )
  }
  const isForeign = outcome.kind === 'foreign'
  const isBegun = outcome.kind === 'interrupted'
  const text = isForeign
    ? texts.files.failedForeign
    : isBegun
      ? texts.files.interrupted
      : texts.general.lost
  return (
    <Note tone="error" alert>
      <p>{say(text)}</p>
    </Note>
  )
}

export function bytesText(bytes: number): string {
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(bytes < 10_000 ? 1 : 0)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
