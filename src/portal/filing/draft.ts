/** Next month's declaration as the service proposes it, from what is in force; asked for once, when a draft is begun. */
import type { EditedHeader, EditedLine } from '../grid/row.ts'
import { type Read, read } from '../state/read.ts'

export type Proposed = Partial<EditedHeader> & {
  readonly lines: readonly EditedLine[]
  readonly from?: { readonly id: string; readonly period: string }
  /** What was filed for this month already. */
  readonly standing?: string
}

export async function readProposed(employer: string, period: string): Promise<Read<Proposed>> {
  const found = await read<Proposed>(
    `/v1/employers/${encodeURIComponent(employer)}/draft?period=${encodeURIComponent(period)}`,
  )
  // Nothing is in force for the month before: somebody begins.
  if (found.kind === 'refused' && found.problem?.code === 'DRAFT_ABSENT')
    return { kind: 'ok', value: { lines: [] } }
  // A stream that broke off is not whole.
  if (found.kind === 'ok' && !Array.isArray(found.value.lines)) return { kind: 'lost' }
  return found
}

/** The header of a declaration: what the unit itself declared stays as it was. */
export function headerOf(
  { industryClass, workInjuryFloat, unitBase }: Proposed,
  place: Pick<EditedHeader, 'employer' | 'region' | 'period'>,
): EditedHeader {
  return {
    ...place,
    kind: 'regular',
    ...(industryClass !== undefined && { industryClass }),
    ...(workInjuryFloat !== undefined && { workInjuryFloat }),
    ...(unitBase !== undefined && { unitBase }),
  }
}
