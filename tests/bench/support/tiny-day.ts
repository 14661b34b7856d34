/** A day of five seconds for rehearsals, with objectives that a shared machine can reach. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { daySeconds } from '../../../bench/rehearsal/load/compression.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

const seconds = 5

export type TinyDay = {
  /** Of fewer than 300 accepted, a 99th percentile that holds says too little. */
  readonly perSecond?: number
  readonly fileRows?: number
  readonly acceptedP99Ms?: number
}

/** So many declarations a second, all day; the city's figures otherwise. */
export function writeTinyDay(
  folder: string,
  { perSecond = 100, fileRows = 5_200, acceptedP99Ms = 30_000 }: TinyDay = {},
): { profile: string; objectives: string; compress: string } {
  const city = path.join(root, 'bench/rehearsal/profiles/city.json')
  const from = 'A figure of this test alone.'
  const day = {
    ...(JSON.parse(readFileSync(city, 'utf8')) as object),
    name: 'tiny',
    title: 'A tiny day',
    employers: { value: perSecond * daySeconds, from },
    lastDayShare: { value: 1, from },
    hours: { value: Array.from({ length: 24 }, () => 1 / 24), from },
    cutOffs: { value: [{ at: '12:00', riseMinutes: 60, times: 1.15 }], from },
    bursts: { value: [], from },
    statusReads: { value: 2, from },
    readAfterSeconds: { value: 1, from },
    lines: { value: [{ share: 1, min: 1, max: 5 }], from },
    files: { value: [{ at: '02:00', rows: fileRows }], from },
    monster: { value: null, from },
  }
  // The machine may be shared, and the day is not to be judged by that: a generator that is late says nothing of the engine here.
  const generator = { lateMs: 5_000, lateShare: 1, busyShare: 1, busySeconds: 100 }
  const objectives = {
    ...{ acceptedP99Ms, refusedShare: 0.5, noAnswerShare: 0.5, undocumentedAnswers: 0 },
    ...{ postedWithinSeconds: 60, lost: 0, brokenInvariants: 0, generator },
  }
  const files = {
    profile: path.join(folder, 'tiny.json'),
    objectives: path.join(folder, 'objectives.json'),
  }
  writeFileSync(files.profile, JSON.stringify(day))
  writeFileSync(files.objectives, JSON.stringify(objectives))
  return { ...files, compress: String(daySeconds / seconds) }
}
