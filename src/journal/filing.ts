/** A valid declaration that is ready to be accepted. This is the only place that makes a filing. */
import { canonicalDeclaration } from '../declaration/canonical.ts'
import { isHead, type Part } from '../declaration/part.ts'
import type { Declaration } from '../declaration/schema.ts'
import type { PeriodRules } from '../policy/rules.ts'
import type { Attribution } from './attribution.ts'
import { declarationId, digestOf } from './digest.ts'
import type { Expectation } from './latest-declaration.ts'
import { writeLineRows } from './reading/line-rows.ts'
import type { Statement } from './receipts/receipt.ts'

/** A declaration that waits to be accepted, with its canonical form (UTF-8) and the SHA-256 of that. */
export type Filing = Omit<Statement, 'salted'> & {
  readonly canonical: Uint8Array
  /** The pack to assess it with: the region and the pack's hash. */
  readonly policy: { readonly region: string; readonly hash: string }
  /** Hash of its attempt ticket, which can be used once. */
  readonly ticket?: Buffer
  /** What it expects to find. Otherwise it is refused, and nothing of it is stored. */
  readonly expects: Expectation
  /** Insured persons; of a head, those of all parts. */
  readonly lines: number
  /** Of a part that is no head: the head's id. */
  readonly partOf?: string
  /** The rows of the file that its lines came from (line-rows.ts). */
  readonly rows?: string
  /** Who files it (attribution.ts). */
  readonly by?: Attribution
}

export type FilingOptions = {
  readonly declaration: Declaration
  /** Of its region and period, when it is accepted. */
  readonly rules: Pick<PeriodRules, 'deadlineMicros' | 'hash'>
  /** Distinguishes it from other filings of its employer and period. */
  readonly key: string
  /** Microseconds since 1970. */
  readonly acceptedAtMicros: number
  /** The attempt from which it counts, with its ticket's hash; rows of a file need no ticket. */
  readonly attempt?: { readonly atMicros: number; readonly hash?: Buffer } | undefined
  readonly part?: Part
  /** Of a head: the insured persons of all parts. */
  readonly lines?: number
  /** The rows of a file that its lines came from, by line. */
  readonly rows?: readonly number[]
  readonly expects: Expectation
  /** Who files it. */
  readonly by?: Attribution | undefined
}

export function fileDeclaration(options: FilingOptions): Filing {
  const { declaration, rules, key, acceptedAtMicros, attempt, part, rows, expects, by } = options
  const { employer, period, kind, region } = declaration
  const canonical = Buffer.from(canonicalDeclaration(declaration, part))
  return {
    id: declarationId(employer, period, key),
    employer,
    period,
    kind,
    digest: digestOf(canonical),
    acceptedAtMicros,
    deadlineMicros: rules.deadlineMicros,
    onTime: (attempt?.atMicros ?? acceptedAtMicros) < rules.deadlineMicros,
    canonical,
    policy: { region, hash: rules.hash },
    expects,
    lines: options.lines ?? declaration.lines?.length ?? 0,
    ...(part && !isHead(part) && { partOf: part.of }),
    ...(rows && { rows: writeLineRows(rows) }),
    ...(attempt && { attemptedAtMicros: attempt.atMicros }),
    ...(attempt?.hash && { ticket: attempt.hash }),
    ...(by && { by }),
  }
}
