/**
 * Texts of `npm run check-file` about a sheet beside its findings, in both languages.
 */
import type { Severity, Text } from '../../declaration/catalogue/entry.ts'

export type SheetTexts = Readonly<Record<Severity, string>> & {
  readonly row: (row: number) => string
  readonly more: (count: number) => string
  readonly rows: (file: string, read: number, good: number, setAside: number) => string
  readonly unit: (lines: number, setAside: number, employer: string, employee: string) => string
  readonly others: (count: number) => string
  readonly total: (
    declarations: number,
    lines: number,
    employer: string,
    employee: string,
  ) => string
  readonly unreadable: string
  readonly ofErrorsFile: string
  /** @param kind of the file; `declarations` if each line has its own */
  readonly notKnown: (kind: string) => string
}

const count = (number: number) => number.toLocaleString('en')

function counted(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`
}

const unknownCurrent: Readonly<Record<string, { readonly zh: string; readonly en: string }>> = {
  regular: {
    zh: '这些单位本所属期是否已有申报（已有的，正常申报会被退回）',
    en: 'whether a declaration of these employers and periods stands (a regular one would be set aside then)',
  },
  correction: {
    zh: '更正会替换哪份申报，以及是否有可替换的申报',
    en: 'which declarations a correction would replace, and whether there are any',
  },
  addition: {
    zh: '要补充到哪份申报、其中是否已有这些人员、是否仍可更正（没有申报的，按正常申报受理）',
    en: 'what these persons would be added to, whether they are in it already, and whether it may still be changed (where nothing stands, they are filed as regular)',
  },
  cancellation: {
    zh: '作废会替换哪份申报',
    en: 'what a cancellation would replace',
  },
  declarations: {
    zh: '这些单位本所属期是否已有申报，更正和作废所替换的申报是否存在',
    en: 'whether declarations of these employers and periods stand, and whether what corrections and cancellations replace is there',
  },
}

function unknownCurrentOf(kind: string): { readonly zh: string; readonly en: string } {
  return unknownCurrent[kind] ?? { zh: '', en: '' }
}

export const sheetTexts: Readonly<Record<keyof Text, SheetTexts>> = {
  en: {
    ...{ error: 'error', warning: 'warning', hint: 'hint' },
    row: (row) => `row ${row}`,
    more: (number) => `${count(number)} more: --csv has all`,
    rows: (file, read, good, setAside) =>
      `${file}: ${counted(read, 'row')}; ${count(good)} would be filed, ${count(setAside)} set aside.`,
    unit: (lines, setAside, employer, employee) =>
      `: ${counted(lines, 'line')}, employer ${employer}, employee ${employee} yuan${setAside === 0 ? '' : `; ${counted(setAside, 'row')} set aside`}`,
    others: (number) => `${count(number)} more: --json has all`,
    total: (declarations, lines, employer, employee) =>
      `In all ${counted(declarations, 'declaration')}, ${counted(lines, 'line')}, employer ${employer}, employee ${employee} yuan.`,
    unreadable: 'Nothing would be filed: the file is not read to its end.',
    ofErrorsFile:
      'It has the column of original row numbers: what its rows would be merged with is not known here.',
    notKnown: (kind) =>
      `Nothing was filed. Not known here: ${unknownCurrentOf(kind).en}; and whether your token may file for these employers. The engine tells: npm run upload -- FILE --mode check …`,
  },
  'zh-CN': {
    ...{ error: '错误', warning: '提醒', hint: '提示' },
    row: (row) => `第 ${row} 行`,
    more: (number) => `另有 ${count(number)} 条：--csv 列出全部`,
    rows: (file, read, good, setAside) =>
      `${file}：共 ${count(read)} 行，可申报 ${count(good)} 行，退回 ${count(setAside)} 行。`,
    unit: (lines, setAside, employer, employee) =>
      `：${count(lines)} 人，单位 ${employer} 元，个人 ${employee} 元${setAside === 0 ? '' : `；退回 ${count(setAside)} 行`}`,
    others: (number) => `另有 ${count(number)} 份：--json 列出全部`,
    total: (declarations, lines, employer, employee) =>
      `合计 ${count(declarations)} 份申报，${count(lines)} 人，单位 ${employer} 元，个人 ${employee} 元。`,
    unreadable: '文件未能读到末尾，不会申报任何内容。',
    ofErrorsFile: '文件有“原行号”一列：这些行会与哪些已申报的内容合并，此处无法得知。',
    notKnown: (kind) =>
      `未作任何申报。此处无法得知：${unknownCurrentOf(kind).zh}；以及令牌能否代表这些单位。可由受理服务核对：npm run upload -- 文件 --mode check …`,
  },
}
