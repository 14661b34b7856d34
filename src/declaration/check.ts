/**
 * The check of a declaration: all faults at once, of shape and of rules, also in the well-formed
 * parts of a malformed body. Whatever the body is, it answers with findings and never throws. A
 * faultless one costs a few microseconds: the compiled schema, then one pass over the lines.
 *
 * What depends on a region's policy is checked by the policy room.
 */
import { Compile } from 'typebox/compile'
import { checkLines } from './check-lines.ts'
import { collectFindings, type Findings, type Report } from './findings.ts'
import { type Declaration, declarationSchema } from './schema.ts'
import { readWellFormed, type WellFormed } from './shape.ts'
import { checkSocialCreditCode } from './social-credit-code.ts'

export type CheckContext = {
  /** `YYYY-MM-DD` in Asia/Shanghai. */
  readonly today: string
  /** Findings to keep; `total` counts all. */
  readonly limit?: number
}

const findingsKept = 200

const validator = Compile(declarationSchema)

/** Whether a body has the shape of a declaration. Its rules may still be broken. */
export function isDeclaration(body: unknown): body is Declaration {
  return validator.Check(body)
}

/** Every fault of a body. Only those of severity `error` refuse it, and they come first. */
export function checkDeclaration(body: unknown, context: CheckContext): Findings {
  const { today, limit = findingsKept } = context
  const { report, result } = collectFindings(limit)
  const parts = isDeclaration(body) ? body : readWellFormed(body, report)
  checkHeader(parts, today, report)
  if (parts.kind !== undefined) checkAgainstKind(parts, body as Filed, report)
  if (parts.lines !== undefined) checkLines(parts.lines, today, report)
  return result()
}

/** A body that is an object, before its shape is known. */
type Filed = { readonly replaces?: unknown; readonly lines?: unknown }

function checkHeader(parts: WellFormed<Declaration>, today: string, report: Report): void {
  const { employer, period, replaces } = parts
  if (employer !== undefined) {
    const fault = checkSocialCreditCode(employer)
    if (fault !== undefined) report('/employer', fault)
  }
  if (period === undefined) return
  const current = today.slice(0, 7)
  if (period > current) report('/period', 'PERIOD_IN_FUTURE', { current })
  if (replaces !== undefined && !replaces.startsWith(period.slice(0, 4) + period.slice(5))) {
    report('/replaces', 'REPLACES_OTHER_PERIOD')
  }
}

/**
 * What a kind demands and forbids. Looks at the body as filed, as a malformed field is there all the
 * same and has its own finding.
 */
function checkAgainstKind(parts: WellFormed<Declaration>, filed: Filed, report: Report): void {
  const { replaces, lines } = filed
  if (parts.kind === 'regular') {
    if (replaces !== undefined) report('/replaces', 'REPLACES_NOT_ALLOWED')
  } else if (replaces === undefined) report('/replaces', 'REPLACES_MISSING')

  const count = Array.isArray(lines) ? lines.length : 0
  if (parts.kind === 'cancellation') {
    if (count > 0) report('/lines', 'LINES_NOT_ALLOWED')
  } else if (lines === undefined || (Array.isArray(lines) && count === 0)) {
    report('/lines', 'LINES_MISSING')
  }
}
