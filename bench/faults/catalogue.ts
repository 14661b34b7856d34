/**
 * Every fault, each against real processes: what is done, for how long, and what must be true soon
 * after it ends.
 */
import type { Fault } from './fault.ts'
import { postgresFaults } from './postgres-faults.ts'
import { processFaults } from './process-faults.ts'
import { proxyFaults } from './proxy-faults.ts'
import { queueFaults } from './queue-faults.ts'
import { slowCommits } from './slow-commits-fault.ts'
import { standbyFaults } from './standby-faults.ts'

export const faults: readonly Fault[] = [
  ...processFaults,
  ...postgresFaults,
  slowCommits,
  ...queueFaults,
  ...proxyFaults,
  ...standbyFaults,
]
