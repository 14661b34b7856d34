/**
 * A request that is refused before its body is understood, and the problem that its sender is told.
 */
import type { ProblemCode } from './problem-kinds.ts'
import type { ProblemDetails } from './problems.ts'

export class RefusedRequestError extends Error {
  override name = 'RefusedRequestError'
  readonly problem: ProblemCode
  readonly details: ProblemDetails
  /** Fastify takes an error with a status for the sender's fault. */
  readonly statusCode = 400

  constructor(problem: ProblemCode, details: ProblemDetails = {}) {
    super(problem)
    this.problem = problem
    this.details = details
  }
}
