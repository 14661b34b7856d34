/** A day of twelve seconds, with real processes: one that passes, and one whose journal is slow. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type RehearsalRecord, tooFew } from '../../bench/rehearsal/record.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'spillway-rehearsal-test-'))

/** Forty declarations a second, all day; the city's figures otherwise. */
function writeTinyDay(patience: number): { profile: string; objectives: string } {
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

async function rehearse(name: string, patience: number, ...more: string[]) {
  const { profile, objectives } = writeTinyDay(patience)
  const out = path.join(folder, name)
  const args = ['src/platform/bootstrap.mjs', 'bench/rehearse.ts', '--compress', '7200']
  args.push('--profile', profile, '--objectives', objectives, '--generators', '1', '--out', out)
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve) => {
    execFile(process.execPath, [...args, ...more], { cwd: root }, (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), text: stdout + stderr }),
    )
  })
  const read = () =>
    JSON.parse(readFileSync(path.join(out, 'record.json'), 'utf8')) as RehearsalRecord
  return { status, text, read }
}

const sum = (column: readonly number[]) => column.reduce((one, other) => one + other, 0)

test('a day with a worker killed passes, and every declaration of it is audited', async () => {
  const { status, text, read } = await rehearse(
    'passes',
    10,
    ...['--faults', 'worker killed@04:00', '--probe-seconds', '1'],
  )
  expect(status, text).toBe(0)
  const { verdict, reasons, totals, samples, events, audit, forecast, processes } = read()
  expect({ verdict, reasons }).toEqual({ verdict: 'pass', reasons: [] })
  expect(totals.accepted).toBeGreaterThan(100)
  expect(totals.returned).toBeGreaterThan(0)
  expect(totals.posted).toBe(totals.accepted)
  for (const column of ['offered', 'accepted', 'refused', 'returned', 'failed'] as const)
    expect(sum(samples[column]), column).toBe(totals[column])
  expect(totals.offered).toBe(totals.accepted + totals.refused + totals.returned + totals.failed)
  expect(audit?.passed).toBe(true)
  expect(audit?.declarations).toBeGreaterThan(totals.accepted)
  expect(forecast?.declarationsPerSecond).toBeGreaterThan(15)
  expect(events.map(({ kind }) => kind).sort()).toEqual(['fault', 'file'])
  expect(processes.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['intake', 'worker', 'batch-worker', 'postgres', 'generator']),
  )
}, 180_000)

test('a journal that is slow fails the day, and is named', async () => {
  const { status, text, read } = await rehearse(
    'fails',
    1,
    ...['--throttle', '400,90', '--faults', 'none', '--probe-seconds', '0'],
  )
  expect(status, text).toBe(1)
  const { verdict, objectives, audit } = read()
  expect(verdict).toBe('fail')
  expect(audit?.passed).toBe(true)
  const broken = objectives.filter((one) => !one.holds && !tooFew(one))
  const named = broken.map(({ name }) => name)
  const ofRoom = ['acceptedP99Ms', 'refusedShare', 'noAnswerShare']
  expect(ofRoom).toEqual(expect.arrayContaining(named))
  expect(named.length).toBeGreaterThan(0)
  for (const { why } of broken) expect(why).toMatch(/the journal was at its end: a commit .* ms/)
}, 180_000)
