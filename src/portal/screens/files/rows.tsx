/** The rows that are to be mended, a page at a time: each with what is wrong, and its cells to change. */
import { useState } from 'preact/hooks'
import {
  type AsideRow,
  type AsideTable,
  cellIn,
  type Edits,
  type Finding,
  isChanged,
  isOfPerson,
  withCell,
  withoutRow,
} from '../../files/mending.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { useSay } from '../../ui/say.ts'

const rowsOfPage = 20

type TableProps = {
  readonly table: AsideTable
  readonly rows: readonly AsideRow[]
  readonly edits: Edits
  readonly canMend: boolean
  readonly change: (edits: Edits) => void
}

export function RowTable({ rows, ...props }: TableProps) {
  const say = useSay()
  const [wanted, setFrom] = useState(0)
  const [isWhole, setWhole] = useState(false)
  const { table } = props
  const columns = isWhole ? [...table.titles.keys()] : columnsOf(table)
  const from = Math.min(wanted, Math.floor((rows.length - 1) / rowsOfPage) * rowsOfPage)
  const to = Math.min(rows.length, from + rowsOfPage)
  return (
    <div class="stack close">
      {columns.length < table.titles.length || isWhole ? (
        <label class="tick">
          <input
            type="checkbox"
            checked={isWhole}
            onChange={({ currentTarget }) => setWhole(currentTarget.checked)}
          />
          {say(texts.files.allColumns)}
        </label>
      ) : null}
      <div class="scrolled">
        <table class="table mend-table">
          <thead>
            <tr>
              <th scope="col">{say(texts.files.row)}</th>
              {columns.map((column) => (
                <th key={column} scope="col" class="typed">
                  {table.titles[column]}
                </th>
              ))}
              <th scope="col">{say(texts.files.problem)}</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(from, to).map((row) => (
              <MendRow key={row.position} row={row} columns={columns} {...props} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > rowsOfPage && (
        <div class="row">
          <button
            type="button"
            class="button"
            disabled={from === 0}
            onClick={() => setFrom(from - rowsOfPage)}
          >
            {say(texts.files.previous)}
          </button>
          <span class="number" aria-live="polite">
            {say(texts.files.page, { from: from + 1, to, all: rows.length })}
          </span>
          <button
            type="button"
            class="button"
            disabled={to === rows.length}
            onClick={() => setFrom(from + rowsOfPage)}
          >
            {say(texts.files.next)}
          </button>
        </div>
      )}
    </div>
  )
}

/** Characters: a whole identity number is seen. */
const sizeOf = (value: string) => Math.min(24, Math.max(8, value.length + 1))

/** Who a row is of, and what is wrong with any. */
function columnsOf({ titles, rows }: AsideTable): readonly number[] {
  const wrong = new Set(rows.flatMap(({ findings }) => findings.map(({ column }) => column)))
  return [...titles.keys()].filter((column) => wrong.has(column) || isOfPerson(titles[column]))
}

type MendRowProps = Omit<TableProps, 'rows'> & {
  readonly row: AsideRow
  readonly columns: readonly number[]
}

function MendRow({ row, columns, table, edits, canMend, change }: MendRowProps) {
  const say = useSay()
  const own = edits[row.position]
  return (
    <tr class={isChanged(row, edits) ? 'is-changed' : ''}>
      <th scope="row" class="mend-place">
        {say(texts.files.rowIs, { row: row.row })}
        {isChanged(row, edits) && (
          <>
            <span class="badge main">{say(texts.files.changed)}</span>
            <button
              type="button"
              class="button plain small"
              onClick={() => change(withoutRow(edits, row))}
            >
              {say(texts.files.undoRow)}
            </button>
          </>
        )}
      </th>
      {columns.map((column) => {
        const title = table.titles[column] ?? ''
        const isWrong = row.findings.some(
          (one) => one.column === column && one.severity === 'error',
        )
        const isLeft = isWrong && own?.[column] === undefined
        return (
          <td key={column} data-title={title}>
            {canMend ? (
              <input
                class={`input ${isLeft ? 'is-wrong' : ''}`}
                aria-label={say(texts.files.cell, { row: row.row, title })}
                aria-invalid={isLeft}
                autocomplete="off"
                spellcheck={false}
                size={sizeOf(cellIn(row, column, edits))}
                value={cellIn(row, column, edits)}
                onInput={({ currentTarget }) =>
                  change(withCell(edits, row, column, currentTarget.value))
                }
              />
            ) : (
              <span class={`typed ${isWrong ? 'tone-error' : ''}`}>
                {cellIn(row, column, edits)}
              </span>
            )}
          </td>
        )
      })}
      <td class="mend-problem">
        {row.findings.map((finding, nth) => (
          <Problem key={nth} {...{ finding, row, edits, canMend, change }} />
        ))}
      </td>
    </tr>
  )
}

type ProblemProps = Pick<MendRowProps, 'row' | 'edits' | 'canMend' | 'change'> & {
  readonly finding: Finding
}

function Problem({ finding, row, edits, canMend, change }: ProblemProps) {
  const say = useSay()
  const chosen = useStore(language)
  const { suggestion: value, column } = finding
  const isApplied = column !== undefined && cellIn(row, column, edits) === value
  return (
    <div class="mend-finding">
      <p class="typed small">{finding.message[chosen]}</p>
      {value === undefined && <p class="typed small quiet">{finding.fix[chosen]}</p>}
      {canMend && value !== undefined && column !== undefined && !isApplied && (
        <button
          type="button"
          class="button mend-apply"
          onClick={() => change(withCell(edits, row, column, value))}
        >
          {say(texts.files.apply, { value })}
        </button>
      )}
    </div>
  )
}
