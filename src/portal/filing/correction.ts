/**
 * Begins the correction of a declaration: the rows are what is in force of it, or what somebody had entered for the
 * month already, beside what is in force.
 *
 * | the page ends after | then |
 * |---|---|
 * | the declaration was read | nothing is kept; what was entered before is as it was |
 * | the draft of the correction is kept | it is opened again as a correction |
 */
import type { EditedHeader } from '../grid/row.ts'
import type { Amounts } from '../rules/protocol.ts'
import { type Filed, type FiledAmount, readFiled } from '../state/declarations.ts'
import { type Read, read } from '../state/read.ts'
import { fenOf } from '../ui/money.ts'
import { beginDraft, type DeskName, findDraft, type KeptDraft } from './desk.ts'
import { personKey } from './difference.ts'
import { headerOf, type Proposed } from './draft.ts'

/** A declaration as it can be corrected. */
export type Correctable = {
  readonly filed: Filed
  readonly draft: KeptDraft
  /** Another one, which came since and stands in its place. */
  readonly replacedBy: string | undefined
}

export async function readCorrectable(id: string): Promise<Read<Correctable>> {
  const filed = await readFiled(id)
  if (filed.kind !== 'ok') return filed
  const { employer, period } = filed.value
  const query = `period=${encodeURIComponent(period)}&corrects=${encodeURIComponent(id)}`
  const found = await read<Proposed & { readonly region: string; readonly replaces: string }>(
    `/v1/employers/${encodeURIComponent(employer)}/draft?${query}`,
  )
  if (found.kind !== 'ok') return found
  const { lines, region, replaces, standing } = found.value
  // A stream that broke off is not whole.
  if (!Array.isArray(lines)) return { kind: 'lost' }
  const header: EditedHeader = {
    ...headerOf(found.value, { employer, region, period }),
    ...{ kind: 'correction', replaces },
  }
  const amounts = amountsInForce(filed.value)
  const draft: KeptDraft = {
    ...{ header, proposed: lines.length },
    rows: lines.map((line) => ({ line, before: line })),
    corrects: { lines, ...(amounts && { amounts }) },
  }
  const isOther = standing !== replaces
  const after = isOther ? (standing ?? '') : undefined
  return { kind: 'ok', value: { filed: filed.value, draft, replacedBy: after } }
}

/** The rows that were entered, each beside what is in force of the same person. */
export function withEntered(draft: KeptDraft, entered: KeptDraft['rows']): KeptDraft {
  const inForce = new Map(draft.corrects?.lines.map((line) => [personKey(line), line]))
  return {
    ...draft,
    rows: entered.map(({ line }) => {
      const before = inForce.get(personKey(line))
      return { line, ...(before && { before }) }
    }),
  }
}

/** What was entered as a correction, as a declaration of its own: where nothing stands any more. */
export async function fileAnew(name: DeskName): Promise<void> {
  const kept = await findDraft(name)
  if (kept?.header.kind !== 'correction') return
  const { replaces: _, ...header } = kept.header
  await beginDraft(name, {
    header: { ...header, kind: 'regular' },
    rows: kept.rows.map(({ line }) => ({ line })),
    proposed: kept.proposed,
  })
}

export function isCorrectionOf(draft: KeptDraft | undefined, id: string): boolean {
  return draft?.header.kind === 'correction' && draft.header.replaces === id
}

/** As assessed, with the differences that later packs made; undefined until it is posted. */
function amountsInForce({ assessment, reassessments = [] }: Filed): Amounts[] | undefined {
  if (assessment === undefined) return undefined
  const sums = new Map<string, Amounts>()
  for (const one of [assessment, ...reassessments].flatMap(({ amounts }) => amounts)) {
    const sum = sums.get(one.insurance)
    sums.set(one.insurance, sum === undefined ? amountsOf(one) : plus(sum, amountsOf(one)))
  }
  return [...sums.values()]
}

export function amountsOf({ insurance, base, employer, employee }: FiledAmount): Amounts {
  return {
    insurance,
    baseFen: fenOf(base),
    employerFen: fenOf(employer),
    employeeFen: fenOf(employee),
  }
}

function plus(one: Amounts, other: Amounts): Amounts {
  return {
    insurance: one.insurance,
    baseFen: one.baseFen + other.baseFen,
    employerFen: one.employerFen + other.employerFen,
    employeeFen: one.employeeFen + other.employeeFen,
  }
}
