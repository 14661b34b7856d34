/** What can be done with rows: find, add, paste, undo; and, with the active one, leave, remove, explain. */
import { useState } from 'preact/hooks'
import type { Desk } from '../filing/desk.ts'
import type { Cell } from '../grid/keys.ts'
import type { Row } from '../grid/row.ts'
import type { Sheet } from '../grid/sheet.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { useSay } from '../ui/say.ts'
import { AddPerson } from './add-person.tsx'
import { Explain } from './explain.tsx'
import { PasteTable } from './paste-table.tsx'
import { type Filter, focusActive } from './shown-rows.ts'

type ToolbarProps = {
  readonly desk: Desk
  readonly sheet: Sheet
  readonly rows: readonly Row[]
  readonly active: Cell
  readonly filter: Filter
  /** Rows that the filter leaves. */
  readonly shown: number
  readonly setFilter: (filter: Filter) => void
  readonly setActive: (cell: Cell) => void
  readonly setTold: (told: string) => void
  readonly paste: (text: string) => void
}

export function Toolbar(props: ToolbarProps) {
  const say = useSay()
  const { sheet, rows } = props
  const [dialog, setDialog] = useState<'add' | 'paste' | undefined>()
  const close = () => setDialog(undefined)
  return (
    <div class="stack close">
      <div class="row toolbar">
        <button type="button" class="button" onClick={() => setDialog('add')}>
          <Icon name="add" />
          {say(texts.declare.add)}
        </button>
        <button type="button" class="button" onClick={() => setDialog('paste')}>
          <Icon name="paste" />
          {say(texts.declare.paste)}
        </button>
        <Steps sheet={sheet} />
        {rows.length > 0 && <Search {...props} />}
      </div>
      {rows.length > 0 && <OfRow {...props} />}
      {dialog === 'add' && (
        <AddPerson
          onClose={close}
          onAdd={(line) => {
            close()
            sheet.add(line)
            props.setActive({ row: sheet.rows.get().length - 1, column: 'wage' })
            focusActive()
          }}
        />
      )}
      {dialog === 'paste' && (
        <PasteTable
          onClose={close}
          onRead={(text) => {
            close()
            props.paste(text.includes('\n') ? text : `${text}\n`)
          }}
        />
      )}
    </div>
  )
}

function Steps({ sheet }: { readonly sheet: Sheet }) {
  const say = useSay()
  const { back, forth } = useStore(sheet.steps)
  return (
    <>
      <button type="button" class="button" disabled={back === 0} onClick={sheet.undo}>
        <Icon name="undo" />
        {say(texts.declare.undo)}
      </button>
      {forth > 0 && (
        <button type="button" class="button" onClick={sheet.redo}>
          {say(texts.declare.redo)}
        </button>
      )}
    </>
  )
}

function Search({ filter, setFilter, shown }: ToolbarProps) {
  const say = useSay()
  const isFiltered = filter.wanted !== '' || filter.onlyChanged
  return (
    <div class="row search" role="search">
      <label class="unseen" for="wanted-person">
        {say(texts.declare.search)}
      </label>
      <input
        id="wanted-person"
        class="input"
        type="search"
        autocomplete="off"
        placeholder={say(texts.declare.search)}
        value={filter.wanted}
        onInput={(event) => setFilter({ ...filter, wanted: event.currentTarget.value })}
      />
      <label class="tick">
        <input
          type="checkbox"
          checked={filter.onlyChanged}
          onChange={(event) => setFilter({ ...filter, onlyChanged: event.currentTarget.checked })}
        />
        {say(texts.declare.onlyChanged)}
      </label>
      <span class="quiet small" role="status">
        {isFiltered ? say(texts.declare.searchCount, { count: shown }) : ''}
      </span>
    </div>
  )
}

/** What can be done with the active row. */
function OfRow({ desk, sheet, rows, active, setActive }: ToolbarProps) {
  const say = useSay()
  const [isExplained, setExplained] = useState(false)
  const row = rows[active.row]
  if (row === undefined) return null
  const isLeaving = row.line.change === 'leave'
  const state = desk.state.get()
  const isCorrection = state.kind === 'ready' && state.header.kind === 'correction'
  const remove = () => {
    sheet.remove(active.row)
    setActive({ ...active, row: Math.max(0, active.row - 1) })
  }
  return (
    <div class="row of-row" role="group" aria-label={say(texts.declare.person)}>
      <span class="typed of-row-name">
        {say(texts.declare.rowIs, { row: active.row + 1, name: row.line.person.name })}
      </span>
      <button
        type="button"
        class="button plain"
        onClick={() => sheet.edit(active.row, 'change', isLeaving ? 'none' : 'leave')}
      >
        <Icon name="leave" />
        {say(isLeaving ? texts.declare.unmarkLeave : texts.declare.markLeave)}
      </button>
      {(row.before === undefined || isCorrection) && (
        <button type="button" class="button plain" onClick={remove}>
          {say(row.before === undefined ? texts.declare.remove : texts.correct.removeLine)}
        </button>
      )}
      <button type="button" class="button plain" onClick={() => setExplained(true)}>
        {say(texts.declare.explain)}
      </button>
      {isExplained && (
        <Explain desk={desk} row={row} index={active.row} onClose={() => setExplained(false)} />
      )}
    </div>
  )
}
