/**
 * Titles that may mean one of our columns or something else. The totals of a pay slip may be the
 * declared wage, more than that, or less (实发 is what is left after contributions and tax). A taxpayer's
 * number may be a person's or an employer's. Such a column is not read; a finding names the title to
 * give it if it is meant, so that nobody's wage is guessed.
 */
import { type Field, findTitle, normaliseTitle } from './columns.ts'

const titles = {
  wage: [
    '本期收入',
    '本期工资',
    '收入',
    '收入额',
    '本月收入',
    '月收入',
    '应发',
    '应发数',
    '应发合计',
    '应发金额',
    '应发薪资',
    '实发',
    '实发数',
    '实发合计',
    '实发金额',
    '实发工资',
    '实发薪资',
    '税前工资',
    '税前收入',
    '税后工资',
    '计税工资',
    '应税工资',
    '基本工资',
    '岗位工资',
    '标准工资',
    '合同工资',
    '薪资',
    '薪酬',
    '工资合计',
    '工资基数',
    '社保基数',
    '缴费工资基数',
    '平均工资',
    '月平均工资',
    '月均工资',
    '上年月平均工资',
    '上年度月平均工资',
    '金额',
    'income',
    'gross',
    'gross pay',
    'net pay',
    'base salary',
    'amount',
  ],
  idNumber: [
    '纳税人识别号',
    '号码',
    '证号',
    '社会保障卡号',
    '社保卡号',
    '个人编号',
    'id',
    'tax id',
  ],
  name: ['名称', '员工', '职工', '人员'],
  idType: ['证件', '证照'],
  category: ['职工类别', '用工性质', '用工形式', '人员性质', '户籍类型', '户口性质'],
  change: [
    '状态',
    '人员状态',
    '任职状态',
    '在职状态',
    '参保状态',
    '变更原因',
    '增减原因',
    'status',
  ],
  employer: [
    '单位名称',
    '公司',
    '公司名称',
    '任职单位',
    '税号',
    '单位编号',
    '单位社保号',
    'company',
  ],
  period: ['月份', '年月', '薪资月份', '工资月份', '税款所属期', '税款所属期起', 'month'],
} as const satisfies Partial<Record<Field, readonly string[]>>

const fieldByTitle = new Map<string, Field>()
for (const [field, names] of Object.entries(titles)) {
  for (const name of names) fieldByTitle.set(normaliseTitle(name), field as Field)
}

/** The field that an ambiguous title may mean; undefined for any other title. */
export function ambiguousField(title: string): Field | undefined {
  return findTitle(title, fieldByTitle)
}
