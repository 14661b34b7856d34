// Preloaded into an intake: @fastify/under-pressure alone, as its documentation advises, in place of the
// engine's own admission, fair shares and the shedding of what waits for a commit. For comparison.
import { subscribe } from 'node:diagnostics_channel'
import underPressure from '@fastify/under-pressure'
import { Admission } from '../../src/intake/overload/admission.ts'
import { FilingLimit } from '../../src/intake/overload/filing-limit.ts'

for (const check of ['check', 'checkNotDue', 'checkBacklog', 'checkShares']) {
  Admission.prototype[check] = () => undefined
}
Object.defineProperty(FilingLimit.prototype, 'targetMs', { get: () => Number.POSITIVE_INFINITY })

subscribe('fastify.initialization', ({ fastify }) => {
  fastify.register(underPressure, {
    maxEventLoopDelay: 100,
    maxEventLoopUtilization: 0.98,
    maxHeapUsedBytes: 1_000_000_000,
    retryAfter: 5,
  })
})
