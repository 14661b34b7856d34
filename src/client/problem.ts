/** What an intake says of a request that it does not do: problem documents (RFC 9457). */
import type { Answer } from './exchange.ts'

export type Text = { readonly 'zh-CN': string; readonly en: string }

export type Finding = {
  /** JSON Pointer of the field in the declaration. */
  readonly pointer: string
  readonly code: string
  readonly severity: 'error' | 'warning' | 'hint'
  readonly message: Text
  readonly fix: Text
  readonly legalBasis?: string
  /** A value that passes. */
  readonly suggestion?: string
}

/** The declaration that stands where a regular one was to be filed. */
export type Standing = {
  readonly id: string
  readonly kind: string
  readonly acceptedAt: string
  readonly persons?: number
  readonly sameContent: boolean
  readonly links: Readonly<Record<string, string>>
}

export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly message: Text
  readonly fix: Text
  readonly traceId?: string
  readonly total?: number
  readonly errors?: readonly Finding[]
  readonly standing?: Standing
  readonly instance?: string
  readonly attemptTicket?: string
  readonly attemptedAt?: string
  readonly attemptValidUntil?: string
}

/** Signed proof that a filing was tried while there was no room for it. */
export type AttemptTicket = {
  readonly ticket: string
  readonly attemptedAt: string
  readonly validUntil: string
}

/** Undefined where whoever answered is no intake. */
export function problemIn({ status, text }: Answer): Problem | undefined {
  const problem = jsonIn(text) as Partial<Problem> | undefined
  return typeof problem?.code === 'string' && problem.status === status
    ? (problem as Problem)
    : undefined
}

/** Undefined for what is no JSON object, such as a proxy's page. */
export function jsonIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether an object has texts by these names. */
export function hasTexts<T>(content: object, names: readonly (keyof T & string)[]): boolean {
  return names.every((name) => typeof (content as Record<string, unknown>)[name] === 'string')
}

export function ticketIn(problem: Problem | undefined): AttemptTicket | undefined {
  const { attemptTicket: ticket, attemptedAt, attemptValidUntil: validUntil } = problem ?? {}
  if (ticket === undefined || attemptedAt === undefined || validUntil === undefined)
    return undefined
  return { ticket, attemptedAt, validUntil }
}
