/** Which rows of a declaration the grid shows, by what is looked for; and the focus on the active one. */
import { changeOf, type Row } from '../grid/row.ts'

/** Frames later, when the row is in the page. */
export function focusActive(): void {
  const focus = () =>
    document.querySelector<HTMLElement>('.grid [tabindex="0"]')?.focus({ preventScroll: true })
  document.querySelector('.grid')?.scrollIntoView({ block: 'center' })
  requestAnimationFrame(() => requestAnimationFrame(focus))
}

export type Filter = { readonly wanted: string; readonly onlyChanged: boolean }

export function shownOf(rows: readonly Row[], { wanted, onlyChanged }: Filter): readonly number[] {
  const text = wanted.trim().toUpperCase()
  const shown: number[] = []
  for (const [index, row] of rows.entries()) {
    const { name, idNumber } = row.line.person
    if (onlyChanged && changeOf(row) === 'same') continue
    if (text === '' || name.toUpperCase().includes(text) || idNumber.toUpperCase().includes(text))
      shown.push(index)
  }
  return shown
}
