/**
 * Lints a policy pack: finds what would make it assess wrongly or not at all, with file and key. Examples:
 * a typo, overlapping rows, a period without row or gap, an expired rate that continues. A gap is a note,
 * not a fault.
 */

import type { FindingCode } from '../declaration/catalogue/catalogue.ts'
import { type FindingParams, finding } from '../declaration/findings.ts'
import { readYuan } from '../declaration/money.ts'
import { type Formats, readShape, type Schema } from '../declaration/shape.ts'
import { baseFenMax } from './assess.ts'
import { monthsAfter } from './calendar.ts'
import { lintCalendar } from './lint-calendar.ts'
import type { LintFault } from './lint-fault.ts'
import { lintNumbers } from './lint-numbers.ts'
import {
  type Dated,
  type DatedList,
  datedLists,
  type Gap,
  gapsOf,
  type PolicyPack,
  packSchema,
} from './pack.ts'

/**
 * @param today `YYYY-MM-DD`; undefined: whatever day it is. A process must start on New Year's night
 * as it did the day before, even where a temporary rate has just ended: its gap says what stands in.
 */
export function lintPack(value: unknown, today: string | undefined): LintFault[] {
  const faults: LintFault[] = []
  const report = (pointer: string, code: FindingCode, params?: FindingParams, meant?: string) => {
    const message =
      code === 'FIELD_UNKNOWN'
        ? 'A pack has no such field.'
        : finding(pointer, code, params).message.en
    const suggestion = meant === undefined ? '' : ` Did you mean ${meant}?`
    faults.push({ severity: 'error', ...placeOf(pointer), message: message + suggestion })
  }
  readShape(packSchema as unknown as Schema, value, formats, report)
  if (faults.length > 0) return faults
  const pack = value as PolicyPack
  const found = [
    ...lintRows(pack),
    ...datedLists(pack).flatMap((list) => lintList(pack, list, today?.slice(0, 7) ?? '')),
    ...lintGaps(pack),
    ...lintNumbers(pack),
    ...lintCalendar(pack, today),
    ...assumptionsOf(pack),
  ]
  // Limits of all insurances are one row: what is wrong with it is said once.
  const groups = Map.groupBy(found, ({ file, message }) => file + message)
  return [...groups.values()].map((group) => ({
    ...(group[0] as LintFault),
    key: group.map(({ key }) => key).join(', '),
  }))
}

const formats: Formats = {
  from: { 'zh-CN': '', en: 'a period such as 2024-01' },
  to: { 'zh-CN': '', en: 'a period such as 2024-12' },
  floor: { 'zh-CN': '', en: 'an amount in yuan in quotes such as "4227.00"' },
  ceiling: { 'zh-CN': '', en: 'an amount in yuan in quotes such as "21133.00"' },
  employer: { 'zh-CN': '', en: 'a percentage in quotes such as "16", at most four decimals' },
  employee: { 'zh-CN': '', en: 'a percentage in quotes such as "8", at most four decimals' },
  perOrder: { 'zh-CN': '', en: 'yuan in quotes such as "0.07", at most six decimals' },
  date: { 'zh-CN': '', en: 'a day such as 2024-09-11' },
  time: { 'zh-CN': '', en: 'a time such as 17:00 or 24:00' },
}

/** `/limits/2/floor` is `[2].floor` in limits.json. */
function placeOf(pointer: string): { file: string; key: string } {
  const [file = '', ...path] = pointer.split('/').slice(1)
  const key = path.map((part) => (/^[0-9]+$/.test(part) ? `[${part}]` : `.${part}`)).join('')
  return { file: file === '' ? '(folder)' : `${file}.json`, key: key.replace(/^\./, '') }
}

/** `rates/medical` is `medical` in rates.json. */
function placeOfList(key: string): { file: string; key: string } {
  const [file = '', ...path] = key.split('/')
  return { file: `${file}.json`, key: path.join('.') }
}

function error(place: { file: string; key: string }, message: string): LintFault {
  return { severity: 'error', ...place, message }
}

/** What rows must be in themselves. */
function lintRows(pack: PolicyPack): LintFault[] {
  const limits = pack.limits.flatMap(({ floor, ceiling }, i) => {
    const place = { file: 'limits.json', key: `[${i}]` }
    if (readYuan(floor) > readYuan(ceiling)) return error(place, 'The floor is above the ceiling.')
    return readYuan(ceiling) > baseFenMax
      ? error(place, 'The ceiling is above 90 million yuan.')
      : []
  })
  const tiers = (pack.flexible?.pensionBases ?? []).flatMap(({ choice, tiers = [] }, i) => {
    const place = { file: 'flexible.json', key: `pensionBases[${i}].tiers` }
    const named = new Set(tiers.map(({ tier }) => tier))
    if (choice === 'tiers' && tiers.length === 0) return error(place, 'No tier is on offer.')
    return named.size < tiers.length ? error(place, 'A tier is there twice.') : []
  })
  const sourced = datedLists(pack).flatMap(({ key, rows }) =>
    rows.flatMap((row, i) => {
      if (row.sources.length > 0) return []
      if (row.status === 'provisional' && row.note !== undefined) return []
      return error(
        at(key, i),
        'A value needs a source; an assumption is provisional and has a note.',
      )
    }),
  )
  return [...limits, ...tiers, ...sourced]
}

function at(key: string, i: number): { file: string; key: string } {
  const place = placeOfList(key)
  return { ...place, key: `${place.key}[${i}]` }
}

