/** A day of twelve seconds for rehearsals, with objectives that a shared machine can reach. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Forty declarations a second, all day; the city's figures otherwise. */
export function writeTinyDay(
  folder: string,
  patience: number,
): { profile: string; objectives: string } {
  const city = path.join(root, 'bench/rehearsal/profiles/city.json')
  const from = 'A figure of this test alone.'
  const day = {
    ...(JSON.parse(readFileSync(city, 'utf8')) as object),
    name: 'tiny',
    title: 'A tiny day',
    employers: { value: 40 * 86_400, from },
    lastDayShare: { value: 1, from },
    hours: { value: Array.from({ length: 24 }, () => 1 / 24), from },
    cutOffs: { value: [{ at: '12:00', riseMinutes: 60, times: 1.15 }], from },
    bursts: { value: [], from },
    statusReads: { value: 2, from },
    readAfterSeconds: { value: 1, from },
    lines: { value: [{ share: 1, min: 1, max: 5 }], from },
    files: { value: [{ at: '02:00', rows: 5_200 }], from },
    monster: { value: null, from },
  }
  // The machine may be shared, and the day is not to be judged by that: a generator that is late says nothing of the engine here.
  const generator = { lateMs: 5_000, lateShare: 1, busyShare: 1, busySeconds: 100 }
  const objectives = {
    ...{ acceptedP99Ms: 3_000 * patience, refusedShare: 0.05 * patience },
    ...{ noAnswerShare: 0.05 * patience, undocumentedAnswers: 0 },
    ...{ postedWithinSeconds: 60, lost: 0, brokenInvariants: 0, generator },
  }
  const files = {
    profile: path.join(folder, 'tiny.json'),
    objectives: path.join(folder, 'objectives.json'),
  }
  writeFileSync(files.profile, JSON.stringify(day))
  writeFileSync(files.objectives, JSON.stringify(objectives))
  return files
}
