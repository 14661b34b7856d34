/** The failures that all calls have in common, of how an insisted call ended. */
import type { Answer } from './exchange.ts'
import type { Insisted } from './insist.ts'
import type { Failure } from './outcome.ts'
import { jsonIn, type Problem } from './problem.ts'

export function failureOf(ended: Insisted): Failure {
  const { problem } = ended
  if (ended.kind === 'gaveUp') {
    const { why, resumesAtMs } = ended
    return {
      ...{ kind: 'unavailable', why },
      ...(problem && { problem }),
      ...(resumesAtMs !== undefined && { resumesAtMs }),
    }
  }
  return refusalOf(ended.answer, problem)
}

export type Refusal = Exclude<Failure, { kind: 'unavailable' }>

/** Of an answer that does not do what was asked. */
export function refusalOf({ status }: Answer, problem: Problem | undefined): Refusal {
  if (status === 401) return { kind: 'unauthenticated', ...(problem && { problem }) }
  if (problem === undefined) return { kind: 'foreign', status }
  if (status === 403) return { kind: 'forbidden', problem }
  return { kind: 'refused', problem, findings: problem.errors ?? [] }
}

/** The JSON of an answer that does what was asked; undefined of any other. */
export function contentOf<T>(ended: Insisted): T | undefined {
  if (ended.kind === 'gaveUp' || ended.answer.status >= 300) return undefined
  return jsonIn(ended.answer.text) as T | undefined
}
