import { createHmac, createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Person } from '../../src/declaration/schema.ts'
import { createPersonIndex } from '../../src/ledger/person.ts'

test('a blind index is the HMAC-SHA-256 of identity type and number, cut to 128 bits', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.array(fc.stringMatching(/^[0-9]{17}[0-9X]$/), { minLength: 1, maxLength: 5 }),
      (secret, numbers) => {
        const key = createSecretKey(secret)
        const indexOf = createPersonIndex(key)
        for (const idNumber of numbers) {
          const hmac = createHmac('sha256', key).update(`resident-id\0${idNumber}`).digest('hex')
          const person: Person = { idType: 'resident-id', idNumber, name: '张三' }
          expect(indexOf(person)).toBe(hmac.slice(0, 32))
        }
      },
    ),
  )
})

test('forms of the same number have the same index; another type or key has another', () => {
  const indexOf = createPersonIndex(createSecretKey(Buffer.alloc(32, 1)))
  const otherKey = createPersonIndex(createSecretKey(Buffer.alloc(32, 2)))
  const person: Person = { idType: 'resident-id', idNumber: '11010519491231002X', name: '张三' }
  expect(indexOf({ ...person, idNumber: '１１０１０５１９４９１２３１００２x' })).toBe(
    indexOf(person),
  )
  expect(indexOf({ ...person, name: '李四' })).toBe(indexOf(person))
  expect(otherKey(person)).not.toBe(indexOf(person))
  expect(indexOf({ ...person, idType: 'foreign-permanent-residence-card' })).not.toBe(
    indexOf(person),
  )
})
