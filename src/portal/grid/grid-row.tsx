/** One row of the grid; drawn again only when something of it changed. */
import { Component } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { language } from '../state/settings.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { grouped } from '../ui/money.ts'
import { type Say, sayIn, type Text } from '../ui/say.ts'
import type { Cell } from './keys.ts'
import { type Column, cellText, changeOf, columns, type EditedLine, type Row } from './row.ts'

export type Finish = (text: string | undefined, move: 'down' | 'right' | 'left' | 'stay') => void

type RowProps = {
  readonly row: Row
  readonly index: number
  readonly position: number
  readonly top: number
  readonly height: number
  readonly mark: number
  readonly active: Column | undefined
  readonly editing: { readonly first: string | undefined } | undefined
  readonly beforeTitle: Text
  readonly onActive: (cell: Cell) => void
  readonly onBegin: (cell: Cell) => void
  readonly onFinish: Finish
}

/** As the schema has them, which would bring its checks along. */
const changes = ['none', 'join', 'leave'] as const

/** Handlers are new each time, and do the same. */
const compared = ['row', 'index', 'position', 'top', 'height', 'mark', 'active', 'editing'] as const

export class GridRow extends Component<RowProps> {
  #language = language.get()

  override shouldComponentUpdate(next: RowProps): boolean {
    const isOther = this.#language !== language.get()
    this.#language = language.get()
    return (
      isOther ||
      next.active !== undefined ||
      compared.some((name) => next[name] !== this.props[name])
    )
  }

  override render({ row, index, position, top, height, mark, active, ...rest }: RowProps) {
    const say = sayIn(language.get())
    const change = changeOf(row)
    return (
      <div
        class={`grid-row is-${change} mark-${mark}`}
        role="row"
        aria-rowindex={position + 2}
        style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
      >
        <span role="rowheader" class="cell cell-number number">
          {index + 1}
        </span>
        {columns.map((column) => (
          <GridCell
            key={column}
            column={column}
            row={row}
            index={index}
            say={say}
            isActive={active === column}
            isFocusable={active === column}
            {...rest}
          />
        ))}
        <span role="gridcell" class="cell cell-found">
          <Mark mark={mark} change={change} say={say} />
        </span>
      </div>
    )
  }
}

function Mark({
  mark,
  change,
  say,
}: {
  mark: number
  change: ReturnType<typeof changeOf>
  say: Say
}) {
  const kind = ([undefined, 'hint', 'warning', 'error'] as const)[mark]
  return (
    <>
      {kind !== undefined && (
        <span class={`tone-${kind} mark`}>
          <Icon name={kind} />
          {say(texts.declare[kind])}
        </span>
      )}
      {kind === undefined && change === 'edited' && (
        <span class="mark quiet">{say(texts.declare.edited)}</span>
      )}
      {kind === undefined && change === 'added' && (
        <span class="mark quiet">{say(texts.declare.added)}</span>
      )}
    </>
  )
}

type CellProps = {
  readonly row: Row
  readonly index: number
  readonly column: Column
  readonly say: Say
  readonly isActive: boolean
  readonly isFocusable: boolean
} & Pick<RowProps, 'editing' | 'beforeTitle' | 'onActive' | 'onBegin' | 'onFinish'>

function GridCell({
  row,
  index,
  column,
  say,
  isActive,
  editing,
  beforeTitle,
  onActive,
  onBegin,
  onFinish,
}: CellProps) {
  const cell = { row: index, column }
  return (
    <span
      role="gridcell"
      class={`cell cell-${column}${isActive ? ' is-active' : ''}`}
      data-title={say(column === 'before' ? beforeTitle : texts.declare[column])}
      tabIndex={isActive ? 0 : -1}
      aria-readonly={column === 'before' || column === 'category'}
      onMouseDown={() => (isActive ? undefined : onActive(cell))}
      onDblClick={() => onBegin(cell)}
      onClick={(event: MouseEvent) => {
        if (isActive && editing === undefined && (event.detail === 1 || event.detail === 0))
          onBegin(cell)
      }}
    >
      {isActive && editing !== undefined ? (
        <CellEditor
          line={row.line}
          column={column}
          first={editing.first}
          say={say}
          onFinish={onFinish}
        />
      ) : (
        <span class="typed cell-text">{shownText(row, column, say)}</span>
      )}
    </span>
  )
}

function shownText(row: Row, column: Column, say: Say): string {
  const { line, before } = row
  switch (column) {
    case 'before':
      return before === undefined ? '—' : amountText(before, say)
    case 'wage':
      return amountText(line, say)
    case 'category':
      return say(texts.declare[line.category])
    case 'change': {
      const known = changes.find((one) => one === line.change)
      return known === undefined ? line.change : say(texts.declare[known])
    }
    default:
      return cellText(line, column)
  }
}

export function amountText(line: EditedLine, say: Say): string {
  if (line.category === 'platform') {
    const count = (line.days ?? []).reduce((sum, { orders }) => sum + orders, 0)
    return say(texts.declare.ofOrders, { count })
  }
  const text = line.wage ?? line.base
  if (text === undefined) return line.tier ? say(texts.declare.ofTier, { tier: line.tier }) : ''
  return /^[0-9]+(\.[0-9]+)?$/.test(text) ? grouped(text) : text
}

type Field = HTMLInputElement | HTMLSelectElement

type EditorProps = {
  readonly line: EditedLine
  readonly column: Column
  readonly first: string | undefined
  readonly say: Say
  readonly onFinish: Finish
}

function CellEditor({ line, column, first, say, onFinish }: EditorProps) {
  const field = useRef<Field | null>(null)
  const setField = (element: Field | null) => {
    field.current = element
  }
  const isDone = useRef(false)
  useLayoutEffect(() => {
    field.current?.focus()
    if (!(field.current instanceof HTMLInputElement)) return
    const { length } = field.current.value
    if (first === undefined) field.current.select()
    else field.current.setSelectionRange(length, length)
  }, [])
  const end: Finish = (text, move) => {
    if (isDone.current) return
    isDone.current = true
    onFinish(text, move)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation()
    if (event.isComposing) return
    const text = field.current?.value ?? ''
    if (event.key === 'Escape') end(undefined, 'stay')
    else if (event.key === 'Enter') end(text, 'down')
    else if (event.key === 'Tab') end(text, event.shiftKey ? 'left' : 'right')
    else return
    event.preventDefault()
  }
  const shared = {
    class: 'cell-field',
    'aria-label': say(texts.declare[column]),
    onKeyDown,
    onBlur: () => end(field.current?.value, 'stay'),
  }
  if (column === 'change')
    return <ChangeField setField={setField} shared={shared} value={line.change} say={say} />
  const value = first ?? cellText(line, column)
  const mode = column === 'wage' ? 'decimal' : 'text'
  return (
    <input
      ref={setField}
      {...shared}
      defaultValue={value}
      inputMode={mode}
      autocomplete="off"
      spellcheck={false}
    />
  )
}

type ChangeFieldProps = {
  readonly setField: (element: Field | null) => void
  readonly shared: object
  readonly value: string
  readonly say: Say
}

function ChangeField({ setField, shared, value, say }: ChangeFieldProps) {
  return (
    <select ref={setField} {...shared} defaultValue={value}>
      {changes.map((change) => (
        <option key={change} value={change} selected={change === value}>
          {say(texts.declare[change])}
        </option>
      ))}
    </select>
  )
}
