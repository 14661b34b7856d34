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
  const isByInsurance = file === 'limits' || file === 'rates' || file === 'flat'
  const insurance = isByInsurance ? insuranceNames[part as Insurance] : undefined
  return { 'zh-CN': `${insurance?.['zh-CN'] ?? ''}${known}`, en: key }
}

const memberNames: Readonly<Record<string, string>> = {
  averageWage: '平均工资',
  floor: '下限',
  ceiling: '上限',
  insurances: '险种',
  insurance: '险种',
  side: '缴费方',
  amount: '金额',
  employer: '单位',
  employee: '个人',
  employerByClass: '单位（按行业类别）',
  floats: '浮动档次',
  choice: '可选方式',
  tiers: '档次',
  rate: '费率',
  withAccount: '建账户',
  withoutAccount: '不建账户',
  base: '基数',
  service: '服务',
  names: '名称',
  perOrder: '每单',
  mode: '取整方式',
  scale: '小数位',
  per: '取整对象',
  monthsAfterPeriod: '所属期后月数',
  day: '日',
  time: '时间',
  onNonWorkingDay: '非工作日顺延',
  graceDays: '宽限天数',
  refuseLate: '逾期不受理',
  replacementsClose: '更正截止',
  dailyPercent: '每日比例',
}

/** A member of a row in Chinese; its own name where there is none. */
export function memberName(name: string): string {
  return memberNames[name] ?? name
}
