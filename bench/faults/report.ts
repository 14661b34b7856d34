/** What a run of faults showed: as a table for people, and as JSON. */
import type { AuditReport } from '../../src/audit/audit.ts'
import { say as write } from '../../src/platform/command/output.ts'
import { machine } from '../support/report.ts'
import type { Fault } from './fault.ts'
import type { BackendKind } from './world.ts'

/** What became of one fault, injected once. */
export type Injected = {
  readonly fault: Fault
  readonly acknowledged: number
  /** Seconds from its end: to the first posting, and where a goal says so until all is posted. */
  readonly first: number
  readonly all: number
  readonly patience: number
}

/** One run: one seed on one backend. */
export type Result = {
  readonly backend: BackendKind
  readonly seed: number
  readonly injected: readonly Injected[]
  readonly acknowledged: number
  readonly audit: AuditReport
  readonly folder: string
}

export function inTime({ fault: { within }, first, all, patience }: Injected): boolean {
  return first <= patience * (within.first ?? 60) && all <= patience * (within.all ?? 60)
}

export function holds({ injected, audit }: Result): boolean {
  return audit.holds && injected.every(inTime)
}

export function resultOf(result: Result) {
  const { backend, seed, injected, acknowledged, audit } = result
  return {
    backend,
    seed,
    acknowledged,
    lost: offenders(audit, 'I1'),
    doubled: offenders(audit, 'I2'),
    holds: holds(result),
    faults: injected.map(({ fault, ...more }) => ({ fault: fault.name, ...more })),
    broken: audit.verdicts.filter(({ offenders: count }) => count > 0),
  }
}

/** All runs in one table, both backends beside each other. */
export function report(results: readonly Result[]): void {
  const backends = [...new Set(results.map(({ backend }) => backend))]
  const seeds = [...new Set(results.map(({ seed }) => seed))].sort((one, other) => one - other)
  write('')
  write(`faults, seeds ${seeds.join(', ')}, on ${machine()}`)
  write('Seconds after the fault, median and most: until something is posted / until all is.')
  write('')
  const heads = backends.map((backend) => `${backend}: times | acknowledged | s, first / all`)
  write(`| fault | ${heads.join(' | ')} | goal, s | holds |`)
  write(`|---|${'---:|---:|---:|'.repeat(backends.length)}---|---|`)
  const injected = results.flatMap(({ backend, injected: list }) =>
    list.map((one) => ({ backend, ...one })),
  )
  for (const [fault, group] of Map.groupBy(injected, (one) => one.fault)) {
    const cells = backends.map((backend) =>
      cellsOf(
        fault,
        group.filter((one) => one.backend === backend),
      ),
    )
    const { first, all } = fault.within
    const goal = [first && `first ≤ ${first}`, all && `all ≤ ${all}`].filter(Boolean).join(', ')
    write(
      `| ${fault.name} | ${cells.join(' | ')} | ${goal} | ${group.every(inTime) ? 'yes' : 'NO'} |`,
    )
  }
  write('')
  for (const backend of backends) {
    const of = results.filter((one) => one.backend === backend)
    const sum = (count: (one: Result) => number) => of.reduce((total, one) => total + count(one), 0)
    const lost = sum(({ audit }) => offenders(audit, 'I1'))
    const doubled = sum(({ audit }) => offenders(audit, 'I2'))
    const faults = sum(({ injected: list }) => list.length)
    write(
      `${backend}: ${faults} faults, ${sum((one) => one.acknowledged)} acknowledged, ${lost} lost, ${doubled} doubled.`,
    )
  }
  write('')
  for (const { audit, backend, seed } of results) reportAudit(audit, `${backend}, seed ${seed}`)
}

function cellsOf({ within }: Fault, group: readonly Injected[]): string {
  if (group.length === 0) return ' |  | '
  const acknowledged = group.reduce((total, one) => total + one.acknowledged, 0)
  const spread = (of: (one: Injected) => number) => {
    const sorted = group.map(of).sort((one, other) => one - other)
    const [median, most] = [sorted[sorted.length >> 1] as number, sorted.at(-1) as number]
    return sorted.length === 1 ? most.toFixed(1) : `${median.toFixed(1)}, ${most.toFixed(1)}`
  }
  const all = within.all === undefined ? '' : ` / ${spread((one) => one.all)}`
  return `${group.length} | ${acknowledged} | ${spread((one) => one.first)}${all}`
}

function reportAudit({ verdicts }: AuditReport, of: string): void {
  const broken = verdicts.filter(({ offenders: count }) => count > 0)
  const codes = verdicts.map(({ code }) => code)
  if (broken.length === 0) write(`${of}: ${codes.join(', ')} hold.`)
  for (const { code, title, offenders: count, named } of broken) {
    write(`${of}: ${code} ${title}: BROKEN by ${count}`)
    for (const { what, why } of named) write(`       ${what}: ${why}`)
  }
}

function offenders({ verdicts }: AuditReport, code: string): number {
  return verdicts.find((verdict) => verdict.code === code)?.offenders ?? 0
}
