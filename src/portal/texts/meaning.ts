/** What a finding means; and how the amounts of each person of a declaration came about. */
export const meaning = {
  title: { 'zh-CN': '提示的含义', en: 'What a finding means' },
  unknown: {
    'zh-CN': '没有这个编号的说明。请核对编号，或拨打 12366。',
    en: 'Nothing is known under this code. Check it, or call 12366.',
  },
  code: { 'zh-CN': '编号', en: 'Code' },
  error: { 'zh-CN': '错误：改正后才能申报', en: 'Error: it must be fixed before it can be filed' },
  warning: { 'zh-CN': '提醒：可以申报，请核对', en: 'Warning: it can be filed; look again' },
  hint: { 'zh-CN': '提示：可以申报', en: 'Hint: it can be filed' },
  fix: { 'zh-CN': '如何处理', en: 'What to do' },
  wrong: { 'zh-CN': '错误示例', en: 'Wrong' },
  right: { 'zh-CN': '正确示例', en: 'Right' },
  basis: { 'zh-CN': '依据', en: 'Legal basis' },
  found: { 'zh-CN': '申报中的提醒', en: 'Warnings in it' },
  personsTitle: { 'zh-CN': '每个人的金额', en: 'Amounts of each person' },
  personsText: {
    'zh-CN': '按现行核定。选一个人，查看每个金额怎么算出来的。',
    en: 'As they count now. Choose a person to see how each amount came about.',
  },
  toPersons: {
    'zh-CN': '每个人的金额和算法',
    en: 'Amounts of each person, and how they are computed',
  },
  employer: { 'zh-CN': '单位 {amount}', en: 'Employer {amount}' },
  employee: { 'zh-CN': '个人 {amount}', en: 'Employee {amount}' },
  noPersons: { 'zh-CN': '没有符合的人员。', en: 'Nobody matches.' },
} as const
