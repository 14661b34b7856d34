/**
 * Converts what filers write in a cell to the schema's form of the same value. What can't be converted
 * is passed on as it is, and the check of the declaration reports it. Nothing is guessed: `6,50` stays
 * `6,50`.
 */
import { toHalfWidth } from '../../declaration/identity.ts'
import { isPeriod } from '../../declaration/period.ts'
import { restoreCell } from '../../formats/cell-guard.ts'

type Choices = Readonly<Record<string, readonly string[]>>

/** The words for each value; templates offer the first. */
export const choiceWords = {
  category: {
    employee: [
      '职工',
      '在职',
      '在职职工',
      '单位职工',
      '企业职工',
      '城镇职工',
      '员工',
      '在职人员',
      'staff',
    ],
    flexible: ['灵活就业', '灵活就业人员', '个体灵活就业', 'flexible worker'],
    platform: ['新就业形态', '新就业形态人员', '新就业形态劳动者', '平台', '骑手', 'rider'],
  },
  change: {
    none: ['无', '无变动', '正常', '不变', '续保', '在保', 'no'],
    join: ['增员', '新增', '增加', '参保', '新参保', '入职', '增', 'new'],
    leave: ['减员', '减少', '停保', '退保', '离职', '减', 'left'],
  },
  idType: {
    'resident-id': ['居民身份证', '身份证', '二代身份证', '中华人民共和国居民身份证', 'id card'],
    'hk-macao-taiwan-residence-permit': [
      '港澳台居民居住证',
      '港澳居民居住证',
      '台湾居民居住证',
      '居住证',
    ],
    'foreign-permanent-residence-card': [
      '外国人永久居留身份证',
      '外国人永久居留证',
      '永久居留身份证',
    ],
  },
  medical: {
    'with-account': ['有个人账户', '统账结合', '建个人账户', '建账户', '有账户'],
    'without-account': ['无个人账户', '单建统筹', '不建个人账户', '不建账户', '无账户'],
    none: ['不参加', '不参保', '无', '否', 'no'],
  },
} as const satisfies Readonly<Record<string, Choices>>

type ChoiceField = keyof typeof choiceWords

const meanings: Readonly<Record<ChoiceField, ReadonlyMap<string, string>>> = {
  category: meaningsOf(choiceWords.category),
  change: meaningsOf(choiceWords.change),
  idType: meaningsOf(choiceWords.idType),
  medical: meaningsOf(choiceWords.medical),
}

function meaningsOf(choices: Choices): Map<string, string> {
  const byWord = new Map<string, string>()
  for (const [value, words] of Object.entries(choices)) {
    for (const word of [value, ...words]) {
      byWord.set(word, value)
      byWord.set(foldWord(word), value)
    }
  }
  return byWord
}

/** The schema's value for a word; the word itself if it is unknown. */
export function readChoice(field: ChoiceField, cell: string): string {
  const known = meanings[field].get(cell)
  return known ?? meanings[field].get(foldWord(cell)) ?? cell.trim()
}

function foldWord(word: string): string {
  return toHalfWidth(word)
    .toLowerCase()
    .replace(/[\s\-_()]/g, '')
}

/** Longer cells are no amounts, and a long run of spaces would slow the patterns. */
const amountCharactersMax = 40
const plainAmount = /^[0-9]+(\.[0-9]+)?$/
const groupedAmount = /^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$/

/** `￥6,500.00 元` and `６５００` are 6500.00 and 6500. */
export function readAmount(cell: string): string {
  if (plainAmount.test(cell)) return cell
  const filed = restoreCell(cell)
  if (filed.length > amountCharactersMax) return filed
  const text = toHalfWidth(filed)
    .replace(/^[\s¥￥]+|[\s元]+$/g, '')
    .replace(/^(RMB|CNY)\s*/i, '')
  if (groupedAmount.test(text)) return text.replaceAll(',', '')
  return plainAmount.test(text) ? text : filed.trim()
}

/** Midnight after a day, as programs write a day that they store as an instant. */
const midnight = /(?<=[0-9日])[T\s]+0{1,2}:00(?::00(?:\.0{1,9})?)?(?:Z|\+08:00)?$/i
/** Longer cells are no days. */
const dayCharactersMax = 60

/** Half-width, without midnight and spaces. */
function dayText(cell: string): string {
  if (cell.length > dayCharactersMax) return cell.trim()
  return toHalfWidth(cell).trim().replace(midnight, '').replace(/\s/g, '')
}

/**
 * Converts to `YYYY-MM`: 2025-08, 202508, 2025年8月, 2025/8, and a day of the month, also 20250801 or
 * with midnight behind it. Not 2025.1, which a spreadsheet also makes of 2025.10.
 */
export function readPeriod(cell: string): string {
  if (cell === '') return ''
  const text = dayText(cell)
  if (/^[0-9]{4}\.1$/.test(text)) return text
  const [, year, month] =
    /^([0-9]{4})[-/.年]?(0?[1-9]|1[0-2])(?:月|[-/.月](?:0?[1-9]|[12][0-9]|3[01])日?)?$/.exec(
      text,
    ) ??
    /^([0-9]{4})(0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$/.exec(text) ??
    []
  const period = `${year}-${month?.padStart(2, '0')}`
  return year !== undefined && isPeriod(period) ? period : text
}

/**
 * Converts to `YYYY-MM-DD`: 2025-07-03, 2025/7/3, 20250703 and 2025年7月3日, also with midnight behind it.
 */
export function readDay(cell: string): string {
  const text = dayText(cell)
  const [, year, month = '', day = ''] =
    /^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?$/.exec(text) ??
    /^([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(text) ??
    []
  return year === undefined
    ? cell.trim()
    : `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
}

/** Converts a whole number; anything else stays text, which the check refuses. */
export function readWholeNumber(cell: string): number | string {
  const text = toHalfWidth(cell).trim().replace(/\.0+$/, '')
  return /^[0-9]{1,6}$/.test(text) ? Number(text) : text
}

/** `二类`, `3类` and `3` are industry classes. */
export function readIndustryClass(cell: string): number | string {
  const text = toHalfWidth(cell).trim().replace(/^第/, '').replace(/类$/, '')
  const chinese = '一二三四五六七八'.indexOf(text)
  return text.length === 1 && chinese >= 0 ? chinese + 1 : readWholeNumber(text)
}

/**
 * Removes the marks that keep a spreadsheet from taking a text for a number: an apostrophe, a tab, or
 * `="…"`.
 */
export function readNumberText(cell: string): string {
  const first = cell.charCodeAt(0)
  if (first >= 48 && first <= 57) return cell
  const [, inside] = /^="(.*)"$/.exec(cell) ?? []
  return (inside ?? cell).replace(/^['‘’`\t]+/, '')
}

/** An employer's code in half-width capitals without spaces. */
export function readCode(cell: string): string {
  return toHalfWidth(readNumberText(cell)).replace(/\s/g, '').toUpperCase()
}

/** Whether a spreadsheet has cut a number to 15 digits. */
export function hasLostDigits(cell: string): boolean {
  return /^[0-9](\.[0-9]+)?e\+?[0-9]+$/i.test(cell.trim())
}
