/**
 * The columns of a file of declarations and their titles in Chinese and English: the published list.
 * Templates use the first title of each language.
 *
 * Beside our own titles, the list has those that payroll departments work with: the tax client's sheets
 * 人员信息采集 and 正常工资薪金 (证照类型, 证照号码: guides to 自然人电子税务局, e.g. nxtlgy.com/wenda/139800, seen 2026), Hefei's
 * sheet of new bases (新缴费工资, 2023), exports of payroll programs (人员姓名, 身份证, 应发合计, 实发工资, 薪资月份:
 * github.com/Githubape/SalaryManager Model/ExclHead.cs, ztt-melon/salary-ui src/pages/salNp/column.js,
 * fruitGirl/oa-manage-system). A title that means our field in one program and something else in the
 * next is in `ambiguous-titles.ts` instead.
 */
import { withoutUnseen } from '../../declaration/characters.ts'
import { toHalfWidth } from '../../declaration/identity.ts'

/** Titles of each column. An errors file adds `problem` and `remedy`. */
export const columnNames = {
  name: [
    '姓名',
    '参保人姓名',
    '职工姓名',
    '人员姓名',
    '员工姓名',
    '被保险人姓名',
    '纳税人姓名',
    'name',
    'full name',
  ],
  idType: [
    '证件类型',
    '证件种类',
    '证件名称',
    '身份证件类型',
    '有效证件类型',
    '证照类型',
    '证照种类',
    '证件类别',
    'idType',
    'id type',
    'document type',
  ],
  idNumber: [
    '证件号码',
    '证件号',
    '身份证',
    '身份证号',
    '身份证号码',
    '公民身份号码',
    '居民身份证号码',
    '身份证件号码',
    '有效证件号码',
    '证照号码',
    '证照号',
    '证件编号',
    '身份证件号',
    '公民身份证号码',
    '社会保障号码',
    '社会保障号',
    '社保号',
    'idNumber',
    'id no',
    'id number',
    'identity number',
  ],
  category: ['参保类别', '缴费类别', '人员类别', '人员类型', '参保身份', '类别', 'category'],
  wage: [
    '申报工资',
    '缴费工资',
    '月缴费工资',
    '月工资',
    '工资',
    '应发工资',
    '工资总额',
    '申报缴费工资',
    '月申报工资',
    '申报基数',
    '本月工资',
    '本月申报工资',
    '本月缴费工资',
    '当月工资',
    '新缴费工资',
    'wage',
    'salary',
    'declared wage',
  ],
  change: [
    '变动情况',
    '变动',
    '变动类型',
    '变更类型',
    '增减',
    '增减变动',
    '增减标志',
    '增减员',
    '增减类型',
    'change',
  ],
  tier: ['缴费档次', '档次', '基数档次', 'tier'],
  base: ['缴费基数', '养老缴费基数', '养老保险缴费基数', '自选基数', 'base', 'contribution base'],
  medical: ['医疗保险', '医保方式', '医保类型', '医疗参保方式', '医保', 'medical'],
  date: ['接单日期', '日期', 'date'],
  service: ['服务类型', '业务类型', 'service'],
  orders: ['接单数', '接单量', '单量', '订单数', 'orders'],
  employer: [
    '统一社会信用代码',
    '社会信用代码',
    '信用代码',
    '单位社会信用代码',
    '单位统一社会信用代码',
    '参保单位',
    '单位',
    '单位代码',
    'employer',
    'uscc',
    'social credit code',
    'unified social credit code',
  ],
  region: ['统筹区', '统筹地区', '参保地', '参保地区', '统筹区代码', '行政区划代码', 'region'],
  period: [
    '费款所属期',
    '所属期',
    '费款所属月份',
    '所属月份',
    '申报月份',
    '缴费月份',
    '费款所属年月',
    '缴费年月',
    'period',
  ],
  industryClass: [
    '工伤行业类别',
    '行业类别',
    '工伤保险行业类别',
    '行业风险类别',
    'industryClass',
    'industry class',
  ],
  workInjuryFloat: ['工伤费率浮动', '工伤浮动', '浮动比例', 'workInjuryFloat', 'float'],
  unitBase: ['单位缴费基数', '单位基数', 'unitBase', 'unit base'],
  sequence: ['序号', '编号', '行号', 'no', 'number', 'seq'],
  position: ['原行号', 'original row'],
  problem: ['问题', 'problem'],
  problemEnglish: ['问题（英文）', 'problem in english'],
  remedy: ['如何修改', 'how to fix'],
  remedyEnglish: ['如何修改（英文）', 'how to fix in english'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type Field = keyof typeof columnNames

/** Columns that an errors file adds; when it is sent back, only the position is read. */
export const addedFields = [
  'position',
  'problem',
  'remedy',
  'problemEnglish',
  'remedyEnglish',
] as const satisfies readonly Field[]

export const fields = Object.keys(columnNames) as Field[]

const fieldByTitle = new Map<string, Field>()
for (const field of fields) {
  for (const name of [field, ...columnNames[field]]) fieldByTitle.set(normaliseTitle(name), field)
}

/** The field of a column's title, regardless of width, case, spaces and marks of required columns. */
export function fieldOfTitle(title: string): Field | undefined {
  return findTitle(title, fieldByTitle)
}

/** Looks up a title, as filers write it, in a map of normalised titles. */
export function findTitle<T>(title: string, byTitle: ReadonlyMap<string, T>): T | undefined {
  if (title === '' || title.length > titleCharactersMax) return undefined
  const exact = byTitle.get(normaliseTitle(title))
  if (exact !== undefined) return exact
  const plain = toHalfWidth(title).replace(/[([【{][^)\]】}]*[)\]】}]/g, '')
  for (const part of [plain, ...plain.split(/[/|\n]/)]) {
    const found = byTitle.get(normaliseTitle(part))
    if (found !== undefined) return found
  }
  return undefined
}

