/** Days of a pack: real ones, each worked or not, and holidays of every year that a deadline moves in. */
import { isDay } from '../declaration/period.ts'
import { monthsAfter } from './calendar.ts'
import type { LintFault } from './lint-fault.ts'
import { datedLists, type PolicyPack, type Source } from './pack.ts'

const file = 'calendar.json'

/** @param today undefined: whatever day it is */
export function lintCalendar(pack: PolicyPack, today: string | undefined): LintFault[] {
  const { nonWorkingDays, workingDays } = pack.calendar
  const both = workingDays.flatMap((day, i): LintFault[] => {
    if (!nonWorkingDays.includes(day)) return []
    const message = `${day} is among the non-working days, too.`
    return [{ severity: 'error', file, key: `workingDays[${i}]`, message }]
  })
  return [...daysOf(pack).flatMap(lintDay), ...both, ...lintYears(pack, today)]
}

type NamedDay = { readonly file: string; readonly key: string; readonly day: string | undefined }

/** Every day that a pack names. */
function daysOf(pack: PolicyPack): NamedDay[] {
  const { calendar, surcharge } = pack
  const lists = (['nonWorkingDays', 'workingDays'] as const).flatMap((list) =>
    calendar[list].map((day, i) => ({ file, key: `${list}[${i}]`, day })),
  )
  const published = (name: string, sources: readonly Source[] = []) =>
    sources.map(({ date }, i) => {
      const [first = '', ...path] = name.split('/')
      return { file: `${first}.json`, key: `${path.join('.')}.sources[${i}].date`, day: date }
    })
  return [
    ...lists,
    ...published('calendar/daySources', calendar.daySources),
    ...datedLists(pack).flatMap(({ key, rows }) =>
      rows.flatMap(({ sources }, i) => published(`${key}[${i}]`, sources)),
    ),
    ...(surcharge?.free ?? []).map(({ until }, i) => ({
      file: 'surcharge.json',
      key: `free[${i}].until`,
      day: until,
    })),
  ]
}

function lintDay({ file, key, day }: NamedDay): LintFault[] {
  if (day === undefined || isDay(day)) return []
  return [{ severity: 'error', file, key, message: `${day} is no day.` }]
}

/** No year of China is without holidays: where none is named, the notice is missing. */
function lintYears(pack: PolicyPack, today: string | undefined): LintFault[] {
  const { deadlines, nonWorkingDays } = pack.calendar
  const known = new Set(nonWorkingDays.map((day) => day.slice(0, 4)))
  // Whatever day it is, years before the last that is named must be there.
  const now = today ?? `${[...known].sort().at(-1) ?? '0000'}-01-01`
  const missing = new Set<string>()
  for (const { from, to = lastPeriod, monthsAfterPeriod, onNonWorkingDay } of deadlines) {
    if (onNonWorkingDay === 'same') continue
    const first = from > pack.region.from ? from : pack.region.from
    for (
      let period = first;
      period <= now.slice(0, 7) && period <= to;
      period = monthsAfter(period, 1)
    ) {
      const year = monthsAfter(period, monthsAfterPeriod).slice(0, 4)
      if (!known.has(year)) missing.add(year)
    }
  }
  return [...missing].map((year): LintFault => {
    const message = `Deadlines move off holidays, and those of ${year} are missing.`
    // The notice of the year to come is published in November.
    const severity = year > now.slice(0, 4) ? 'note' : 'error'
    return { severity, file, key: 'nonWorkingDays', message }
  })
}

const lastPeriod = '9999-12'
