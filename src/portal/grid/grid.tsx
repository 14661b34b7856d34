/**
 * The grid of persons: as many rows as a declaration may have, of which those in sight are in the page. One cell is
 * active and has the focus; the row that has it stays in the page when it is scrolled away. Typing begins an edit.
 */
import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { texts } from '../texts/texts.ts'
import { type Text, useSay } from '../ui/say.ts'
import { GridRow } from './grid-row.tsx'
import { type Cell, moved } from './keys.ts'
import { type Column, columns, type Row } from './row.ts'

export type GridProps = {
  readonly rows: readonly Row[]
  /** Indices into `rows` of those that are shown, in order. */
  readonly shown: readonly number[]
  readonly marks: Uint8Array
  readonly active: Cell
  readonly readOnly: boolean
  /** Of the column with what was before: last month's, or what is in force. */
  readonly beforeTitle: Text
  readonly onActive: (cell: Cell) => void
  readonly onEdit: (row: number, column: Column, text: string) => void
  readonly onPaste: (text: string) => void
  readonly onUndo: () => void
  readonly onRedo: () => void
}

/** Heights of a row, in pixels of the page's text size: a line, and a card on a narrow screen. */
const lineHeight = 2.75
const cardHeight = 9.5
const narrow = '(max-width: 48rem)'

export function Grid(props: GridProps) {
  const say = useSay()
  const scroller = useRef<HTMLDivElement>(null)
  const [editing, setEditing] = useState<{ readonly first: string | undefined } | undefined>()
  const isNarrow = useMedia(narrow)
  const { shown, active, rows, onActive } = props
  const at = Math.max(0, shown.indexOf(active.row))
  const virtual = useVirtual(scroller, shown.length, isNarrow ? cardHeight : lineHeight, at)
  const wantsFocus = useRef(false)

  const activate = (cell: Cell) => {
    setEditing(undefined)
    wantsFocus.current = true
    onActive(cell)
    const index = shown.indexOf(cell.row)
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' })
  }
  useLayoutEffect(() => {
    if (!wantsFocus.current || editing !== undefined) return
    const cell = scroller.current?.querySelector<HTMLElement>('[tabindex="0"]')
    if (cell) {
      cell.focus({ preventScroll: true })
      wantsFocus.current = false
    }
  })
  useEffect(() => {
    const index = shown.indexOf(active.row)
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' })
  }, [active])

  const onKeyDown = (event: KeyboardEvent) => {
    if (editing !== undefined) return
    const act = actOf(event, props.readOnly)
    if (act === undefined) {
      const visible = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / 48) - 1)
      const control = event.ctrlKey || event.metaKey
      const next = moved(
        { row: at, column: active.column },
        event.key,
        shown.length,
        visible,
        control,
      )
      if (next === undefined) return
      event.preventDefault()
      activate({ row: shown[next.row] ?? 0, column: next.column })
      return
    }
    event.preventDefault()
    if (act.kind === 'undo') props.onUndo()
    else if (act.kind === 'redo') props.onRedo()
    else if (act.kind === 'clear') props.onEdit(active.row, active.column, '')
    else if (isEditable(rows[active.row], active.column)) setEditing({ first: act.first })
  }

  const finish = (text: string | undefined, move: 'down' | 'right' | 'left' | 'stay') => {
    if (text !== undefined) props.onEdit(active.row, active.column, text)
    const key = { down: 'ArrowDown', right: 'ArrowRight', left: 'ArrowLeft', stay: '' }[move]
    const next = moved({ row: at, column: active.column }, key, shown.length, 1, false)
    activate(next === undefined ? active : { row: shown[next.row] ?? 0, column: next.column })
  }

  return (
    <div
      ref={scroller}
      class="grid"
      role="grid"
      aria-label={say(texts.declare.grid)}
      aria-rowcount={shown.length + 1}
      aria-colcount={columns.length + 2}
      aria-describedby="grid-help"
      onKeyDown={onKeyDown}
      onPaste={(event: ClipboardEvent) => {
        if (editing !== undefined || props.readOnly) return
        event.preventDefault()
        props.onPaste(event.clipboardData?.getData('text/plain') ?? '')
      }}
    >
      <Titles beforeTitle={props.beforeTitle} />
      <div class="grid-body" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
        {virtual.getVirtualItems().map((item) => {
          const index = shown[item.index] as number
          const row = rows[index]
          if (row === undefined) return null
          const isActive = item.index === at
          return (
            <GridRow
              key={row.key}
              row={row}
              index={index}
              position={item.index}
              top={item.start}
              height={item.size}
              mark={props.marks[index] ?? 0}
              active={isActive ? active.column : undefined}
              editing={isActive ? editing : undefined}
              beforeTitle={props.beforeTitle}
              onActive={activate}
              onBegin={(cell) => {
                activate(cell)
                if (!props.readOnly && isEditable(rows[cell.row], cell.column))
                  setEditing({ first: undefined })
              }}
              onFinish={finish}
            />
          )
        })}
      </div>
    </div>
  )
}

