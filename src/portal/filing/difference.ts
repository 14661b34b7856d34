/** What a correction changes: persons, and amounts by insurance and side, against what is in force. */
import { type EditedLine, isSameLine, type Row } from '../grid/row.ts'

export type PersonChange =
  | { readonly kind: 'added'; readonly after: EditedLine }
  | { readonly kind: 'removed'; readonly before: EditedLine }
  | { readonly kind: 'changed'; readonly before: EditedLine; readonly after: EditedLine }

export type Difference = {
  /** Removed ones first: nobody is left out by mistake. */
  readonly persons: readonly PersonChange[]
  readonly removed: number
  readonly added: number
  readonly changed: number
}

/** A person by the identity number; one without is known by the name. */
export function personKey({ person: { idNumber, name } }: EditedLine): string {
  return idNumber === '' ? `name ${name}` : idNumber.replace(/\s/g, '').toUpperCase()
}

/**
 * Looked at after each edit, of up to 10,000 rows: rows are known by the very lines in force that they have.
 * @param inForce the lines that rows have as `before` (see knownAs)
 */
export function differenceOf(inForce: readonly EditedLine[], rows: readonly Row[]): Difference {
  const left = new Set(inForce)
  for (const { before } of rows) if (before !== undefined) left.delete(before)
  const unmatched = new Map([...left].map((line) => [personKey(line), line]))
  const [added, changed]: [PersonChange[], PersonChange[]] = [[], []]
  for (const { line, before: known } of rows) {
    if (line === known) continue
    // Somebody who was removed and typed again is no other person.
    const before = known ?? unmatched.get(personKey(line))
    if (known === undefined) unmatched.delete(personKey(line))
    if (before === undefined) added.push({ kind: 'added', after: line })
    else if (!isSameLine(line, before)) changed.push({ kind: 'changed', before, after: line })
  }
  const removed = [...unmatched.values()].map(
    (before): PersonChange => ({ kind: 'removed', before }),
  )
  return {
    persons: [...removed, ...added, ...changed],
    ...{ removed: removed.length, added: added.length, changed: changed.length },
  }
}

type KeptRow = { readonly line: EditedLine; readonly before?: EditedLine | undefined }

/** Rows as they were kept, with the very lines in force: reading them from storage made copies. */
export function knownAs<R extends KeptRow>(inForce: readonly EditedLine[], rows: readonly R[]) {
  const known = new Map(inForce.map((line) => [personKey(line), line]))
  return rows.map(({ line, before: copy }): KeptRow => {
    const before = copy && known.get(personKey(copy))
    if (before === undefined) return { line }
    return { line: isSameLine(line, before) ? before : line, before }
  })
}

export type AmountDifference = {
  readonly insurance: string
  readonly before: Sides
  readonly after: Sides
}

type Sides = { readonly employerFen: number; readonly employeeFen: number }
type Amounts = Sides & { readonly insurance: string }

/** Of every insurance that one of them has, in their order. */
export function amountDifferences(
  before: readonly Amounts[],
  after: readonly Amounts[],
): readonly AmountDifference[] {
  const insurances = new Set([...before, ...after].map(({ insurance }) => insurance))
  return [...insurances].map((insurance) => {
    const of = (amounts: readonly Amounts[]): Sides =>
      amounts.find((one) => one.insurance === insurance) ?? nothing
    return { insurance, before: of(before), after: of(after) }
  })
}

const nothing: Sides = { employerFen: 0, employeeFen: 0 }
