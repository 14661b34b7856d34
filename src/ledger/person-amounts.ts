/**
 * The amounts of each person of a declaration as they count now: under the pack of the last reassessment in
 * effect, or the pack it was filed under. Only the journal has persons: a declaration is read from there
 * part by part, in the order of its lines.
 */

import type { Line } from '../declaration/schema.ts'
import type { EnvelopeKey } from '../journal/envelope.ts'
import { loadPacks } from '../journal/policy-packs.ts'
import { readLineRows } from '../journal/reading/line-rows.ts'
import { type FoundDeclaration, findPositions } from '../journal/reading/read.ts'
import type { Queryable } from '../journal/reading/read-pool.ts'
import { JournalReader } from '../journal/reading/reader.ts'
import { assessDeclaration, lineStride } from '../policy/assess.ts'
import { insurances } from '../policy/pack.ts'
import type { Policies } from '../policy/rules.ts'
import type { AssessedAmount } from '../policy/unit.ts'
import { rulesOfAccepted } from './prepare.ts'
import { findReassessments } from './status.ts'

export type PersonAmounts = {
  /** Of the whole declaration, from 1. */
  readonly line: number
  /** Of the file that it came in; undefined where it came alone, or was kept from an earlier one. */
  readonly row: number | undefined
  readonly declared: Line
  /** Of a platform's worker, zeros: orders are added up for each day of the unit. */
  readonly amounts: readonly AssessedAmount[]
}

export type JournalAccess = {
  readonly readPool: Queryable
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly policies: Policies
}

export type LocatedPart = FoundDeclaration & {
  /** Lines of the whole before it. */
  readonly linesBefore: number
}

/** A declaration's parts in order, each opened when it is asked for; itself, where it travels whole. */
export async function* partsOf(
  { readPool, sealingKeys }: JournalAccess,
  found: FoundDeclaration,
): AsyncGenerator<LocatedPart> {
  const journal = new JournalReader(readPool, sealingKeys)
  const { id, part } = found
  let linesBefore = 0
  for (const before of part === undefined ? [] : await journal.idsBefore(id, part)) {
    const envelope = (await findPositions(readPool, [before])).get(before)?.envelope as bigint
    const accepted = await journal.readAccepted(before)
    yield { ...accepted, envelope, linesBefore }
    linesBefore += accepted.declaration.lines?.length ?? 0
  }
  yield { ...found, linesBefore }
}

/** Persons of a declaration, with those of all its parts. */
export async function* personAmounts(
  access: JournalAccess,
  found: FoundDeclaration,
): AsyncGenerator<PersonAmounts> {
  for await (const part of partsOf(access, found))
    yield* amountsOf(part, await hashNow(access, part))

  function* amountsOf(part: LocatedPart, policyHash: string | undefined): Generator<PersonAmounts> {
    const { declaration, linesBefore, rows: text = '' } = part
    const rules = rulesOfAccepted(access.policies, { declaration, policyHash })
    // What the unit pays is no person's, and its head's alone.
    const { linesFen } = assessDeclaration(declaration, rules, undefined, 'paid by the head')
    const rows = readLineRows(text)
    for (const [i, declared] of (declaration.lines ?? []).entries()) {
      const amounts = lineAmounts(linesFen, i)
      yield { line: linesBefore + i + 1, row: rows[i], declared, amounts }
    }
  }
}

async function hashNow({ readPool, policies }: JournalAccess, part: FoundDeclaration) {
  const reassessments = await findReassessments(readPool, part)
  const hash = reassessments.at(-1)?.policyHash ?? part.policyHash
  await loadPacks(readPool, policies, [hash])
  return hash
}

function lineAmounts(linesFen: readonly number[], i: number): AssessedAmount[] {
  return insurances.map((insurance, k) => {
    const at = i * lineStride + 1 + 3 * k
    const [baseFen = 0, employerFen = 0, employeeFen = 0] = linesFen.slice(at, at + 3)
    return { insurance, baseFen, employerFen, employeeFen }
  })
}
