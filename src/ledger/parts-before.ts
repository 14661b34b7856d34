/**
 * The sums that a part is assessed with under packs other than its own: other limits give other bases for
 * the lines before the head. These lines are read from the journal, one part at a time.
 */
import type { Part } from '../declaration/part.ts'
import type { JournalReader } from '../journal/reading/reader.ts'
import { type OtherParts, otherPartsOf } from '../policy/assess.ts'
import type { PeriodRules } from '../policy/rules.ts'
import { addBases, noSums, sumsBases, wagesOf } from '../policy/unit.ts'

/**
 * By pack. Parts are read only where one of the packs sums bases.
 * @param needsBases which packs do; to check a base that the unit declared, those with one do, too
 */
export async function otherPartsBy(
  journal: JournalReader,
  part: Part | undefined,
  packs: readonly PeriodRules[],
  needsBases: (pack: PeriodRules) => boolean = sumsBases,
): Promise<readonly OtherParts[]> {
  const others = otherPartsOf(part)
  if (others === 'paid by the head') return packs.map(() => others)
  const ids = packs.some(needsBases) ? partsBefore(part) : []
  const sums = packs.map(() => noSums.basesFen)
  for (const id of ids) {
    const { lines = [] } = await journal.read(id)
    const wages = wagesOf(lines)
    for (const [i, pack] of packs.entries()) sums[i] = addBases(sums[i] ?? [], wages, pack)
  }
  return sums.map((basesFen) => ({ basesFen, days: others.days }))
}

/** Ids of the parts that a head pays the unit's amounts for, too. */
export function partsBefore(part: Part | undefined): readonly string[] {
  const unit = part?.unit ?? 'paid by the head'
  return unit === 'paid by the head' ? [] : unit.ids
}
