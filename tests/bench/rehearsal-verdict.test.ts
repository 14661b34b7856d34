/** The verdict on a day, and what it says of the part that was at its end. */
import { expect, test } from 'vitest'
import { forecastOf } from '../../bench/rehearsal/forecast.ts'
import { readObjectives } from '../../bench/rehearsal/objectives.ts'
import type { ProcessSamples, Samples } from '../../bench/rehearsal/record.ts'
import { type Day, judge, leastToShow } from '../../bench/rehearsal/verdict.ts'

const seconds = 10
const column = <T>(value: T) => Array.from({ length: seconds }, () => value)

const calm: Samples = {
  timeOfDay: column(0).map((_, i) => i * 8_640),
  ...{ offered: column(10), accepted: column(10), refused: column(0), returned: column(0) },
  ...{ failed: column(0), statusReads: column(20), posted: column(10), backlog: column(0) },
  ...{ drainSeconds: column(0), p50: column(10), p99: column(50), groupSize: column(2) },
}

const using = (name: string, kind: ProcessSamples['kind'], cores: number): ProcessSamples => ({
  ...{ name, kind, cores: column(cores), residentBytes: column(1e8) },
})

const sound: Day = {
  objectives: readObjectives(),
  samples: calm,
  totals: { offered: 400, accepted: 400, refused: 0, failed: 0, p99Ms: 50 },
  slow: 0,
  daySeconds: seconds,
  postedAfterSeconds: 1,
  failures: new Map(),
  generators: [{ name: 'generator 1', sent: 300, late: 0, busySeconds: 0 }],
  limits: {
    processes: [using('intake 1', 'intake', 0.3), using('Postgres', 'postgres', 0.2)],
    ...{
      committing: column(0.2),
      commitMs: column(5),
      posting: column(0.1),
      machineCores: column(0.6),
      events: [],
      cores: 2,
    },
  },
  audit: { passed: true, declarations: 100, invariants: [{ id: 'I1', title: 't', violations: 0 }] },
  unconfirmed: null,
  planFaults: [],
}

const slow: Pick<Day, 'samples' | 'totals' | 'slow'> = {
  samples: { ...calm, p99: [50, 50, 50, 50, 2_500, 9_000, 3_000, 50, 50, 50] },
  totals: { ...sound.totals, p99Ms: 5_000 },
  slow: 12,
}
const whyOf = (day: Day, name: string) =>
  judge(day).objectives.find((objective) => objective.name === name)?.why

test('a day on which everything was reached passes without a reason', () => {
  expect(judge(sound)).toMatchObject({ verdict: 'pass', reasons: [] })
})

test('slow answers fail, with the time and the journal where commits were under way all the time', () => {
  const limits = { ...sound.limits, committing: column(0.98), commitMs: column(350) }
  const day = { ...sound, ...slow, limits }
  expect(judge(day).verdict).toBe('fail')
  expect(whyOf(day, 'acceptedP99Ms')).toMatch(
    /9000 ms in the second at 12:00:00\. From 09:36:00 to 14:24:00, the journal was at its end: .* 98 % .* 350 ms/,
  )
})

test('where no commit came to its end, the journal is named all the same', () => {
  const samples = { ...calm, accepted: column(0), refused: column(10) }
  const limits = { ...sound.limits, committing: column(0), commitMs: column(null) }
  const totals = { ...sound.totals, refused: 100 }
  expect(whyOf({ ...sound, samples, totals, limits }, 'refusedShare')).toMatch(
    /the journal took nothing: no commit of acceptance came to its end/,
  )
})

test('a process that uses its one core is named, and before it a machine without a core left', () => {
  const one = [using('intake 1', 'intake', 0.97), using('Postgres', 'postgres', 0.4)]
  const two = [using('intake 1', 'intake', 0.97), using('Postgres', 'postgres', 0.9)]
  const why = (processes: ProcessSamples[]) =>
    whyOf({ ...sound, ...slow, limits: { ...sound.limits, processes } }, 'acceptedP99Ms')
  expect(why(one)).toMatch(/intake 1 was at its end: it used 0\.97/)
  expect(why(two)).toMatch(/the machine was at its end: 1\.87 of its 2 cores/)
})

test('where others had the machine, that is told besides', () => {
  const limits = { ...sound.limits, machineCores: column(1.95) }
  const why = whyOf({ ...sound, ...slow, limits }, 'acceptedP99Ms')
  expect(why).toMatch(/Others had the machine: 1\.95 of its 2 cores were in use, 0\.50 of them/)
})

test('a machine that others fill up is at its end as well, and what was not measured is no 0 %', () => {
  const processes = [using('intake 1', 'intake', 0.6), using('Postgres', 'postgres', 0.6)]
  const why = (more: object) =>
    whyOf({ ...sound, ...slow, limits: { ...sound.limits, processes, ...more } }, 'acceptedP99Ms')
  expect(why({ machineCores: column(1.95) })).toMatch(
    /the machine was at its end: 1\.95 of its 2 cores were in use, 1\.20 of them by this rehearsal/,
  )
  const untold = why({ machineCores: column(1.2), committing: column(null) })
  expect(untold).toMatch(/no part was at its end: .*, and no intake could tell/)
})

test('a fault at the time is told besides', () => {
  const event = { kind: 'fault', fromSecond: 4, toSecond: 5, title: 'worker killed' } as const
  const events = [{ ...event, firstPostedSeconds: 1, allPostedSeconds: 2 }]
  const day = { ...sound, ...slow, limits: { ...sound.limits, events } }
  expect(whyOf(day, 'acceptedP99Ms')).toMatch(/It was while: worker killed/)
})

