/** What the lint of a policy pack finds: where, and what to do. */
export type LintFault = {
  /** A note says what is knowingly not covered; it is no fault. */
  readonly severity: 'error' | 'note'
  readonly file: string
  /** Within the file: `[2].floor`. */
  readonly key: string
  readonly message: string
}
