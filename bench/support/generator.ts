/**
 * Synthetic declarations from a seed: the same seed gives the same employers, persons and wages, on
 * every machine. Numbers have valid check digits and belong to nobody.
 */
import { residentIdCheckDigit } from '../../src/declaration/identity.ts'
import type { Declaration, Line, Person } from '../../src/declaration/schema.ts'
import { socialCreditCodeCheckCharacter } from '../../src/declaration/social-credit-code.ts'

export type Generator = {
  /** A number from 0 up to 1. */
  random(): number
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number
  employer(): string
  person(): Person
  /** Insured persons of one employer: most have a few, one in a hundred has hundreds. */
  headcount(): number
  declaration(options: DeclarationOptions): Declaration
}

export type DeclarationOptions = {
  readonly period: string
  readonly employer?: string
  /** A headcount is drawn unless set. */
  readonly lines?: number
}

const region = '340100'
const districts = ['340102', '340103', '340104', '340111', '340121', '340122', '340123', '340124']
const codeAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const surnames = [...'王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗']
const givenNames = [...'伟芳娜敏静秀丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰文']

/** Shares of employers by headcount; their mean is near France's 13.6 lines a declaration. */
const headcounts = [
  { share: 0.55, min: 1, max: 5 },
  { share: 0.27, min: 6, max: 15 },
  { share: 0.13, min: 16, max: 50 },
  { share: 0.04, min: 51, max: 150 },
  { share: 0.01, min: 151, max: 500 },
] as const

export function createGenerator(seed: number): Generator {
  const random = mulberry32(seed)
  const integer = (min: number, max: number) => min + Math.floor(random() * (max - min + 1))
  const pick = <T>(from: readonly T[]) => from[integer(0, from.length - 1)] as T
  const digits = (count: number) => Array.from({ length: count }, () => integer(0, 9)).join('')

  const employer = () => {
    const body = Array.from({ length: 9 }, () => pick([...codeAlphabet])).join('')
    const code = `91${pick(districts)}${body}`
    return code + socialCreditCodeCheckCharacter(code)
  }
  const person = (): Person => {
    const born = `${integer(1962, 2004)}${pad(integer(1, 12))}${pad(integer(1, 28))}`
    const number = `${pick(districts)}${born}${digits(3)}`
    return {
      idType: 'resident-id',
      idNumber: number + residentIdCheckDigit(number),
      name: pick(surnames) + pick(givenNames) + (random() < 0.7 ? pick(givenNames) : ''),
    }
  }
  const headcount = () => {
    let left = random()
    for (const { share, min, max } of headcounts) {
      if (left < share) return integer(min, max)
      left -= share
    }
    return integer(1, 5)
  }
  const line = (): Line => ({
    person: person(),
    category: 'employee',
    wage: wage(random),
    change: random() < 0.02 ? 'join' : random() < 0.02 ? 'leave' : 'none',
  })
  /** Nobody is in a declaration twice, as chance has it once in a hundred thousand. */
  const linesOf = (count: number): Line[] => {
    const lines = new Map<string, Line>()
    while (lines.size < count) {
      const made = line()
      if (!lines.has(made.person.idNumber)) lines.set(made.person.idNumber, made)
    }
    return [...lines.values()]
  }
  return {
    random,
    integer,
    employer,
    person,
    headcount,
    declaration: (options) => ({
      employer: options.employer ?? employer(),
      region,
      period: options.period,
      kind: 'regular',
      lines: linesOf(options.lines ?? headcount()),
    }),
  }
}

/** Yuan a month: one in twelve below the floor (4,227 in 2024), one in twenty-five above 21,133. */
function wage(random: () => number): string {
  const draw = random()
  const yuan =
    draw < 0.083
      ? 1_800 + random() * 2_400
      : draw < 0.123
        ? 21_200 + random() * 30_000
        : 4_300 + random() ** 2 * 14_000
  return yuan.toFixed(2)
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

/** A small seeded generator of random numbers (mulberry32, public domain); not for secrets. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
