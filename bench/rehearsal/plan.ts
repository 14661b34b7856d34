/** What happens to an installation in the course of a day: files, faults, processes that come and go. */
import type { HistoryFile } from '../../src/audit/history.ts'
import { recover } from '../faults/recovery.ts'
import type { ProcessKind, World } from '../faults/world.ts'
import { createGenerator } from '../support/generator.ts'
import type { Planned } from './day.ts'
import { type PreparedFile, sendFile } from './load/files.ts'
import type { OwnOptions, ScaleStep } from './options.ts'
import { rounded } from './samples.ts'
import { realSecondOf, type Shape } from './shape.ts'

export type FilePlan = {
  readonly shape: Shape
  readonly addresses: () => readonly string[]
  readonly period: string
  readonly seed: number
  readonly history: HistoryFile
  readonly signal: AbortSignal
}

export function plannedFiles(files: readonly PreparedFile[], plan: FilePlan): Planned[] {
  const { shape, addresses, period, seed, history, signal } = plan
  return files.map((file, i) => ({
    kind: 'file',
    title: `${file.monster ? 'the largest filer’s file' : 'file'} of ${file.rows.toLocaleString('en')} rows`,
    second: realSecondOf(file.at, shape),
    awaited: true,
    run: async () => {
      const address = addresses()[i % addresses().length] as string
      const key = `rehearsal-${seed}-file-${i + 1}-${Date.now()}`
      await sendFile(address, file, { period, key, history, signal })
      return undefined
    },
  }))
}

export function plannedFaults(
  world: World,
  { faults }: OwnOptions,
  shape: Shape,
  seed: number,
): Planned[] {
  return faults.map(({ fault, at }, i) => ({
    kind: 'fault',
    title: fault.name,
    second: realSecondOf(at, shape),
    awaited: false,
    run: async () => {
      const refuse = () => Promise.reject(new Error('this fault is for npm run faults'))
      // What was acknowledged is judged at the end, from the history.
      const acknowledged = () => 0
      const load = { acceptWaiting: refuse, fileAtOnce: refuse, acknowledged }
      await fault.run(world, createGenerator(seed + i), load)
      const { first, all } = await recover(world, { within: { first: 60, all: 60 } })
      return { firstPostedSeconds: seconds(first), allPostedSeconds: seconds(all) }
    },
  }))
}

/** Null where it was not within the time that is waited for. */
function seconds(measured: number): number | null {
  return Number.isFinite(measured) ? rounded(measured) : null
}

const kinds = { intakes: 'intake', workers: 'worker', 'batch-workers': 'batch-worker' } as const

export function plannedScaling(
  world: World,
  { scale }: OwnOptions,
  shape: Shape,
  onScaled: () => void,
): Planned[] {
  return scale.map((step) => ({
    kind: 'scaling',
    title: `${step.kind.replace('-', ' ')}: ${step.count}`,
    second: realSecondOf(step.at, shape),
    awaited: false,
    run: async () => {
      await scaleTo(world, step)
      onScaled()
      return undefined
    },
  }))
}

async function scaleTo(world: World, { kind, count }: ScaleStep): Promise<void> {
  const one: ProcessKind = kinds[kind]
  const running = () => world.processes.filter((process) => process.kind === one).length
  while (running() < count) await world.add(one)
  while (running() > count) await world.remove(one)
}
