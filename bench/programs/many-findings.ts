/**
 * Checks as many lines as asked, each with an error, writes out all findings as a table, and says on
 * standard output how large the process has been, in KiB.
 */
import { csvOf } from '../../src/declaration/csv.ts'
import { residentIdCheckDigit } from '../../src/declaration/identity.ts'
import { readPolicies } from '../../src/platform/config/packs.ts'
import { checkFiling } from '../../src/policy/check.ts'
import { createGenerator } from '../support/generator.ts'

const count = Number(process.argv[2])
/** A number whose check digit is wrong. */
const line = (_: unknown, i: number) => {
  const digits = `34010219900307${100 + (i % 900)}`
  const idNumber = digits + (residentIdCheckDigit(digits) === '1' ? '2' : '1')
  const person = { idType: 'resident-id', idNumber, name: '王伟' }
  return { person, category: 'employee', wage: '6500.00', change: 'none' }
}
const body = {
  ...createGenerator(1).declaration({ period: '2024-11', lines: 1 }),
  lines: Array.from({ length: count }, line),
}
const { findings } = checkFiling(body, {
  policies: readPolicies(undefined),
  nowMicros: 1_732_300_000_000_000,
  keptMax: Number.POSITIVE_INFINITY,
  linesMax: count,
})
let characters = 0
for (const row of csvOf(findings)) characters += row.length
if (findings.total < count || characters < count * 100) throw new Error('findings are missing')
process.stdout.write(`${process.resourceUsage().maxRSS}\n`)