function lintList(pack: PolicyPack, list: DatedList, today: string): LintFault[] {
  const { key, rows, required } = list
  const faults: LintFault[] = []
  for (const [i, row] of rows.entries()) {
    if (row.to !== undefined && row.to < row.from) {
      faults.push(error(at(key, i), `It ends (${row.to}) before it begins (${row.from}).`))
    }
    if (row.status === 'expired' && row.to === undefined) {
      faults.push(error(at(key, i), 'It has expired but has no end: give `to`.'))
    }
    if (row.temporary === true && row.status !== 'expired' && hasEnded(row, rows[i + 1], today)) {
      const message = `It was temporary and ended with ${row.to}: add what followed, or set status to expired.`
      faults.push(error(at(key, i), message))
    }
    const next = rows[i + 1]
    if (next !== undefined && (row.to === undefined || row.to >= next.from)) {
      const message = `It overlaps the row from ${next.from}: end it with ${monthsAfter(next.from, -1)}.`
      faults.push(error(at(key, i), message))
    }
  }
  if (faults.length > 0) return faults
  return holesOf(pack, rows, required).flatMap((hole) => lintHole(pack, list, hole))
}

function hasEnded({ to }: Dated, next: Dated | undefined, today: string): boolean {
  return to !== undefined && to < today && next === undefined
}

/** Periods without a row; `to` is undefined for one without an end. */
type Hole = {
  readonly from: string
  readonly to: string | undefined
  readonly before: Dated | undefined
}

/** Lists that need not be there have holes only behind their first row. */
function holesOf(pack: PolicyPack, rows: readonly Dated[], required: boolean): Hole[] {
  const holes: Hole[] = []
  let next = required ? pack.region.from : (rows[0]?.from ?? '')
  let before: Dated | undefined
  for (const row of rows) {
    if (row.from > next) holes.push({ from: next, to: monthsAfter(row.from, -1), before })
    if (row.to === undefined) return holes
    const after = monthsAfter(row.to, 1)
    if (after > next) next = after
    before = row
  }
  return [...holes, { from: next, to: undefined, before }]
}

function lintHole(pack: PolicyPack, { key }: DatedList, hole: Hole): LintFault[] {
  const place = placeOfList(key)
  const span = `${hole.from} to ${hole.to ?? 'now'}`
  const gap = gapsOf(pack, key).find(
    ({ from = '', to }) => from <= hole.from && (to === undefined || to >= (hole.to ?? '9999-12')),
  )
  if (gap === undefined) {
    return [error(place, `Nothing covers ${span}: add a row, or a gap that says what stands in.`)]
  }
  if (gap.fill === 'previous' && hole.before?.status === 'expired') {
    const message = `The rate that expired with ${hole.before.to} is in use for ${span}: add its successor, set the gap's fill to none, or to expired to go on with it knowingly.`
    return [error(place, message)]
  }
  if (gap.fill !== 'next' && gap.fill !== 'none' && hole.before === undefined) {
    return [error(place, `A gap fills ${span} with the row before, and there is none.`)]
  }
  if (gap.fill === 'next' && hole.to === undefined) {
    return [error(place, `A gap fills ${span} with the row after, and there is none.`)]
  }
  return [
    { severity: 'note', ...place, message: `${span}, filled with ${gap.fill}: ${gap.note.en}` },
  ]
}

/** A gap that names no list is a typo, unless it is a remark. */
function lintGaps(pack: PolicyPack): LintFault[] {
  const keys = datedLists(pack).map(({ key }) => key)
  const known = [...new Set(keys.flatMap((key) => [key, key.split('/')[0] as string]))]
  return pack.gaps.flatMap(({ key, note }, i): LintFault[] => {
    const place = { file: 'gaps.json', key: `[${i}].key` }
    if (key.startsWith('notes/')) return [{ severity: 'note', ...place, message: note.en }]
    if (known.includes(key)) return coveredGap(pack, i)
    return [error(place, `There is no list ${key}; there are: ${known.join(', ')}, notes/….`)]
  })
}

/** A gap where all of its lists have rows says that something stands in where nothing does. */
function coveredGap(pack: PolicyPack, i: number): LintFault[] {
  const { key, from = '', to = lastPeriod } = pack.gaps[i] as Gap
  const lists = datedLists(pack).filter(
    (list) => list.key === key || list.key.startsWith(`${key}/`),
  )
  const over = lists.map(({ rows }) => rows.find((row) => overlaps(row, { from, to })))
  const [row] = over
  if (row === undefined || over.includes(undefined)) return []
  const message = `The gap is over the row from ${row.from} to ${row.to ?? 'now'}, which applies all the same: end one where the other begins.`
  return [error({ file: 'gaps.json', key: `[${i}]` }, message)]
}

const lastPeriod = '9999-12'

function overlaps(one: Pick<Dated, 'from' | 'to'>, other: Pick<Dated, 'from' | 'to'>): boolean {
  return one.from <= (other.to ?? lastPeriod) && other.from <= (one.to ?? lastPeriod)
}

/** A value that nobody has published, or that is expected to change: it must be confirmed before use. */
function assumptionsOf(pack: PolicyPack): LintFault[] {
  return datedLists(pack).flatMap(({ key, rows }) =>
    rows.flatMap((row, i): LintFault[] => {
      if (row.status !== 'provisional') return []
      const what = row.sources.length === 0 ? 'Assumed' : 'Provisional'
      const message = `${what} (${row.from} to ${row.to ?? 'now'}): ${row.note?.en ?? 'expected to change.'}`
      return [{ severity: 'note', ...at(key, i), message }]
    }),
  )
}
