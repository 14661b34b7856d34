/** The expected format of each field whose schema has a pattern, as text for findings. */
import type { Formats } from './shape.ts'

const amount = {
  'zh-CN': '以元为单位的金额，如 "6500.00"，小于 10 亿元，最多两位小数',
  en: 'an amount in yuan such as "6500.00", below 1,000,000,000, with at most two decimals',
}
const choice = {
  'zh-CN': '小写字母、数字和连字符组成的名称，如 60 或 ride-hailing',
  en: 'a name of small letters, digits and hyphens such as 60 or ride-hailing',
}

export const formats: Formats = {
  employer: {
    'zh-CN': ' 18 位统一社会信用代码',
    en: 'a unified social credit code of 18 characters',
  },
  region: {
    'zh-CN': ' 6 位数字的行政区划代码，如 340100',
    en: 'a code of 6 digits such as 340100',
  },
  period: { 'zh-CN': '“年-月”，如 2024-11', en: 'a year and a month such as 2024-11' },
  replaces: {
    'zh-CN': '原申报回执上的编号（6 位费款所属期、连字符和 26 位小写字母数字）',
    en: 'the id from a receipt: 6 digits, a hyphen, 26 lower-case letters and digits',
  },
  wage: amount,
  base: amount,
  unitBase: amount,
  tier: choice,
  service: choice,
  date: { 'zh-CN': '“年-月-日”，如 2025-07-03', en: 'a date such as 2025-07-03' },
}
