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

export function differenceOf(inForce: readonly EditedLine[], rows: readonly Row[]): Difference {
  const left = new Map(inForce.map((line) => [personKey(line), line]))
  for (const { before } of rows) if (before !== undefined) left.delete(personKey(before))
  const [added, changed]: [PersonChange[], PersonChange[]] = [[], []]
  for (const { line, before: known } of rows) {
    // Somebody who was removed and typed again is no other person.
    const before = known ?? left.get(personKey(line))
    left.delete(personKey(line))
    if (before === undefined) added.push({ kind: 'added', after: line })
    else if (!isSameLine(line, before)) changed.push({ kind: 'changed', before, after: line })
  }
  const removed = [...left.values()].map((before): PersonChange => ({ kind: 'removed', before }))
  return {
    persons: [...removed, ...added, ...changed],
    ...{ removed: removed.length, added: added.length, changed: changed.length },
  }
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
