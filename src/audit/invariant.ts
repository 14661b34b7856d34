/** The form of an invariant: a statement that returns its offenders. */
export type Invariant = {
  readonly code: string
  readonly title: string
  /** Rows (what, why); none where it holds. */
  readonly sql: string
}
