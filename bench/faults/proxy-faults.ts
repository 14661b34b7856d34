/** Faults of a connection alone: refused, half-open, slow, replies lost after they were executed. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterDependency, type Fault } from './fault.ts'
import type { ProxyMode } from './proxy.ts'

const modes: readonly (readonly [mode: ProxyMode, name: string, seconds: number])[] = [
  ['refuse', 'refuses connections', 4],
  ['stall', 'is half-open', 5],
  ['slow', 'is slow', 4],
  ['mute', 'loses its replies', 4],
]

const proxied = (of: 'postgresProxy' | 'redisProxy'): Fault[] =>
  modes.map(([mode, name, seconds]) => ({
    name: `${of === 'redisProxy' ? 'Redis' : 'Postgres'} ${name} for ${seconds} s`,
    ...(of === 'redisProxy' && { backend: 'redis' as const }),
    proxied: true,
    within: mode === 'slow' ? {} : afterDependency,
    run: async (world) => {
      world[of]?.set(mode)
      await pause(seconds * 1_000)
      world[of]?.set('pass')
    },
  }))

export const proxyFaults: readonly Fault[] = [...proxied('postgresProxy'), ...proxied('redisProxy')]
