/**
 * A request that is refused before its body is understood, and the problem that its sender is told.
 */
import type { ProblemCode } from './problems.ts'

export class RefusedRequestError extends Error {
  override name = 'RefusedRequestError'
  readonly problem: ProblemCode
  /** Fastify takes an error with a status for the sender's fault. */
  readonly statusCode = 400

  constructor(problem: ProblemCode) {
    super(problem)
    this.problem = problem
  }
}