test('refusals, missing answers, undocumented ones and what is posted late fail each', () => {
  const broken = (day: Partial<Day>) =>
    judge({ ...sound, ...day })
      .objectives.filter(({ holds }) => !holds)
      .map(({ name }) => name)
  expect(broken({ totals: { ...sound.totals, refused: 5 } })).toEqual(['refusedShare'])
  expect(broken({ failures: new Map([['no answer', 5]]) })).toEqual(['noAnswerShare'])
  expect(broken({ failures: new Map([['500', 1]]) })).toEqual(['undocumentedAnswers'])
  expect(broken({ postedAfterSeconds: null })).toEqual(['postedWithinSeconds'])
  expect(broken({ audit: null })).toEqual(['lost', 'brokenInvariants'])
  expect(broken({ audit: null, unconfirmed: 0 })).toEqual([])
  expect(broken({ audit: null, unconfirmed: 1 })).toEqual(['lost'])
})

test('a percentile of too few is told so, and neither held nor missed', () => {
  const told = (accepted: number, p99Ms: number, slow: number) => {
    const totals = { ...sound.totals, accepted, p99Ms }
    const { verdict, objectives, reasons } = judge({ ...sound, totals, slow })
    const [objective] = objectives
    return { verdict, holds: objective?.holds, restsOn: objective?.restsOn, reasons }
  }
  const few = { verdict: 'void', holds: false, restsOn: { count: 298, enough: false } }
  expect(told(298, 50, 0)).toMatchObject(few)
  expect(told(298, 50, 0).reasons).toEqual([expect.stringMatching(/298 .* none .* 299 .*less/)])
  expect(told(299, 50, 0)).toMatchObject({ verdict: 'pass', holds: true, reasons: [] })
  expect(told(472, 50, 1)).toMatchObject({ verdict: 'void', holds: false })
  expect(told(472, 50, 1).reasons).toEqual([expect.stringMatching(/with 1 .* 473 are the least/)])
  expect(told(473, 50, 1)).toMatchObject({ verdict: 'pass', holds: true })
  expect(told(20, 2_001, 1)).toMatchObject({ verdict: 'fail', restsOn: { enough: true } })
  const totals = { ...sound.totals, accepted: 20 }
  expect(judge({ ...sound, totals, postedAfterSeconds: null }).verdict).toBe('fail')
})

test('what is enough for a percentile is as the binomial distribution has it', () => {
  // Upper limits of Clopper and Pearson, one-sided, 95 %, at a share of 0.01.
  expect([0, 1, 2, 3, 4].map(leastToShow)).toEqual([299, 473, 628, 773, 913])
  // From a thousand on, it is taken as it was measured.
  expect([5, 9, 10].map(leastToShow)).toEqual([1_000, 1_000, 1_000])
})

test('a generator that was late or busy makes the day void, however good it looks', () => {
  const [generator] = sound.generators
  if (generator === undefined) throw new Error('no generator')
  const late = { ...sound, generators: [{ ...generator, late: 30 }] }
  const busy = { ...sound, generators: [{ ...generator, busySeconds: 9 }] }
  expect(judge(late)).toMatchObject({
    verdict: 'void',
    reasons: [expect.stringMatching(/30 of 300/)],
  })
  expect(judge(busy).verdict).toBe('void')
  expect(judge({ ...late, ...slow }).verdict).toBe('void')
})

test('what is lost fails, even where the generator was late', () => {
  const invariants = [{ id: 'I1', title: 't', violations: 2 }]
  const generators = [{ name: 'generator 1', sent: 300, late: 300, busySeconds: 0 }]
  const audit = { passed: false, declarations: 100, invariants }
  expect(judge({ ...sound, audit, generators }).verdict).toBe('fail')
})

test('a file that could not be sent fails the day', () => {
  const judged = judge({ ...sound, planFaults: ['file of 2,000 rows: it is refused.'] })
  expect(judged).toMatchObject({ verdict: 'fail', reasons: [expect.stringMatching(/2,000 rows/)] })
})

const probed = {
  ...{ clients: 16, perSecond: 1_000, linesEach: 10, postedPerSecond: 2_000, committing: 0.3 },
  cores: [
    { name: 'intake 1', kind: 'intake', cores: 0.8 },
    { name: 'worker 1', kind: 'worker', cores: 0.2 },
    { name: 'Postgres', kind: 'postgres', cores: 0.5 },
  ],
}
const asked = { intakes: 1, workers: 1, machineCores: 4 }

test('the forecast names what ends first by its cores, and how many processes the peak needs', () => {
  const shape = { peakPerSecond: 5_000, busiestHourPerSecond: 1_250 }
  const { headroom, saturatesFirst, workersNeeded, reasoning } = forecastOf({
    probed,
    shape,
    ...asked,
  })
  expect(headroom).toBe(0.2)
  expect(saturatesFirst).toBe('The intake')
  expect(workersNeeded).toBe(2) // 5,000 a second at 200 µs are one core, of which 70 % is planned
  expect(reasoning.join(' ')).toMatch(/needs 6 intakes .* and 2 workers/)
})

test('where commits were under way all the time, no process is to blame', () => {
  const shape = { peakPerSecond: 5_000, busiestHourPerSecond: 1_250 }
  const forecast = forecastOf({ probed: { ...probed, committing: 0.97 }, shape, ...asked })
  expect(forecast.saturatesFirst).toBe('The journal’s commits')
  expect(forecast.reasoning.join(' ')).toMatch(/More intakes or workers do not help/)
})