const titleCharactersMax = 100

/** The titles of a column by language: the template's first, then the other accepted ones. */
export function titlesOf(field: Field): { readonly 'zh-CN': string[]; readonly en: string[] } {
  const names: readonly string[] = columnNames[field]
  const isChinese = (name: string) => /\p{Script=Han}/u.test(name)
  return {
    'zh-CN': names.filter(isChinese),
    en: names.filter((name) => !isChinese(name)),
  }
}

export function normaliseTitle(title: string): string {
  return toHalfWidth(withoutUnseen(title))
    .toLowerCase()
    .replace(/必填|选填|\(\s*\)|required|optional/g, '')
    .replace(/[\s*_:\-()'"]/g, '')
}

/** A row as a spreadsheet numbers it, with its cells. */
export type TitleRow = { readonly row: number; readonly cells: readonly string[] }

/** A row is a header when it names at least this many columns. */
const titlesMin = 2

/** How many fields a row's cells name; a field named twice counts once. */
export function countKnownTitles(cells: readonly string[]): number {
  const named = new Set<Field>()
  for (const cell of cells) {
    const field = fieldOfTitle(cell)
    if (field !== undefined) named.add(field)
  }
  return named.size
}

export function isHeader(cells: readonly string[]): boolean {
  return countKnownTitles(cells) >= titlesMin
}

/**
 * One header of two rows: groups above (merged over several columns), names below. Undefined where the
 * lower row has anything but titles below what the upper one leaves open, or adds nothing.
 */
export function joinHeader(upper: TitleRow, lower: TitleRow): TitleRow | undefined {
  if (lower.row !== upper.row + 1) return undefined
  const cells: string[] = []
  for (let column = 0; column < Math.max(upper.cells.length, lower.cells.length); column += 1) {
    const [above = '', below = ''] = [upper.cells[column], lower.cells[column]]
    const isOpen = fieldOfTitle(above) === undefined
    if (below.trim() !== '' && !isOpen && !isUnit(below)) return undefined
    if (isOpen && /[0-9０-９]{6}/.test(below)) return undefined
    cells.push(isOpen && below.trim() !== '' ? below : above)
  }
  const known = countKnownTitles(cells)
  const isMore = known > countKnownTitles(upper.cells) && known > countKnownTitles(lower.cells)
  return isMore ? { row: lower.row, cells } : undefined
}

/** `（元）` below a name. */
function isUnit(text: string): boolean {
  return /^\s*(?:[(（][^()（）]{1,10}[)）]|元|人民币)\s*$/.test(text)
}
