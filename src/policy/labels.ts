/** What parts of a pack and of an assessment are called, in Chinese and English. */
import type { Text } from '../declaration/catalogue/entry.ts'
import type { Insurance, Side } from './pack.ts'

export const insuranceNames: Readonly<Record<Insurance, Text>> = {
  pension: { 'zh-CN': '养老保险', en: 'pension' },
  medical: { 'zh-CN': '医疗保险', en: 'medical' },
  unemployment: { 'zh-CN': '失业保险', en: 'unemployment' },
  'work-injury': { 'zh-CN': '工伤保险', en: 'work-injury' },
  'occupational-injury': { 'zh-CN': '职业伤害保障', en: 'occupational-injury' },
}

export const sideNames: Readonly<Record<Side, Text>> = {
  employer: { 'zh-CN': '单位', en: 'employer' },
  employee: { 'zh-CN': '个人', en: 'employee' },
}

const listNames: Readonly<Record<string, string>> = {
  limits: '缴费基数上下限',
  rates: '费率',
  flat: '每人定额',
  'bases/unit': '单位缴费基数',
  'flexible/pensionBases': '灵活就业人员可选缴费基数',
  'flexible/pensionRates': '灵活就业人员养老保险费率',
  'flexible/medical': '灵活就业人员医疗保险费率',
  'platform/tariffs': '每单缴费标准',
  rounding: '取整规则',
  'calendar/deadlines': '申报截止时间',
  'surcharge/rates': '滞纳金',
  notes: '说明',
}

/** A list of a pack; in English it is called by its key, which the pack's author knows. */
export function listName(key: string): Text {
  const [file = '', part = ''] = key.split('/')
  const known = listNames[key] ?? listNames[`${file}/${part}`] ?? listNames[file] ?? file
  const insurance = Object.entries(insuranceNames).find(([name]) => name === part)?.[1]
  return { 'zh-CN': `${insurance?.['zh-CN'] ?? ''}${known}`, en: key }
}