function Titles({ beforeTitle }: Pick<GridProps, 'beforeTitle'>) {
  const say = useSay()
  return (
    <div class="grid-titles" role="row" aria-rowindex={1}>
      <span role="columnheader">{say(texts.declare.number)}</span>
      {columns.map((column) => (
        <span key={column} role="columnheader" class={`cell-${column}`}>
          {say(column === 'before' ? beforeTitle : texts.declare[column])}
        </span>
      ))}
      <span role="columnheader">{say(texts.declare.found)}</span>
    </div>
  )
}

export function isEditable(row: Row | undefined, column: Column): boolean {
  if (row === undefined || column === 'before' || column === 'category') return false
  return !(column === 'wage' && row.line.category === 'platform')
}

type GridAct =
  | { readonly kind: 'edit'; readonly first: string | undefined }
  | { readonly kind: 'undo' | 'redo' | 'clear'; readonly first?: never }

function actOf(event: KeyboardEvent, readOnly: boolean): GridAct | undefined {
  const { key, shiftKey, altKey, isComposing } = event
  const control = event.ctrlKey || event.metaKey
  if (readOnly || altKey || isComposing) return undefined
  if (control && key.toLowerCase() === 'z') return { kind: shiftKey ? 'redo' : 'undo' }
  if (control && key.toLowerCase() === 'y') return { kind: 'redo' }
  if (control) return undefined
  if (key === 'Enter' || key === 'F2') return { kind: 'edit', first: undefined }
  if (key === 'Delete' || key === 'Backspace') return { kind: 'clear' }
  // An input method tells no character yet: the field opens, and it goes on in there.
  if (key === 'Process') return { kind: 'edit', first: undefined }
  return [...key].length === 1 && key !== ' ' ? { kind: 'edit', first: key } : undefined
}

function useMedia(query: string): boolean {
  const [matches, set] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const media = matchMedia(query)
    const look = () => set(media.matches)
    look()
    media.addEventListener('change', look)
    return () => media.removeEventListener('change', look)
  }, [query])
  return matches
}

function useVirtual(
  scroller: { readonly current: HTMLDivElement | null },
  count: number,
  heightRem: number,
  active: number,
) {
  const [, draw] = useState({})
  const size = heightRem * Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => size,
    overscan: 6,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => draw({}),
    // The active row stays, wherever it is scrolled to: the focus is in it.
    rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
      const inSight = defaultRangeExtractor(range)
      if (active < count && !inSight.includes(active)) inSight.push(active)
      return inSight.sort((one, other) => one - other)
    },
    // Below the titles, which stay at the top.
    scrollPaddingStart: 48,
    paddingStart: 0,
  }
  const virtual = useMemo(() => new Virtualizer<HTMLDivElement, HTMLDivElement>(options), [])
  virtual.setOptions(options)
  useLayoutEffect(() => virtual._didMount(), [])
  useLayoutEffect(() => virtual._willUpdate())
  useLayoutEffect(() => virtual.measure(), [size])
  return virtual
}
