/** A share of a core for a process, by a control group of its own (cgroups, version 2 or 1). */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = '/sys/fs/cgroup'
/** Short, so that a process never stands still for long. */
const periodMicros = 10_000

/** @throws where this machine lends no control group: it takes root */
export function limitCpu(pid: number, share: number): void {
  const quota = Math.round(share * periodMicros)
  const second = existsSync(path.join(root, 'cgroup.controllers'))
  const group = path.join(root, second ? '' : 'cpu', `spillway-bench-${pid}`)
  mkdirSync(group)
  if (second) writeFileSync(path.join(group, 'cpu.max'), `${quota} ${periodMicros}`)
  else {
    writeFileSync(path.join(group, 'cpu.cfs_period_us'), String(periodMicros))
    writeFileSync(path.join(group, 'cpu.cfs_quota_us'), String(quota))
  }
  writeFileSync(path.join(group, 'cgroup.procs'), String(pid))
  process.once('exit', () => {
    try {
      rmdirSync(group) // fails while the process lives; then the group goes with the machine
    } catch {}
  })
}
