/** Names as people have them stay as they are; what nobody sees, or stands for nothing, is told with its place. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import {
  findCharacter,
  findUnseen,
  isPlaceholder,
  withoutUnseen,
} from '../../src/declaration/characters.ts'
import { checkDeclaration } from '../../src/declaration/check.ts'
import { normaliseIdNumber } from '../../src/declaration/identity.ts'
import { suggestOneOf } from '../../src/declaration/suggest.ts'

const context = { today: '2024-11-23', keptMax: 100 }
const good = createGenerator(59).declaration({ period: '2024-11', lines: 1 })
const [line] = good.lines ?? []

function findingsOf(person: object, more: object = {}) {
  const lines = [{ ...line, person: { ...line?.person, ...person }, ...more }]
  return checkDeclaration({ ...good, lines }, context).findings.first(10)
}
const codesOf = (name: string) => findingsOf({ name }).map(({ code }) => code)

describe('names of people', () => {
  test.each([
    ...[
      '王伟',
      '阿卜杜·热合曼',
      '阿卜杜•热合曼',
      '阿卜杜・热合曼',
      '阿卜杜.热合曼',
      '阿卜杜．热合曼',
    ],
    ...['阿卜杜‧热合曼', '阿卜杜●热合曼', '阿卜杜ㆍ热合曼', '买买提·吐尔逊·阿卜杜热西提江'],
    ...['陈𠮷', '𠮷𠮷', '㛃', '王㐂', '⻩伟', '⻩', '王䶮', '〇', '王伟(小)', '王伟1', '-王伟'],
    ...["O'Brien Seán", 'SMITH JOHN', 'Müller-Lüdenscheidt', 'Ñandú Ávila', 'Åse', 'Nguyễn Văn An'],
    ...['Null', 'Nan', 'Christopher Null', 'བཀྲ་ཤིས', 'ئالىم', '김철수', 'ꆈꌠ', '山田はなこ'],
    ...['昆吾', '锟铻', '王斤'],
  ])('%s has no finding', (name) => {
    expect(codesOf(name)).toEqual([])
  })
})

describe('in a name', () => {
  test.each([
    ['王\u200b伟', 'NAME_INVISIBLE', 2, 'U+200B'],
    ['\u202d王伟\u202c', 'NAME_INVISIBLE', 1, 'U+202D'],
    ['王\u00ad伟', 'NAME_INVISIBLE', 2, 'U+00AD'],
    ['王\u2060伟', 'NAME_INVISIBLE', 2, 'U+2060'],
    ['王\ufeff伟', 'NAME_INVISIBLE', 2, 'U+FEFF'],
    ['王\u200f伟', 'NAME_INVISIBLE', 2, 'U+200F'],
    ['𠮷\u2067伟', 'NAME_INVISIBLE', 2, 'U+2067'],
    ['王\u{e0041}伟', 'NAME_INVISIBLE', 2, 'U+E0041'],
    ['王\ufffd', 'NAME_CHARACTERS', 2, 'U+FFFD'],
    ['\u200b王\ufffd', 'NAME_CHARACTERS', 3, 'U+FFFD'],
    ['𠮷\ufffc', 'NAME_CHARACTERS', 2, 'U+FFFC'],
    ['王\u0007伟', 'NAME_CHARACTERS', 2, 'U+0007'],
    ['王\ufdd0伟', 'NAME_CHARACTERS', 2, 'U+FDD0'],
    ['王\ue000', 'NAME_CHARACTERS', 2, 'U+E000'],
    ['王\u{f0000}', 'NAME_CHARACTERS', 2, 'U+F0000'],
    ['王\ud800', 'NAME_CHARACTERS', 2, 'U+D800'],
    ['王锟斤拷', 'NAME_CHARACTERS', 2, 'U+951F U+65A4 U+62F7'],
  ])('%j is told: %s at %i, %s', (name, code, position, character) => {
    const [found, ...others] = findingsOf({ name })
    expect(found).toMatchObject({
      code,
      severity: code === 'NAME_CHARACTERS' ? 'error' : 'warning',
    })
    expect(others).toEqual([])
    for (const message of Object.values(found?.message ?? {})) {
      expect(message).toContain(character)
      expect(message).toMatch(new RegExp(`\\b${position}\\b`))
    }
  })

  test('a character of private use that GB18030 had is told with what it is today', () => {
    expect(findingsOf({ name: '王\ue863' })[0]?.message.en).toMatch(/U\+E863.*U\+4DAE/)
    expect(findingsOf({ name: '\ue816伟' })[0]?.message.en).toMatch(/U\+E816.*U\+20087/)
  })

  test.each([
    ...['#N/A', '#REF!', '#VALUE!', 'NULL', 'null', 'None', 'nan', 'NaN', 'undefined', '\\N'],
    ...['[object Object]', '.', '-', '——', '·', '＃', '/', '#####', ' - ', '\u200b.', 'N/A'],
  ])('%s stands for nothing and is refused', (name) => {
    expect(codesOf(name)[0]).toBe('PERSON_PLACEHOLDER')
  })

  test.each(['\u200b', '\u200b \u2060', '\u3000'])('%j is blank', (name) => {
    expect(codesOf(name)).toEqual(['NAME_BLANK'])
  })

  test.each([
    ...['¬ΰ', 'çŽ‹ä¼Ÿ', 'å¼\u00a0ä¼Ÿ', 'å¼ ä¼Ÿ', 'ÕÅÎ°', 'ÀîÄÈ'],
    ...['王?', '王？伟', '王*伟', '王□', '123', '10086'],
  ])('%s is hardly a name: its filer is told', (name) => {
    expect(codesOf(name)).toEqual(['NAME_UNREADABLE'])
  })
})

describe('in a number or an amount', () => {
  const idNumber = line?.person.idNumber as string

  test.each(['\u202d', '\u200e', '\u200b', '\ufeff', '\u2060', '\u00ad', '\u2066'])(
    'an identity number is read without %j, and it is told',
    (unseen) => {
      const middle = `${idNumber.slice(0, 6)}${unseen}${idNumber.slice(6)}`
      for (const filed of [unseen + idNumber, idNumber + unseen, middle]) {
        expect(normaliseIdNumber(filed)).toBe(idNumber)
        const [found, ...others] = findingsOf({ idNumber: filed })
        expect(found).toMatchObject({ code: 'ID_INVISIBLE', severity: 'warning' })
        expect(found?.message.en).toContain(findUnseen(filed)?.character)
        expect(others).toEqual([])
      }
    },
  )

  test.each([' ', '\u00a0', '\u3000'])('spaces within it are no part of it: %j', (space) => {
    const filed = `${idNumber.slice(0, 6)}${space}${idNumber.slice(6, 14)}${space}${idNumber.slice(14)}`
    expect(findingsOf({ idNumber: filed }).map(({ code }) => code)).toEqual(['ID_FULL_WIDTH'])
  })

  test.each(['NULL', '#N/A', '-', 'undefined'])('%s is no identity number', (filed) => {
    expect(findingsOf({ idNumber: filed }).map(({ code }) => code)).toEqual(['PERSON_PLACEHOLDER'])
  })

  test('an amount is refused with the place and the character, and suggested without it', () => {
    for (const wage of ['6500\u200b', '\u202d6500\u202c', '\ufeff6500']) {
      const [found] = findingsOf({}, { wage })
      expect(found).toMatchObject({ code: 'TEXT_CHARACTERS', suggestion: '6500' })
      expect(found?.message.en).toContain(findUnseen(wage)?.character)
    }
    for (const wage of ['#N/A', '#VALUE!', 'NULL', 'nan', '-', '.', '[object Object]'])
      expect(findingsOf({}, { wage })).toMatchObject([{ code: 'TEXT_PLACEHOLDER' }])
  })

  test('a choice is known without it', () => {
    expect(suggestOneOf('employee\u200b', ['employee', 'flexible'])).toBe('employee')
  })
})

test('what is taken off is unseen, nothing else goes, and nothing is left of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bare = withoutUnseen(text)
      expect(findUnseen(bare)).toBeUndefined()
      const kept = [...text].filter((one) => findUnseen(one) === undefined).join('')
      expect(bare).toBe(kept)
      expect(findUnseen(text) === undefined).toBe(bare === text)
      if (findUnseen(text) !== undefined) expect(findCharacter(text)).toBeDefined()
    }),
    { numRuns: 300 },
  )
})

test('no word of letters stands for nothing, but those that programs write', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Z][a-z]{1,12}$/), (word) => {
      expect(isPlaceholder(word)).toBe(word === 'None')
    }),
  )
})
