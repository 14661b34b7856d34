import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  lintPackFolder,
  packFolders,
  readPackFolder,
  readPacks,
  shippedPacks,
} from '../../src/platform/config/packs.ts'
import { lintPack } from '../../src/policy/lint.ts'
import { runCommand } from '../support/command.ts'
import { hefei, madeUp } from '../support/packs.ts'

const today = '2026-11-23'
// biome-ignore lint/suspicious/noExplicitAny: what is linted is not yet a pack
type Changed = Record<string, any>

function errorsOf(change: (pack: Changed) => void, of: object = madeUp): string[] {
  const pack = structuredClone(of) as Changed
  change(pack)
  return lintPack(pack, today)
    .filter(({ severity }) => severity === 'error')
    .map(({ file, key, message }) => `${file} ${key}: ${message}`)
}

test('every shipped pack is without faults, and names its gaps', () => {
  for (const folder of packFolders(shippedPacks)) {
    const faults = lintPackFolder(readPackFolder(folder), today)
    expect(faults.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(faults.filter(({ severity }) => severity === 'note').length).toBeGreaterThan(0)
  }
  expect(lintPack(madeUp, today)).toEqual([])
})

test('only verified limits are shipped, as they were published', () => {
  expect(hefei.limits.map(({ from, to, floor, ceiling }) => [from, to, floor, ceiling])).toEqual([
    ['2019-08', '2020-06', '3017.01', '15085.05'],
    ['2021-01', '2021-12', '3429.11', '17925.42'],
    ['2024-01', '2024-12', '4227', '21133'],
  ])
})

describe('faults are told with file and key', () => {
  test.each<[string, (pack: Changed) => void, string]>([
    [
      'a typo in a name',
      (pack) => {
        pack.limits[0].flor = pack.limits[0].floor
      },
      'limits.json [0].flor: A pack has no such field. Did you mean floor?',
    ],
    [
      'a number for a text',
      (pack) => {
        pack.limits[0].floor = 4000
      },
      'limits.json [0].floor: This must be text in quotes.',
    ],
    [
      'an amount with a comma',
      (pack) => {
        pack.limits[0].floor = '4,000'
      },
      'limits.json [0].floor: This must be an amount in yuan in quotes such as "4227.00".',
    ],
    [
      'a status that there is not',
      (pack) => {
        pack.rates.pension[0].status = 'finale'
      },
      'rates.json pension[0].status: This must be one of: final, provisional, expired. Did you mean final?',
    ],
    [
      'seven industry classes',
      (pack) => {
        pack.rates['work-injury'][0].employerByClass.pop()
      },
      'rates.json work-injury[0].employerByClass: This list is too short: it needs 8 or more.',
    ],
    [
      'a floor above its ceiling',
      (pack) => {
        pack.limits[0].floor = '30000'
      },
      'limits.json [0]: The floor is above the ceiling.',
    ],
    [
      'rows that overlap',
      (pack) => {
        pack.rates.pension.push({ ...pack.rates.pension[0], from: '2025-01' })
      },
      'rates.json pension[0]: It overlaps the row from 2025-01: end it with 2024-12.',
    ],
    [
      'a hole',
      (pack) => {
        pack.rates.pension[0].to = '2024-06'
        pack.rates.pension.push({ ...pack.rates.pension[0], from: '2024-09', to: undefined })
        delete pack.rates.pension[1].to
      },
      'rates.json pension: Nothing covers 2024-07 to 2024-08: add a row, or a gap that says what stands in.',
    ],
    [
      'a temporary rate that ended',
      (pack) => {
        Object.assign(pack.rates.unemployment[0], { to: '2025-12', temporary: true })
        pack.gaps.push({ key: 'rates/unemployment', from: '2026-01', fill: 'previous', note: both })
      },
      'rates.json unemployment[0]: It was temporary and ended with 2025-12: add what followed, or set status to expired.',
    ],
    [
      'an expired rate in use',
      (pack) => {
        Object.assign(pack.rates.unemployment[0], { to: '2025-12', status: 'expired' })
        pack.gaps.push({ key: 'rates/unemployment', from: '2026-01', fill: 'previous', note: both })
      },
      "rates.json unemployment: The rate that expired with 2025-12 is in use for 2026-01 to now: add its successor, set the gap's fill to none, or to expired to go on with it knowingly.",
    ],
    [
      'a value without a source',
      (pack) => {
        pack.flat[0].sources = []
      },
      'flat.json medical.employer[0]: A value needs a source; an assumption is provisional and has a note.',
    ],
    [
      'a gap for a list that there is not',
      (pack) => {
        pack.gaps.push({ key: 'rates/pensions', fill: 'none', note: both })
      },
      'gaps.json [0].key: There is no list rates/pensions;',
    ],
    [
      'a tier that is there twice',
      (pack) => {
        pack.flexible.pensionBases[0].tiers[1].tier = '60'
      },
      'flexible.json pensionBases[0].tiers: A tier is there twice.',
    ],
    [
      'a tier that no base can be',
      (pack) => {
        pack.flexible.pensionBases[0].tiers[1].base = '999999999'
      },
      'flexible.json pensionBases[0].tiers[1].base: The tier is above 90 million yuan.',
    ],
    [
      'a tier below the floor',
      (pack) => {
        pack.flexible.pensionBases[0].tiers[0].base = '3999.99'
      },
      'flexible.json pensionBases[0].tiers[0].base: The tier is below the floor of 2024-01, 4000.',
    ],
    [
      'a float of which no rate can be made',
      (pack) => {
        pack.rates['work-injury'][0].employerByClass[1] = '0.0001'
      },
      'rates.json work-injury[0].floats[1]: 0.0001% floated to 50% is 0.00005%: it must have at most four decimals and be at most 100%.',
    ],
    [
      'a day that there is not',
      (pack) => {
        pack.calendar.nonWorkingDays.push('2026-02-30')
      },
      'calendar.json nonWorkingDays[3]: 2026-02-30 is no day.',
    ],
    [
      'a source of no day',
      (pack) => {
        pack.limits[0].sources = [{ title: 'x', date: '2024-13-01' }]
      },
      'sources[0].date: 2024-13-01 is no day.',
    ],
    [
      'a day that is worked and not',
      (pack) => {
        pack.calendar.workingDays.push('2025-01-01')
      },
      'calendar.json workingDays[0]: 2025-01-01 is among the non-working days, too.',
    ],
    [
      'deadlines that move in a year without holidays',
      (pack) => {
        pack.calendar.nonWorkingDays.shift()
      },
      'calendar.json nonWorkingDays: Deadlines move off holidays, and those of 2024 are missing.',
    ],
    [
      'a gap over a row',
      (pack) => {
        pack.gaps.push({ key: 'rates/pension', from: '2024-06', fill: 'none', note: both })
      },
      'gaps.json [0]: The gap is over the row from 2024-01 to now, which applies all the same: end one where the other begins.',
    ],
    [
      'a missing file',
      (pack) => {
        delete pack.calendar
      },
      'calendar.json : The required field calendar is missing.',
    ],
  ])('%s', (_, change, expected) => {
    expect(errorsOf(change).join('\n')).toContain(expected)
  })
})

const both = { 'zh-CN': '测试', en: 'For a test.' }

test('holidays of the year to come are a note, until the year has come', () => {
  const pack = structuredClone(madeUp) as Changed
  const told = (on: string | undefined) =>
    lintPack(pack, on)
      .filter(({ key }) => key === 'nonWorkingDays')
      .map(({ severity, message }) => `${severity} ${message.slice(-18)}`)
  expect(told('2026-12-01')).toEqual(['note  2027 are missing.'])
  expect(told('2027-01-02')).toEqual(['error  2027 are missing.'])
  expect(told(undefined)).toEqual([])
})

test('what is assumed or provisional is listed: deadline, rounding and tariffs', () => {
  const told = lintPack(hefei, today).map(({ file, key, message }) => `${file} ${key}: ${message}`)
  expect(told.filter((one) => one.startsWith('calendar.json'))[0]).toMatch(
    /deadlines\[0\]: Assumed/,
  )
  expect(told.filter((one) => one.startsWith('rounding.json'))[0]).toMatch(
    /Assumed \(2019-08 to now/,
  )
  expect(told.filter((one) => one.startsWith('platform.json')).join()).toMatch(/Provisional/)
  expect(told.filter((one) => one.startsWith('flexible.json')).join()).toMatch(/Provisional/)
})

test('a temporary rate that has just ended fails the lint, and no process that starts then', () => {
  const pack = structuredClone(madeUp) as Changed
  Object.assign(pack.rates.unemployment[0], { to: '2026-10', temporary: true })
  pack.gaps.push({ key: 'rates/unemployment', from: '2026-11', fill: 'none', note: both })
  const errors = (on: string | undefined) =>
    lintPack(pack, on).filter(({ severity }) => severity === 'error').length
  expect([errors('2026-10-31'), errors('2026-11-01'), errors(undefined)]).toEqual([0, 1, 0])
})

test('whatever a pack is, the lint answers and never throws', () => {
  for (const value of [null, 1, [], {}, { limits: null }, { ...madeUp, rates: [] }]) {
    expect(lintPack(value, today).length).toBeGreaterThan(0)
  }
})

test('a process does not start with a pack that has faults, and says each with its file', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'packs-'))
  try {
    cpSync(shippedPacks, folder, { recursive: true })
    writeFileSync(path.join(folder, '340100', 'rounding.json'), '[{"mode": "half-up"')
    expect(() => readPacks(folder)).toThrow(/rounding\.json : This is not JSON/)
    const command = runCommand('src/commands/policy.ts', { POLICY_DIR: folder }, ['lint'])
    expect(await command.done).toBe(1)
    expect(command.output()).toMatch(/rounding\.json : This is not JSON/)
    expect(() => readPacks(path.join(folder, 'nowhere'))).toThrow(/POLICY_DIR/)
    cpSync(path.join(shippedPacks, '340100'), path.join(folder, '110000'), { recursive: true })
    rmSync(path.join(folder, '340100'), { recursive: true })
    expect(() => readPacks(folder)).toThrow(/The folder is 110000, the region 340100/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
