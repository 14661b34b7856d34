/**
 * Declarations of every kind of line, with and without what filers get wrong, from a seed: what the
 * generator of benchmarks makes is faultless.
 */
import type { Generator } from '../../bench/support/generator.ts'
import type { Declaration, Line } from '../../src/declaration/schema.ts'

const periods = ['2019-09', '2021-05', '2023-11', '2024-11', '2025-07', '2025-09', '2026-10']

/** About half of them have something to tell; what is wrong may be anything, so is not typed. */
export function variedDeclaration(generator: Generator, employer?: string): Declaration {
  const { integer, random } = generator
  const period = periods[integer(0, periods.length - 1)] as string
  const made = generator.declaration({
    period,
    lines: integer(1, 6),
    ...(employer && { employer }),
  })
  const lines = made.lines?.map((line) => variedLine(generator, line, period)) ?? []
  const industryClass = random() < 0.3 ? integer(1, 8) : undefined
  const workInjuryFloat = random() < 0.1 ? [50, 100, 120, 150, 90][integer(0, 4)] : undefined
  return {
    ...made,
    lines,
    ...(industryClass !== undefined && { industryClass }),
    ...(workInjuryFloat !== undefined && { workInjuryFloat }),
    ...(random() < 0.02 && { region: '110000' }),
    ...(random() < 0.02 && { unitBase: '9000.00' }),
  }
}

function variedLine(generator: Generator, line: Line, period: string): Line {
  const draw = generator.random()
  const filed = draw < 0.7 ? line : draw < 0.85 ? flexible(generator) : platform(generator, period)
  return generator.random() < 0.15 ? withFault(generator, filed) : filed
}

function flexible({ person, integer, random }: Generator): Line {
  const medical = (['none', 'with-account', 'without-account'] as const)[integer(0, 2)] ?? 'none'
  const chosen = random()
  return {
    person: person(),
    category: 'flexible',
    ...(chosen < 0.6 && { base: `${integer(3_000, 16_000)}.00` }),
    ...(chosen > 0.5 && { tier: ['60', '100', '65'][integer(0, 2)] as string }),
    medical,
    change: 'none',
  }
}

function platform({ person, integer }: Generator, period: string): Line {
  const services = ['ride-hailing', 'instant-delivery', 'city-freight', 'taxi']
  return {
    person: person(),
    category: 'platform',
    days: Array.from({ length: integer(1, 4) }, (_, i) => ({
      date: `${period}-0${i + 1}`,
      service: services[integer(0, 20) === 0 ? 3 : integer(0, 2)] as string,
      orders: integer(1, 60),
    })),
  }
}

const faults: readonly ((line: Line) => unknown)[] = [
  (line) => ({ ...line, person: { ...line.person, name: ` ${line.person.name}` } }),
  (line) => ({ ...line, person: { ...line.person, name: 'John Smith' } }),
  (line) => ({ ...line, person: { ...line.person, idNumber: `${line.person.idNumber} ` } }),
  (line) => ({ ...line, person: { ...line.person, idNumber: line.person.idNumber.slice(1) } }),
  ({ person, ...rest }) => {
    const { idNumber } = person
    const wrong = idNumber.slice(0, 17) + (idNumber.endsWith('0') ? '1' : '0')
    return { ...rest, person: { ...person, idNumber: wrong } }
  },
  (line) => ({ ...line, person: { ...line.person, idType: 'hk-macao-taiwan-residence-permit' } }),
  (line) => ({ ...line, wage: '78000.00' }),
  (line) => ({ ...line, wage: '650000' }),
  (line) => ({ ...line, wage: '6,500' }),
  (line) => ({ ...line, wage: 6_500 }),
  (line) => ({ ...line, category: 'employe' }),
  (line) => ({ ...line, change: 'leave' }),
  (line) => ({ ...line, note: 'x' }),
  (line) => ({ ...line, person: { ...line.person, idNumber: '11010519491231002X' } }),
]

function withFault({ integer }: Generator, line: Line): Line {
  return faults[integer(0, faults.length - 1)]?.(line) as Line
}
