/** What the page and its worker of rules tell each other. */
import type { EditedHeader, EditedLine } from '../grid/row.ts'
import type { Text } from '../ui/say.ts'

export type Amounts = {
  readonly insurance: string
  readonly baseFen: number
  readonly employerFen: number
  readonly employeeFen: number
}

export type Found = {
  /** From 0; -1: of the declaration as a whole. */
  readonly line: number
  readonly field: string
  readonly code: string
  readonly severity: 'error' | 'warning' | 'hint'
  readonly message: Text
  readonly fix: Text
  readonly suggestion?: string
}

/** All findings of a kind; the first of them written out. */
export type FoundGroup = {
  readonly code: string
  readonly severity: Found['severity']
  readonly title: Text
  readonly fix: Text
  readonly count: number
  /** How many have a suggestion. */
  readonly suggested: number
  readonly first: readonly Found[]
}

export type Checked = {
  readonly errors: number
  readonly warnings: number
  readonly groups: readonly FoundGroup[]
  /** By line: 0 nothing, 1 a hint, 2 a warning, 3 an error. */
  readonly marks: Uint8Array
  /** Undefined while there is an error, or no line. */
  readonly amounts: readonly Amounts[] | undefined
  /** Of the lines as they were before, under the same rules. */
  readonly amountsBefore: readonly Amounts[] | undefined
  readonly provisionalReasons: readonly Text[]
  readonly deadlineMs: number | undefined
}

export type PasteRead = {
  readonly lines: readonly EditedLine[]
  readonly ignored: readonly string[]
  readonly missing: readonly ('name' | 'idNumber' | 'wage')[]
  readonly lostDigits: number
  readonly fromWan: number
}

export type Explained = {
  readonly insurance: string
  readonly side: string
  readonly amount: string
  readonly sentence: Text
}

export type Asked =
  | { readonly ask: 'pack'; readonly text: string; readonly hash: string }
  /** All lines, and those before; then `change` tells what is different. */
  | { readonly ask: 'lines'; readonly header: EditedHeader; readonly lines: readonly EditedLine[] }
  | { readonly ask: 'before'; readonly lines: readonly EditedLine[] }
  | { readonly ask: 'change'; readonly changed: readonly (readonly [number, EditedLine])[] }
  | { readonly ask: 'check'; readonly nowMs: number }
  | { readonly ask: 'found'; readonly line: number }
  | { readonly ask: 'suggestions'; readonly code: string }
  | { readonly ask: 'explain'; readonly line: number }
  | { readonly ask: 'paste'; readonly text: string }

export type Answers = {
  pack: boolean
  lines: true
  before: true
  change: true
  check: Checked
  found: readonly Found[]
  suggestions: readonly {
    readonly line: number
    readonly field: string
    readonly suggestion: string
  }[]
  explain: { readonly line: readonly Explained[]; readonly unit: readonly Explained[] }
  paste: PasteRead
}
