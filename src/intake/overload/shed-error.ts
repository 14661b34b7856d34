/** A request that is not let in once it is being read, as there is no room for what it brings. */
import type { Shed } from './admission.ts'

export class ShedError extends Error {
  override name = 'ShedError'
  readonly shed: Shed
  /** Or Fastify would set one. */
  readonly statusCode = 503

  constructor(shed: Shed) {
    super(shed.reason)
    this.shed = shed
  }
}
