import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import type { Declaration } from '../../src/declaration/schema.ts'

test('the canonical form is that of a general RFC 8785 implementation', () => {
  const { declaration } = createGenerator(7)
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
      fc.boolean(),
      (name, industryClass, cancel) => {
        const generated = declaration({ period: '2024-11', lines: 2 })
        const { lines = [], ...header } = generated
        const named = lines.map((line) => ({ ...line, person: { ...line.person, name } }))
        const filed: Declaration = {
          ...header,
          ...(industryClass !== undefined && { industryClass }),
          ...(cancel
            ? { kind: 'cancellation', replaces: `202411-${'0'.repeat(26)}` }
            : { lines: named }),
        }
        expect(canonicalDeclaration(filed)).toBe(canonicalize(filed))
      },
    ),
  )
})

test('the order in which members were sent does not matter', () => {
  const filed = createGenerator(8).declaration({ period: '2024-11', lines: 3 })
  const reversed = JSON.parse(JSON.stringify(filed), (_, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  )
  expect(JSON.stringify(reversed)).not.toBe(JSON.stringify(filed))
  expect(canonicalDeclaration(reversed)).toBe(canonicalDeclaration(filed))
})
