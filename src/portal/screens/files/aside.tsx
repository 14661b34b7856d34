/**
 * The rows of a file that were not filed, in the page: by cause, so that one action mends thousands, and by cell. What
 * is changed is kept on this device until it is sent back as the amendment of the file.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Batch } from '../../../client/client.ts'
import { asideRowsMax, readAside } from '../../files/batches.ts'
import {
  type AsideRow,
  type AsideTable,
  causesOf,
  type Edits,
  editsOf,
  isChanged,
  keyOf,
} from '../../files/mending.ts'
import { find, forget, isShared, keep } from '../../filing/sealed.ts'
import type { Read } from '../../state/read.ts'
import { mayFile, session, sessionEnded } from '../../state/session.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Again, Note } from '../../ui/note.tsx'
import { useSay } from '../../ui/say.ts'
import { Causes } from './causes.tsx'
import type { FilesProps } from './files.tsx'
import { RowTable } from './rows.tsx'
import { SendMended } from './send.tsx'

type AsideProps = FilesProps & { readonly batch: Batch }

export function Aside({ batch, ...filer }: AsideProps) {
  const say = useSay()
  const count = batch.progress.rows?.setAside ?? 0
  const isTable = batch.format !== 'ndjson'
  return (
    <section class="stack" aria-labelledby="aside">
      <div class="row aside-head">
        <h2 id="aside">{say(texts.files.aside)}</h2>
        <a
          class="button"
          href={`/v1/batches/${batch.id}/errors?format=${isTable ? 'xlsx' : 'ndjson'}`}
          download
        >
          {say(isTable ? texts.files.download : texts.files.downloadLines)}
        </a>
      </div>
      {count > asideRowsMax || !isTable ? (
        <Note tone="warning">
          <p>
            {isTable
              ? say(texts.files.asideMany, { max: asideRowsMax })
              : say(texts.files.asideLines)}
          </p>
        </Note>
      ) : (
        <Loaded batch={batch} {...filer} />
      )}
    </section>
  )
}

function Loaded({ batch, ...filer }: AsideProps) {
  const say = useSay()
  const [found, set] = useState<Read<AsideTable>>()
  const load = () =>
    void readAside(batch.id).then((answer) => {
      if (answer.kind === 'signedOut') sessionEnded()
      set(answer)
    })
  // What is mended since is known once this file has ended.
  useEffect(load, [batch.id, batch.stage])
  if (found === undefined) return <p class="quiet">{say(texts.general.loading)}</p>
  if (found.kind === 'ok') return <Mending table={found.value} batch={batch} {...filer} />
  if (found.kind === 'refused') return <p class="quiet">{say(texts.files.asideGone)}</p>
  if (found.kind === 'signedOut') return null
  return <Again atMs={found.kind === 'busy' ? found.resumesAtMs : undefined} again={load} />
}

type Edited = {
  readonly edits: Edits
  readonly change: (edits: Edits) => void
  /** All of it is stored on this device. */
  readonly isKept: boolean
}

/**
 * What was changed, from this device; stored as it is changed, one write at a time. It is kept until the rows are
 * mended: a file that was sent back may still be cancelled, or have some of the rows alone.
 */
function useEdits(name: string, open: readonly AsideRow[]): Edited {
  const [edits, set] = useState<Edits>({})
  const [isKept, setKept] = useState(true)
  const waiting = useRef<Edits | undefined>(undefined)
  const isWriting = useRef(false)
  useEffect(() => {
    void find<Edits>(name).then((kept) => {
      if (kept === undefined) return
      const left = editsOf(open, kept.value)
      set(left)
      if (Object.keys(left).length < Object.keys(kept.value).length) change(left)
    })
  }, [name])
  const write = async () => {
    isWriting.current = true
    for (let next = waiting.current; next !== undefined; next = waiting.current) {
      waiting.current = undefined
      const isNone = Object.keys(next).length === 0
      await (isNone ? forget(name) : keep(name, next)).catch(() => {}) // it is in memory all the same
    }
    isWriting.current = false
    setKept(true)
  }
  const change = (changed: Edits) => {
    set(changed)
    setKept(false)
    waiting.current = changed
    if (!isWriting.current) void write()
  }
  return { edits, change, isKept }
}

type MendingProps = AsideProps & { readonly table: AsideTable }

function Mending({ table, batch, ...filer }: MendingProps) {
  const say = useSay()
  const state = useStore(session)
  const name = `mend ${filer.subject} ${batch.id}`
  const [only, setOnly] = useState<string>()
  const canMend = batch.mode === 'accept-good' && mayFile(state)
  const open = table.rows.filter((row) => row.open)
  const { edits, change, isKept } = useEdits(name, open)
  if (open.length === 0)
    return (
      <Note tone="ok">
        <p>{say(texts.files.allMended)}</p>
      </Note>
    )
  const causes = causesOf(table, edits)
  const shown =
    only === undefined
      ? open
      : open.filter(({ findings }) => findings.some((one) => keyOf(one) === only))
  const changed = open.filter((row) => isChanged(row, edits))
  return (
    <>
      {open.length < table.rows.length && (
        <p>{say(texts.files.someMended, { count: table.rows.length - open.length })}</p>
      )}
      <p>{say(leadOf(canMend, mayFile(state)))}</p>
      <Causes {...{ table, causes, edits, only, canMend }} change={change} show={setOnly} />
      <RowTable key={only ?? ''} {...{ table, edits, canMend }} rows={shown} change={change} />
      {canMend && <SendMended {...{ batch, table, open, changed, edits, causes, ...filer }} />}
      {changed.length > 0 && isKept && (
        <p class="quiet small">{say(isShared() ? texts.files.keptShared : texts.files.kept)}</p>
      )}
    </>
  )
}

function leadOf(canMend: boolean, isFiler: boolean) {
  if (canMend) return texts.files.asideLead
  return isFiler ? texts.files.asideReadOnly : texts.files.asideViewer
}
