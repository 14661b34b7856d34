/** Lines of every category, by chance, as the made-up pack has them; and lines cut into parts. */
import fc from 'fast-check'
import type { Line } from '../../src/declaration/schema.ts'
import { fileGenerator } from './generators.ts'

const generator = fileGenerator(23)

const wages = fc.integer({ min: 100_000, max: 3_000_000 }).map((fen) => (fen / 100).toFixed(2))
const ordersOfDays = fc.array(
  fc.record({
    date: fc.constantFrom('2024-11-01', '2024-11-02', '2024-11-30'),
    service: fc.constantFrom('ride', 'meal'),
    orders: fc.integer({ min: 1, max: 40 }),
  }),
  { minLength: 1, maxLength: 4 },
)

export const anyLine: fc.Arbitrary<Line> = fc.oneof(
  wages.map((wage): Line => ({ person: person(), category: 'employee', change: 'none', wage })),
  ordersOfDays.map((days): Line => ({ person: person(), category: 'platform', days })),
  fc.constantFrom('60', '100').map((tier): Line => {
    const chosen = { tier, medical: 'with-account' } as const
    return { person: person(), category: 'flexible', change: 'none', ...chosen }
  }),
)

function person(): Line['person'] {
  return generator.person()
}

/** @param sizes how many lines the parts have, over and over again */
export function cut(lines: readonly Line[], sizes: readonly number[]): Line[][] {
  const parts: Line[][] = []
  for (let at = 0; at < lines.length; at += parts.at(-1)?.length as number)
    parts.push(lines.slice(at, at + (sizes[parts.length % sizes.length] as number)))
  return parts
}
