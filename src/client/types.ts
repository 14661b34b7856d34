/** What is sent and what is answered, by the names of the API. */
import type { Declaration as FiledDeclaration, Line as FiledLine } from '../declaration/schema.ts'
import type { Finding, Text } from './problem.ts'

export type Declaration = FiledDeclaration
export type Line = FiledLine

export type Receipt = {
  readonly statement: Readonly<Record<string, unknown>>
  readonly salt?: string
  readonly proof: {
    readonly index: number
    readonly size: number
    readonly hashes: readonly string[]
  }
  readonly signedRoot: string
}

export type Accepted = {
  readonly id: string
  readonly status: 'accepted'
  readonly acceptedAt: string
  readonly deadline: string
  readonly onTime: boolean
  readonly receipt: Receipt
  readonly links: Readonly<Record<string, string>>
}

export type Amount = {
  readonly insurance: string
  readonly base: string
  readonly employer: string
  readonly employee: string
}

export type Assessment = {
  readonly policy: { readonly region: string; readonly hash: string; readonly provisional: boolean }
  readonly amounts: readonly Amount[]
  readonly total: { readonly employer: string; readonly employee: string }
  readonly lines: number
}

export type Checked = {
  readonly valid: boolean
  readonly total: number
  readonly findings: readonly Finding[]
  readonly assessment?: Assessment
  readonly explanation?: Readonly<Record<string, unknown>>
}

export type DeclarationStatus = {
  readonly id: string
  readonly status: 'accepted' | 'posted' | 'superseded' | 'cancelled'
  readonly employer: string
  readonly period: string
  readonly region?: string
  readonly kind: string
  readonly acceptedAt: string
  readonly deadline: string
  readonly onTime: boolean
  readonly persons?: number
  readonly assessment?: Assessment
  readonly findings?: readonly {
    readonly code: string
    readonly severity: string
    readonly title: Text
    readonly count: number
  }[]
  readonly supersededBy?: {
    readonly id: string
    readonly kind: string
    readonly acceptedAt: string
  }
  readonly notice?: Text
  readonly links: Readonly<Record<string, string>>
}
