/**
 * `npm run check-file --json` of declarations on lines: each is told on a line of its own, as the pre-check
 * tells one, and a line that is no declaration with why. One is in memory at a time.
 */
import type { FileFinding } from '../../batch/findings/file-findings.ts'
import { readRows } from '../../batch/table/file-rows.ts'
import { reportedFinding } from '../../batch/table/reported-finding.ts'
import { explainedLinesMax, findingsPerAnswerMax } from '../../limits.ts'
import { checkFiling } from '../../policy/check.ts'
import { presentCheck } from '../../policy/present.ts'
import type { Policies } from '../../policy/rules.ts'
import { type SheetOptions, sourceOf } from './check-sheet.ts'
import { Output } from './sheet-report.ts'

const page = { findingsMax: findingsPerAnswerMax, lines: { from: 0, count: explainedLinesMax } }

/** @returns whether nothing is wrong with any of them */
export async function checkLines(options: SheetOptions, policies: Policies): Promise<boolean> {
  const output = new Output()
  const checking = { policies, nowMicros: Date.now() * 1_000, keptMax: findingsPerAnswerMax }
  let valid = true
  const tell = (told: { readonly valid: boolean }) => {
    valid &&= told.valid
    return output.write(`${JSON.stringify(told)}\n`)
  }
  const asked = { employer: undefined, region: undefined, period: undefined } as const
  const reading = readRows(sourceOf(options), { ...asked, format: 'ndjson' }, undefined)
  for await (const { rows, findings } of reading) {
    for (const { line, findings: faults } of rows)
      await tell(
        line === undefined ? refused(faults) : presentCheck(checkFiling(line, checking), page),
      )
    if (findings.length > 0) await tell(refused(findings))
  }
  await output.flush()
  return valid
}

function refused(findings: readonly FileFinding[]) {
  const told = findings.map((finding) => reportedFinding(finding, 'declarations'))
  return { valid: false as const, total: told.length, findings: told }
}
