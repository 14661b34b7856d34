/** Sends the rows that were changed back as a file of their own, which amends the first one. */
import type { Batch, FileDescription } from '../../../client/client.ts'
import {
  type AsideRow,
  type AsideTable,
  type Cause,
  type Edits,
  tableToSend,
} from '../../files/mending.ts'
import { uploaderOf } from '../../files/upload.ts'
import { go } from '../../state/router.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Note } from '../../ui/note.tsx'
import { type Text, useSay } from '../../ui/say.ts'
import type { FilesProps } from './files.tsx'
import { NotSent, UnderWay } from './upload.tsx'

type SendProps = FilesProps & {
  readonly batch: Batch
  readonly table: AsideTable
  readonly open: readonly AsideRow[]
  readonly changed: readonly AsideRow[]
  readonly edits: Edits
  readonly causes: readonly Cause[]
}

/** Of no row, of one, of several. */
const sendTexts = [texts.files.sendMendedNone, texts.files.sendMendedOne, texts.files.sendMended]

export function SendMended(props: SendProps) {
  const { batch, table, open, changed, edits, causes, employer, subject } = props
  const say = useSay()
  const uploader = uploaderOf(subject, employer, batch.id)
  const state = useStore(uploader.state)
  const send = async (rows: readonly AsideRow[], kind: FileDescription['kind']) => {
    const file = new Blob([tableToSend(table, rows, edits)], { type: 'text/csv' })
    const id = await uploader.send(file, amendmentOf(batch, kind, say(texts.files.mendedName)))
    if (id !== undefined) go('files', id)
  }
  if (state.kind === 'reading' || state.kind === 'sending')
    return <UnderWay state={state} stop={uploader.stop} />
  const standing = causes.find(({ code }) => code === 'UNIT_STANDS')
  const left = open.length - changed.length
  return (
    <div class="stack close">
      {state.kind === 'ended' && <NotSent outcome={state.outcome} />}
      {state.kind === 'elsewhere' && (
        <Note tone="hint">
          <p>{say(texts.files.elsewhere)}</p>
        </Note>
      )}
      {standing !== undefined && (
        <Note tone="hint">
          <p>{say(texts.files.additionHint)}</p>
          <p>
            <button
              type="button"
              class="button"
              onClick={() => void send(standing.rows, 'addition')}
            >
              {say(texts.files.sendAsAddition)}
            </button>
          </p>
        </Note>
      )}
      <div class="row">
        <button
          type="button"
          class="button main"
          disabled={changed.length === 0}
          onClick={() => void send(changed, batch.kind)}
        >
          {say(sendTexts[Math.min(2, changed.length)] as Text, { count: changed.length })}
        </button>
        <span class="quiet small">
          {changed.length === 0 && say(texts.files.nothingChanged)}
          {changed.length > 0 && left > 0 && say(texts.files.stayOpen, { count: left })}
        </span>
      </div>
    </div>
  )
}

function amendmentOf(batch: Batch, kind: FileDescription['kind'], suffix: string): FileDescription {
  const { id, employer, period, region, filename = 'file.csv' } = batch
  return {
    ...{ period, region, kind, mode: 'accept-good', format: 'csv', amends: id },
    ...(employer !== undefined && { employer }),
    filename: `${filename.replace(/\.\w+$/, '').slice(0, 200)}${suffix}.csv`,
  }
}
