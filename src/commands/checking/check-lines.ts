/**
 * `npm run check-file --json` for declarations on lines: reports each on a line of its own, as the
 * pre-check does, and says why a line is no declaration. One declaration is in memory at a time.
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

/** @returns whether all of them are valid */
export async function checkLines(options: SheetOptions, policies: Policies): Promise<boolean> {
  const output = new Output()
  const checking = { policies, nowMicros: Date.now() * 1_000, keptMax: findingsPerAnswerMax }
  let valid = true
  const report = (result: { readonly valid: boolean }) => {
    valid &&= result.valid
    return output.write(`${JSON.stringify(result)}\n`)
  }
  const request = { employer: undefined, region: undefined, period: undefined } as const
  const reading = readRows(sourceOf(options), { ...request, format: 'ndjson' }, undefined)
  for await (const { rows, findings } of reading) {
    for (const { line, findings: faults } of rows)
      await report(
        line === undefined ? refused(faults) : presentCheck(checkFiling(line, checking), page),
      )
    if (findings.length > 0) await report(refused(findings))
  }
  await output.flush()
  return valid
}

function refused(findings: readonly FileFinding[]) {
  const reported = findings.map((finding) => reportedFinding(finding, 'declarations'))
  return { valid: false as const, total: reported.length, findings: reported }
}
