/** Faults of a declaration as a whole: employer, region, period, kind, what it replaces. */
import { codeRules, error, filingRules, lateRules, warning } from './entry.ts'

export const headerEntries = {
  USCC_LENGTH: error('/employer', {
    title: ['统一社会信用代码位数不正确', 'The social credit code has the wrong length'],
    message: ['统一社会信用代码应为 18 位。', 'A unified social credit code has 18 characters.'],
    fix: ['请对照营业执照或登记证书填写。', 'Copy it from the business licence or certificate.'],
    wrong: '91350100M000100Y4',
    right: '91350100M000100Y43',
    legalBasis: codeRules,
  }),
  USCC_CHARACTERS: error('/employer', {
    title: [
      '统一社会信用代码含有不允许的字符',
      'The social credit code has characters it can not have',
    ],
    message: [
      '统一社会信用代码只含数字和大写字母，不含 I、O、S、V、Z。',
      'A unified social credit code has digits and capital letters, without I, O, S, V and Z.',
    ],
    fix: [
      '请对照营业执照核对，注意 0 与 O、1 与 I、2 与 Z、5 与 S。',
      'Compare it with the licence: mind 0 and O, 1 and I, 2 and Z, 5 and S.',
    ],
    wrong: '9135O1OOMOOO1OOY43',
    right: '91350100M000100Y43',
    legalBasis: codeRules,
  }),
  USCC_CHECK_CHARACTER: error('/employer', {
    title: ['统一社会信用代码校验位不正确', 'The social credit code fails its check character'],
    message: [
      '统一社会信用代码的校验位不符，可能有一位写错或两位颠倒。',
      'The last character does not fit the rest: one is wrong, or two have changed places.',
    ],
    fix: [
      '请对照营业执照或登记证书逐位核对。',
      'Compare it with the licence, character by character.',
    ],
    wrong: '91350100M000100Y34',
    right: '91350100M000100Y43',
    legalBasis: codeRules,
  }),
  REGION_UNKNOWN: error('/region', {
    title: ['不受理该地区的申报', 'This region is not served'],
    message: ['本系统受理的地区：{regions}。', 'The regions served are: {regions}.'],
    fix: [
      '请核对参保地区代码，或向参保地经办机构申报。',
      'Check the region code, or file with the agency of that region.',
    ],
    wrong: '"region": "340101"',
    right: '"region": "340100"',
  }),
  PERIOD_IN_FUTURE: error('/period', {
    title: ['费款所属期尚未开始', 'The period has not begun'],
    message: [
      '当前月份为 {current}，不能申报以后的月份。',
      'It is {current} now; a later month can not be filed yet.',
    ],
    fix: ['请核对费款所属期，或在该月开始后申报。', 'Check the period, or file once it has begun.'],
    wrong: '"period": "2042-11"',
    right: '"period": "2024-11"',
  }),
  PERIOD_BEFORE_PACK: error('/period', {
    title: ['费款所属期过早', 'The period is too early'],
    message: [
      '系统的政策数据从 {first} 起，不能申报更早的月份。',
      'The policy data begin with {first}; an earlier month can not be filed here.',
    ],
    fix: [
      '请核对费款所属期；补缴更早的费款请联系经办机构。',
      'Check the period; for arrears of earlier months ask the agency.',
    ],
    wrong: '"period": "2014-11"',
    right: '"period": "2024-11"',
  }),
  PERIOD_NOT_COVERED: error('/period', {
    title: ['缺少该费款所属期的政策数据', 'Policy data for this period are missing'],
    message: [
      '该费款所属期缺少经核实的政策数据：{note}',
      'Verified policy data for this period are missing: {note}',
    ],
    fix: [
      '请待本系统补充政策数据后申报，或联系经办机构。',
      'File once the data are here, or ask the agency.',
    ],
    wrong: ['2024-11，政策数据止于 2024-09', '2024-11, the policy data end with 2024-09'],
    right: ['政策数据补充后再申报 2024-11', '2024-11, filed once the data are here'],
  }),
  PERIOD_CLOSED: error('/period', {
    title: ['该费款所属期已截止申报', 'Filing for this period has closed'],
    message: [
      '该费款所属期的申报已于 {deadline} 截止。',
      'Filing for this period closed at {deadline}.',
    ],
    fix: ['请联系经办机构办理补报。', 'Ask the agency about filing late.'],
    wrong: ['截止之后申报 2024-11', '2024-11, filed after the deadline'],
    right: ['截止之前申报 2024-11', '2024-11, filed before the deadline'],
  }),
  PERIOD_LATE: warning('/period', {
    title: ['已过申报截止时间', 'The deadline has passed'],
    message: [
      '该费款所属期的申报已于 {deadline} 截止，本次申报将记为逾期，可能产生滞纳金。',
      'Filing for this period was due by {deadline}. This filing counts as late; a surcharge may follow.',
    ],
    fix: [
      '仍可申报，请尽快办理；如逾期有正当理由，请保留回执并联系经办机构。',
      'File all the same, and soon; where there was a reason, keep the receipt and tell the agency.',
    ],
    wrong: ['2024-12-01 申报 2024-11', '2024-11, filed on 2024-12-01'],
    right: ['2024-11-30 申报 2024-11', '2024-11, filed on 2024-11-30'],
    legalBasis: lateRules,
  }),
  REPLACEMENT_CLOSED: error('/kind', {
    title: ['更正和作废已截止', 'Corrections and cancellations have closed'],
    message: [
      '该费款所属期的更正和作废已于 {deadline} 截止；首次申报仍可办理。',
      'Corrections and cancellations for this period closed at {deadline}; first filings are still taken.',
    ],
    fix: ['请联系经办机构办理更正。', 'Ask the agency about the correction.'],
    wrong: ['更正截止之后更正 2024-11', 'A correction of 2024-11 after corrections have closed'],
    right: ['更正截止之前更正 2024-11', 'A correction of 2024-11 before corrections close'],
  }),
  REPLACES_MISSING: error('/replaces', {
    title: ['未指明被替换的申报', 'The declaration to replace is not named'],
    message: [
      '更正或作废必须用 replaces 指明原申报的编号。',
      'A correction or cancellation must name in replaces what it replaces.',
    ],
    fix: ['请填写原申报回执上的编号。', 'Give the id from the receipt of that declaration.'],
    wrong: '{"kind": "correction", …}',
    right: '{"kind": "correction", "replaces": "202411-0123456789abcdefghjkmnpqrs", …}',
  }),
  REPLACES_NOT_ALLOWED: error('/replaces', {
    title: ['正常申报不能替换其他申报', 'A regular declaration replaces nothing'],
    message: [
      '正常申报不能填写 replaces。',
      'A declaration of kind regular must not have the field replaces.',
    ],
    fix: [
      '如需更正，请把 kind 改为 correction；否则删除 replaces。',
      'To correct, set kind to correction; otherwise remove replaces.',
    ],
    wrong: '{"kind": "regular", "replaces": "202411-…"}',
    right: '{"kind": "correction", "replaces": "202411-…"}',
  }),
  REPLACES_OTHER_PERIOD: error('/replaces', {
    title: ['被替换的申报属于其他月份', 'The replaced declaration is of another period'],
    message: [
      '被替换申报的编号与本申报的费款所属期不一致。',
      'The id in replaces belongs to another period than this declaration.',
    ],
    fix: ['请核对费款所属期和原申报编号。', 'Check the period and the id.'],
    wrong: '{"period": "2024-11", "replaces": "202410-…"}',
    right: '{"period": "2024-11", "replaces": "202411-…"}',
  }),
  REPLACES_NOTHING: error('/replaces', {
    title: ['没有可替换的申报', 'There is nothing to replace'],
    message: [
      '该单位在该费款所属期没有编号为 replaces 所填值的申报。',
      'This employer has no accepted declaration of that id for the period.',
    ],
    fix: [
      '请核对原申报回执上的编号；若此前没有申报，请把 kind 改为 regular 并删除 replaces。',
      'Copy the id from the receipt; if nothing was filed before, set kind to regular without replaces.',
    ],
    wrong: '"replaces": "202411-00000000000000000000000000"',
    right: '"replaces": "202411-0123456789abcdefghjkmnpqrs"',
  }),
  REPLACES_OTHER_REGION: error('/replaces', {
    title: ['被替换的申报属于其他统筹区', 'The replaced declaration is of another region'],
    message: [
      'replaces 所填编号的申报是向统筹区 {region} 申报的；各统筹区的申报互不替换。',
      'The declaration in replaces was filed for region {region}; declarations of different regions do not replace each other.',
    ],
    fix: [
      '要更正或作废该申报，请把 region 改为 {region}；要更正或作废本统筹区的申报，请在 replaces 填写其编号；本统筹区此前没有申报的，请把 kind 改为 regular 并删除 replaces。',
      'To change that one, set region to {region}; to change what was filed for this region, put its id in replaces; if nothing was filed for this region, set kind to regular without replaces.',
    ],
    wrong: '"region": "340200", "replaces": "202411-…"',
    right: '"region": "340100", "replaces": "202411-…"',
  }),
  REPLACES_SUPERSEDED: error('/replaces', {
    title: [
      '所填的原申报已不是现行申报',
      'The declaration in replaces is no longer the one that stands',
    ],
    message: [
      '该单位在该统筹区、该费款所属期现行的申报是 {id}（{at} 受理），不是 replaces 所填的那份；更正和作废只替换指明的申报。',
      'Declaration {id}, accepted at {at}, stands for this employer, period and region, and replaces names another one. A correction or cancellation replaces only what it names.',
    ],
    fix: [
      '请先查看 {id}，在它的基础上修改，再在 replaces 填写 {id} 提交。',
      'Look at {id} and start from what it has; then file with {id} in replaces.',
    ],
    wrong: '"kind": "correction", "replaces": "202411-00000000000000000000000000"',
    right: '"kind": "correction", "replaces": "202411-0123456789abcdefghjkmnpqrs"',
  }),
  DECLARATION_STANDS: error('/kind', {
    title: [
      '该单位在该统筹区、该费款所属期已有申报',
      'A declaration of this employer, period and region stands',
    ],
    message: [
      '该单位在该统筹区、该费款所属期已有申报 {id}（{at} 受理，{persons}）；正常申报不会替换它。',
      'Declaration {id} of this employer, period and region stands: accepted at {at}, with {persons}. A regular declaration does not replace it.',
    ],
    fix: [
      '如需更改，请把 kind 改为 correction，在 replaces 填写 {id}，并列出全部参保人；如需只增加人员，请上传 kind 为 addition 的文件；如需作废后重新申报，请先提交 cancellation。',
      'To change it, set kind to correction with {id} in replaces, and list all persons; to add persons only, send a file of kind addition; to start afresh, file a cancellation first.',
    ],
    wrong: '"kind": "regular"',
    right: '"kind": "correction", "replaces": "202411-0123456789abcdefghjkmnpqrs"',
  }),
  ALREADY_FILED: error('/kind', {
    title: ['同样的内容已经申报过', 'The same content was filed already'],
    message: [
      '同样的内容已于 {at} 受理，编号 {id}（{persons}），仍然有效；本次未重复受理。',
      'The same content was accepted at {at} as {id}, with {persons}, and stands. It is not accepted twice.',
    ],
    fix: [
      '无需再次申报，回执见 /v1/declarations/{id}/receipt；重试时请使用原来的 Idempotency-Key。',
      'Nothing is left to do: its receipt is at /v1/declarations/{id}/receipt. Retries have the same Idempotency-Key as the first try.',
    ],
    wrong: '"kind": "regular"',
    right: 'GET /v1/declarations/202411-0123456789abcdefghjkmnpqrs/receipt',
  }),
  LINES_MISSING: error('/lines', {
    title: ['没有参保人明细', 'There are no lines'],
    message: [
      '正常申报和更正至少要有一行明细。',
      'A regular declaration or correction needs at least one line.',
    ],
    fix: [
      '请添加参保人明细；如需作废整月申报，请把 kind 改为 cancellation。',
      'Add the insured persons; to void the whole period, set kind to cancellation.',
    ],
    wrong: '"lines": []',
    right:
      '"lines": [{"person": {…}, "category": "employee", "wage": "6500.00", "change": "none"}]',
    legalBasis: filingRules,
  }),
  LINES_NOT_ALLOWED: error('/lines', {
    title: ['作废申报不能有明细', 'A cancellation has no lines'],
    message: [
      '作废针对整个费款所属期，不能附带明细。',
      'A cancellation voids the whole period and must not have lines.',
    ],
    fix: [
      '请删除明细；如只改部分人员，请把 kind 改为 correction。',
      'Remove the lines; to change some of them, set kind to correction.',
    ],
    wrong: '{"kind": "cancellation", "lines": [{…}]}',
    right: '{"kind": "cancellation", "replaces": "202411-…"}',
  }),
  FLOAT_NOT_OFFERED: error('/workInjuryFloat', {
    title: ['工伤保险浮动档次不正确', 'This work-injury float does not exist'],
    message: [
      '行业类别 {class} 的浮动比例只能是：{allowed}（%）。',
      'Industry class {class} has these floats, in percent: {allowed}.',
    ],
    fix: [
      '请按经办机构核定的浮动档次填写；未浮动的请填 100 或不填。',
      'Give the float that the agency has set; without one give 100 or leave it out.',
    ],
    wrong: '"workInjuryFloat": 90',
    right: '"workInjuryFloat": 100',
    legalBasis: '人社部发〔2015〕71号',
  }),
  UNIT_BASE_MISSING: error('/unitBase', {
    title: ['缺少单位缴费基数', 'The unit base is missing'],
    message: [
      '该地区实行单位、个人双基数，须申报单位缴费基数。',
      'This region has a base of the unit beside those of persons; it must be declared.',
    ],
    fix: [
      '请在 unitBase 填写本月全部职工工资总额（元）。',
      "Give the month's total payroll in yuan as unitBase.",
    ],
    wrong: '{"period": "2024-11", "lines": […]}',
    right: '{"period": "2024-11", "unitBase": "52000.00", "lines": […]}',
  }),
  UNIT_BASE_NOT_USED: error('/unitBase', {
    title: ['该地区没有单位缴费基数', 'This region has no unit base'],
    message: [
      '该地区的单位缴费按个人缴费基数之和计算，不能填写 unitBase。',
      'Here the employer pays on the bases of persons; unitBase has no use.',
    ],
    fix: ['请删除 unitBase。', 'Remove unitBase.'],
    wrong: '{"unitBase": "52000.00", …}',
    right: '{ … }',
  }),
  UNIT_BASE_BELOW_SUM: error('/unitBase', {
    title: ['单位缴费基数低于个人缴费基数之和', 'The unit base is below the sum of personal bases'],
    message: [
      '单位缴费基数不得低于个人缴费基数之和 {sum} 元。',
      'The unit base must not be below {sum} yuan, the sum of personal bases.',
    ],
    fix: [
      '请至少填写 {sum}；工资总额低于此数时也一样。',
      'Give at least {sum}, even if the payroll is less.',
    ],
    wrong: '"unitBase": "5000.00"',
    right: '"unitBase": "13000.00"',
  }),
} as const
