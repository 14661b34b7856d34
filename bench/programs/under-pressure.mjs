// Preloaded into an intake: @fastify/under-pressure alone, as its documentation advises, in place of the
// engine's own admission, which SHED_AT puts out of reach. For comparison.
import { subscribe } from 'node:diagnostics_channel'
import underPressure from '@fastify/under-pressure'

subscribe('fastify.initialization', ({ fastify }) => {
  fastify.register(underPressure, {
    maxEventLoopDelay: 100,
    maxEventLoopUtilization: 0.98,
    maxHeapUsedBytes: 1_000_000_000,
    retryAfter: 5,
  })
})
