/** What an intake says of a request that it does not do: problem documents (RFC 9457). */
import type { components } from './api.ts'
import type { Answer } from './exchange.ts'

type Schemas = components['schemas']

export type Text = Schemas['Text']
export type Finding = Schemas['Finding']
/** The declaration that stands where a regular one was to be filed. */
export type Standing = Schemas['Standing']
export type Problem = Schemas['Problem']

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
