/**
 * What changes from one version of a pack to another: as edits that turn the old into the new, as
 * rows that came, went or changed, and as what an employee and the employer pay more or less.
 */
import { Diff, Patch, type TEdit } from 'typebox/value'
import { formatFen } from '../declaration/money.ts'
import type { Line } from '../declaration/schema.ts'
import { assessDeclaration } from './assess.ts'
import { monthsAfter } from './calendar.ts'
import { type Dated, datedLists, type PolicyPack, sharedKey } from './pack.ts'
import { createPolicies, type RulesOutcome } from './rules.ts'

export type PackEdit = TEdit

/** Edits, addressed by JSON Pointers (RFC 6901). */
export function editsBetween(before: PolicyPack, after: PolicyPack): PackEdit[] {
  return Diff(before, after)
}

/** The pack that edits make of another. */
export function applyEdits(pack: PolicyPack, edits: PackEdit[]): PolicyPack {
  return Patch(structuredClone(pack), edits) as PolicyPack
}

export type RowChange = {
  /** The list, as gaps and lint name it. */
  readonly key: string
  readonly from: string
  /** Absent for a row that is new, or gone. */
  readonly before?: Dated
  readonly after?: Dated
}

/** Rows that differ, list by list; a row is known by when it begins. */
export function changedRows(before: PolicyPack, after: PolicyPack): RowChange[] {
  const [older, newer] = [rowsOf(before), rowsOf(after)]
  const changes = new Map<string, { keys: string[]; change: Omit<RowChange, 'key'> }>()
  for (const place of new Set([...older.keys(), ...newer.keys()])) {
    const [one, other] = [older.get(place), newer.get(place)]
    const text = JSON.stringify([one, other])
    if (JSON.stringify(one) === JSON.stringify(other)) continue
    const [key = '', from = ''] = place.split(' ')
    const file = key.split('/')[0]
    const same = changes.get(file + text)
    if (same !== undefined) same.keys.push(key)
    else {
      const change = { from, ...(one && { before: one }), ...(other && { after: other }) }
      changes.set(file + text, { keys: [key], change })
    }
  }
  return [...changes.values()].map(({ keys, change }) => ({ key: sharedKey(keys), ...change }))
}

function rowsOf(pack: PolicyPack): Map<string, Dated> {
  return new Map(
    datedLists(pack).flatMap(({ key, rows }) => rows.map((row) => [`${key} ${row.from}`, row])),
  )
}

/** What a wage comes to in each version, in yuan; undefined where a version has no rules. */
export type AmountChange = {
  readonly wage: string
  readonly before: Paid | undefined
  readonly after: Paid | undefined
}

export type Paid = { readonly employer: string; readonly employee: string }

/** Periods one after another in which the same wages change in the same way. */
export type AmountChanges = {
  readonly from: string
  readonly to: string
  readonly amounts: readonly AmountChange[]
}

/** Wages that no limit clamps, and some that limits do. */
const sampleWages = ['2000.00', '5000.00', '8000.00', '15000.00', '30000.00']

/** Who pays more: sample wages in every period, where the two versions differ. */
export function changedAmounts(
  before: PolicyPack,
  after: PolicyPack,
  untilPeriod: string,
): AmountChanges[] {
  const from = [before.region.from, after.region.from].sort()[0] as string
  const [older, newer] = [before, after].map(paidIn)
  const changes: AmountChanges[] = []
  let last = ''
  for (let period = from; period <= untilPeriod; period = monthsAfter(period, 1)) {
    const amounts = sampleWages.map((wage) => ({
      wage,
      before: older?.(period, wage),
      after: newer?.(period, wage),
    }))
    const text = JSON.stringify(amounts)
    const same = amounts.every((one) => JSON.stringify(one.before) === JSON.stringify(one.after))
    const previous = changes.at(-1)
    if (!same && text === last && previous !== undefined) {
      changes[changes.length - 1] = { ...previous, to: period }
    } else if (!same) changes.push({ from: period, to: period, amounts })
    last = same ? '' : text
  }
  return changes
}

function paidIn(pack: PolicyPack): (period: string, wage: string) => Paid | undefined {
  const policies = createPolicies({ packs: [pack], sha256Hex: (text) => text })
  return (period, wage) => paid(policies.rulesFor(pack.region.code, period), wage)
}

function paid(rules: RulesOutcome, wage: string): Paid | undefined {
  if (rules.kind !== 'rules') return undefined
  const person = { idType: 'resident-id', idNumber: '', name: '' } as const
  const line: Line = { person, category: 'employee', wage, change: 'none' }
  const { amounts } = assessDeclaration({ lines: [line], unitBase: wage }, rules)
  const sum = (side: 'employerFen' | 'employeeFen') =>
    formatFen(amounts.reduce((total, amount) => total + amount[side], 0))
  return { employer: sum('employerFen'), employee: sum('employeeFen') }
}
