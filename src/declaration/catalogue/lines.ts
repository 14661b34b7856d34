/** Faults of a line, by what they are about: the person, the wage, the category. */
import {
  error,
  filingRules,
  hint,
  identityRules,
  limitRules,
  platformRules,
  warning,
} from './entry.ts'

const idNumber = '/lines/*/person/idNumber'
const name = '/lines/*/person/name'
const wage = '/lines/*/wage'

const personEntries = {
  ID_LENGTH: error(idNumber, {
    title: ['证件号码位数不正确', 'The identity number has the wrong length'],
    message: [
      '证件号码应为 18 位，现为 {length} 位。',
      'An identity number has 18 characters, this one {length}.',
    ],
    fix: [
      '请对照证件填写完整号码；15 位旧号码请换成 18 位。',
      'Copy it whole from the document; replace an old one of 15 digits.',
    ],
    wrong: '1101051949123100',
    right: '11010519491231002X',
    legalBasis: identityRules,
  }),
  ID_CHARACTERS: error(idNumber, {
    title: ['证件号码含有不允许的字符', 'The identity number has characters it can not have'],
    message: [
      '证件号码前 17 位应为数字，最后一位为数字或 X；第 {position} 位不是。',
      'The first 17 characters are digits, the last one is a digit or X; character {position} is not.',
    ],
    fix: [
      '请对照证件核对，去掉空格等多余字符。',
      'Compare it with the document and remove anything else.',
    ],
    wrong: '1101051949I231002X',
    right: '11010519491231002X',
    legalBasis: identityRules,
  }),
  ID_FULL_WIDTH: warning(idNumber, {
    title: [
      '证件号码含有全角字符或空格',
      'The identity number has full-width characters or spaces',
    ],
    message: [
      '证件号码用了全角字符、小写 x 或空格；按半角号码办理，原样保存。',
      'It has full-width characters, a small x or spaces. It is read without them and kept as filed.',
    ],
    fix: ['建议改用半角数字和大写 X。', 'Better use plain digits and a capital X.'],
    wrong: '１１０１０５１９４９１２３１００２Ｘ',
    right: '11010519491231002X',
    legalBasis: identityRules,
  }),
  ID_INVISIBLE: warning(idNumber, {
    title: ['证件号码含有看不见的字符', 'The identity number has a character that is not seen'],
    message: [
      '证件号码第 {position} 个字符是看不见的 {character}；按去掉后的号码办理，原样保存。',
      'Character {position} is {character}, which is not seen. The number is read without it and kept as filed.',
    ],
    fix: [
      '号码多是从聊天或网页复制来的：建议用键盘重新输入。',
      'It was copied from a chat or a page, most likely: better type it again.',
    ],
    wrong: '"idNumber": "\\u202d11010519491231002X"',
    right: '"idNumber": "11010519491231002X"',
    legalBasis: identityRules,
  }),
  ID_REGION: error(idNumber, {
    title: ['证件号码开头与证件类型不符', 'The identity number does not begin as its type does'],
    message: [
      '证件号码的开头不是该类证件的代码：居民身份证以省份代码开头，港澳台居民居住证以 81、82、83 开头，外国人永久居留身份证以 9 开头。',
      'Numbers of this type begin otherwise: resident IDs with a province, residence permits of Hong Kong, Macao and Taiwan residents with 81, 82 or 83, permanent residence cards of foreigners with 9.',
    ],
    fix: ['请对照证件核对号码和证件类型。', 'Compare number and type with the document.'],
    wrong: '001105194912310020',
    right: '11010519491231002X',
    legalBasis: identityRules,
  }),
  ID_TYPE_PERMIT: error(idNumber, {
    title: ['这是港澳台居民居住证号码', 'This is the number of a residence permit'],
    message: [
      '81、82、83 开头的是港澳台居民居住证号码，不是居民身份证号码。',
      'Numbers beginning with 81, 82 or 83 are of residence permits for Hong Kong, Macao and Taiwan residents.',
    ],
    fix: [
      '请把 idType 改为 hk-macao-taiwan-residence-permit。',
      'Set idType to hk-macao-taiwan-residence-permit.',
    ],
    wrong: '"idType": "resident-id"',
    right: '"idType": "hk-macao-taiwan-residence-permit"',
    legalBasis: identityRules,
  }),
  ID_BIRTH_DATE: error(idNumber, {
    title: ['证件号码中的出生日期不正确', 'The birth date in the identity number is wrong'],
    message: [
      '证件号码第 7 至 14 位不是真实的日期，或晚于今天。',
      'Characters 7 to 14 are not a real date, or one after today.',
    ],
    fix: ['请对照证件核对出生日期。', 'Compare the birth date with the document.'],
    wrong: '110105194902300021',
    right: '11010519491231002X',
    legalBasis: identityRules,
  }),
  ID_CHECK_DIGIT: error(idNumber, {
    title: ['证件号码校验位不正确', 'The identity number fails its check digit'],
    message: [
      '第 18 位校验位与前 17 位不符：可能有一位写错{swap}。',
      'Character 18, the check digit, does not fit the other 17: one of them is wrong{swap}.',
    ],
    fix: ['请对照证件逐位核对。', 'Compare it with the document, digit by digit.'],
    wrong: '110105194912310021',
    right: '11010519491231002X',
    legalBasis: identityRules,
  }),
  NAME_CHARACTERS: error(name, {
    title: ['姓名含有不允许的字符', 'The name has characters it can not have'],
    message: [
      '姓名含有控制字符或损坏的字符：从第 {position} 个字符起是 {character}。',
      'The name has control characters or broken ones: from character {position} on, {character}.',
    ],
    fix: [
      '请对照证件重新输入姓名，不要从其他程序粘贴；多人如此时，请检查导出程序的编码。',
      'Type the name again from the document instead of pasting it; where many are so, look at the encoding that the program writes.',
    ],
    wrong: '"王\\u0000伟"',
    right: '"王伟"',
  }),
  NAME_BLANK: error(name, {
    title: ['姓名为空白', 'The name is blank'],
    message: ['姓名只有空格。', 'The name has nothing but spaces.'],
    fix: ['请填写证件上的姓名。', 'Give the name as on the document.'],
    wrong: '"　"',
    right: '"王伟"',
    legalBasis: filingRules,
  }),
  NAME_SPACES: warning(name, {
    title: ['姓名中有多余的空格', 'The name has stray spaces'],
    message: [
      '姓名首尾或汉字之间有空格，将按原样保存，可能与登记信息不一致。',
      'The name has spaces around it or between Chinese characters. It is kept so and may not match the register.',
    ],
    fix: ['建议去掉多余的空格。', 'Better remove the spaces.'],
    wrong: '"王 伟"',
    right: '"王伟"',
  }),
  NAME_INVISIBLE: warning(name, {
    title: ['姓名含有看不见的字符', 'The name has a character that is not seen'],
    message: [
      '姓名第 {position} 个字符是看不见的 {character}，将按原样保存，可能与登记信息不一致。',
      'Character {position} is {character}, which is not seen. The name is kept so and may not match the register.',
    ],
    fix: [
      '姓名多是从聊天或网页复制来的：建议用键盘重新输入。',
      'It was copied from a chat or a page, most likely: better type it again.',
    ],
    wrong: '"王\\u200b伟"',
    right: '"王伟"',
  }),
  NAME_PRIVATE: warning(name, {
    title: ['姓名用了旧编码位置的汉字', 'The name has a character of an older code'],
    message: [
      '姓名第 {position} 个字符是 GB18030 早期的自定义码位 {character}，现为 {standard}；将按原样保存，可能与登记信息不一致。',
      'Character {position} is {character}, where GB18030 had it before Unicode did; today it is {standard}. The name is kept so and may not match the register.',
    ],
    fix: [
      '建议用新的输入法重新输入该字。',
      'Better type the character again with a current input method.',
    ],
    wrong: '"王\\ue863"',
    right: '"王䶮"',
  }),
  NAME_UNREADABLE: warning(name, {
    title: ['姓名像是乱码或不完整', 'The name looks garbled or incomplete'],
    message: [
      '姓名中没有证件姓名可用的文字，或有代替文字的符号（? * □），或像是编码错误产生的乱码；将按原样保存，可能与登记信息不一致。',
      'The name has no letters that a document could have, or a sign in the place of one (? * □), or looks read in a wrong encoding. It is kept so and may not match the register.',
    ],
    fix: [
      '请对照证件核对；有误时请更正申报，并检查导出程序的编码（应为 UTF-8）。',
      'Compare it with the document; if it is wrong, file a correction, and see that your program writes UTF-8.',
    ],
    wrong: '"王?"',
    right: '"王伟"',
  }),
  PERSON_PLACEHOLDER: error('/lines/*/person/*', {
    title: [
      '姓名或号码只是占位的字样',
      'In the place of a name or number is what stands for nothing',
    ],
    message: [
      '此项是程序在没有内容时写下的字样或符号（如 NULL、#N/A、.），不是姓名或号码。',
      'This is what programs write where they have nothing, such as NULL, #N/A or a point: no name, and no number.',
    ],
    fix: [
      '请对照证件填写；没有时请检查导出它的程序或公式。',
      'Fill it in from the document; where there is none, look at the program or the formula that wrote it.',
    ],
    wrong: '"name": "#N/A"',
    right: '"name": "王伟"',
    legalBasis: identityRules,
  }),
  PERSON_DUPLICATE: error('/lines/*/person', {
    title: ['同一参保人出现多次', 'A person appears more than once'],
    message: [
      '第 {line} 行与第 {first} 行是同一参保人（{person}）。',
      'Line {line} is the same person as line {first} ({person}).',
    ],
    fix: [
      '每人每月只能有一行：请删除重复的行，或更正证件号码。',
      'Each person has one line: remove the repeated one, or mend the number.',
    ],
    wrong: ['第 3 行与第 7 行证件号码相同', 'Lines 3 and 7 have the same identity number'],
    right: ['每人一行', 'One line for each person'],
  }),
} as const

const wageEntries = {
  WAGE_BELOW_FLOOR: warning(wage, {
    title: ['申报工资低于缴费基数下限', 'The wage is below the floor'],
    message: [
      '申报工资低于{of}下限，按下限 {limit} 元作为缴费基数（{since}起执行{carried}）。',
      'The wage is below the floor{of}; the base is the floor, {limit} yuan (valid from {since}{carried}).',
    ],
    fix: [
      '如实申报即可，系统按下限计算；请确认不是漏填了数字。',
      'File the true wage; the floor is applied. Make sure that no digit is missing.',
    ],
    wrong: '"wage": "650.00"',
    right: '"wage": "6500.00"',
    legalBasis: limitRules,
  }),
  WAGE_ABOVE_CEILING: warning(wage, {
    title: ['申报工资高于缴费基数上限', 'The wage is above the ceiling'],
    message: [
      '申报工资高于{of}上限，按上限 {limit} 元作为缴费基数（{since}起执行{carried}）。',
      'The wage is above the ceiling{of}; the base is the ceiling, {limit} yuan (valid from {since}{carried}).',
    ],
    fix: [
      '如实申报即可，系统按上限计算；请确认不是多填了数字。',
      'File the true wage; the ceiling is applied. Make sure that no digit is too many.',
    ],
    wrong: '"wage": "25000.00"',
    right: '"wage": "6500.00"',
    legalBasis: limitRules,
  }),
  WAGE_LOOKS_YEARLY: warning(wage, {
    title: ['申报工资像是年工资', 'The wage looks like a yearly one'],
    message: [
      '申报工资超过上限的 3 倍，像是年工资；此处应填月工资。',
      'The wage is more than 3 times the ceiling, like a yearly one; a monthly wage belongs here.',
    ],
    fix: ['请核对；若为年工资，请除以 12。', 'Check it; if it is of a year, divide it by 12.'],
    wrong: '"wage": "78000.00"',
    right: '"wage": "6500.00"',
    legalBasis: filingRules,
  }),
  WAGE_LOOKS_FEN: warning(wage, {
    title: ['申报工资像是以分为单位', 'The wage looks like fen'],
    message: [
      '申报工资超过下限的 100 倍，像是以分为单位；此处应以元为单位。',
      'The wage is more than 100 times the floor, as if in fen; it is given in yuan here.',
    ],
    fix: ['请核对；若以分为单位，请除以 100。', 'Check it; if it is in fen, divide it by 100.'],
    wrong: '"wage": "650000"',
    right: '"wage": "6500.00"',
    legalBasis: filingRules,
  }),
} as const

const flexibleEntries = {
  CATEGORY_NOT_OFFERED: error('/lines/*/category', {
    title: ['缺少该类人员的政策数据', 'Data for this category are missing here'],
    message: [
      '本系统缺少该期“{category}”人员的政策数据，无法受理。',
      'Data for {category} workers of this region and period are missing here, so they can not be filed.',
    ],
    fix: [
      '请联系经办机构，勿改报为职工或其他类别。',
      'Ask the agency; do not file them as employees or as another category.',
    ],
    wrong: ['2022-06，"category": "flexible"', '2022-06, "category": "flexible"'],
    right: ['2024-11，"category": "flexible"', '2024-11, "category": "flexible"'],
  }),
  FLEXIBLE_BASE_MISSING: error('/lines/*/base', {
    title: ['没有选择缴费档次或基数', 'No tier or base is chosen'],
    message: [
      '灵活就业人员须用 tier 选择档次或用 base 填写基数（可选：{allowed}）。',
      'A flexible worker chooses a tier or a base; on offer: {allowed}.',
    ],
    fix: ['只填该期受理的一项：{fix}。', 'Give only what the period takes: {fix}.'],
    wrong: '{"category": "flexible", "medical": "none"}',
    right: '{"category": "flexible", "base": "4227.00", "medical": "none"}',
    legalBasis: limitRules,
  }),
  FLEXIBLE_BASE_TWICE: error('/lines/*/tier', {
    title: ['档次和基数只能填一个', 'A tier and a base are given'],
    message: ['tier 和 base 只能填写一个。', 'Only one of tier and base can be given.'],
    fix: ['只填该期受理的一项：{fix}。', 'Give only what the period takes: {fix}.'],
    wrong: '{"tier": "100", "base": "7044.38"}',
    right: '{"base": "7044.38"}',
  }),
  TIER_NOT_OFFERED: error('/lines/*/tier', {
    title: ['没有该缴费档次', 'This tier is not on offer'],
    message: [
      '本系统该期仅核实以下可选项：{allowed}。',
      'Of this period only these are verified here: {allowed}.',
    ],
    fix: [
      '{fix}；所选档次不在其中的，请联系经办机构。',
      '{fix}; where the tier that was chosen is not among these, ask the agency.',
    ],
    wrong: ['2020-03，"tier": "65"', '2020-03, "tier": "65"'],
    right: ['2020-03，"tier": "60"', '2020-03, "tier": "60"'],
    legalBasis: limitRules,
  }),
  FLEXIBLE_BASE_NOT_OFFERED: error('/lines/*/base', {
    title: ['不能自选该缴费基数', 'This base can not be chosen'],
    message: ['该费款所属期可选：{allowed}。', 'In this period there are on offer: {allowed}.'],
    fix: ['{fix}，从可选项中选择。', '{fix}, as one of these.'],
    wrong: '"base": "3000.00"',
    right: '"base": "4227.00"',
    legalBasis: limitRules,
  }),
  FLEXIBLE_MEDICAL_NOT_OFFERED: error('/lines/*/medical', {
    title: ['缺少灵活就业人员医疗保险费率', 'The medical rate of flexible workers is missing here'],
    message: [
      '本系统缺少该期灵活就业人员医疗保险费率。',
      'This system lacks the medical rate of flexible workers for this period.',
    ],
    fix: [
      '医疗保险请联系经办机构；其余部分可先将 medical 改为 none 申报。',
      'Ask the agency about medical insurance; to file the rest, set medical to none.',
    ],
    wrong: ['2020-03，"medical": "with-account"', '2020-03, "medical": "with-account"'],
    right: ['2020-03，"medical": "none"', '2020-03, "medical": "none"'],
  }),
} as const

const day = '/lines/*/days/*/date'

const platformEntries = {
  SERVICE_NOT_OFFERED: error('/lines/*/days/*/service', {
    title: ['没有该服务类型的缴费标准', 'There is no tariff for this service'],
    message: [
      '该费款所属期有缴费标准的服务：{allowed}。',
      'Services with a tariff in this period: {allowed}.',
    ],
    fix: ['请选择正确的服务类型，或联系经办机构。', 'Choose one of these, or ask the agency.'],
    wrong: '"service": "taxi"',
    right: '"service": "ride-hailing"',
    legalBasis: platformRules,
  }),
  DAY_OUTSIDE_PERIOD: error(day, {
    title: ['日期不在费款所属期内', 'The day is not in the period'],
    message: [
      '日期必须是 {period} 中的真实日期，且不晚于今天。',
      'The date must be a real day of {period}, not after today.',
    ],
    fix: ['请核对日期，按接单当天填写。', 'Check the date; it is the day of the orders.'],
    wrong: '"date": "2025-09-31"',
    right: '"date": "2025-09-30"',
    legalBasis: platformRules,
  }),
  DAY_DUPLICATE: error(day, {
    title: ['同一天同一服务出现多次', 'A day and service appear more than once'],
    message: [
      '同一人同一天的同一服务只能有一条。',
      'There can be one entry for a person, a day and a service.',
    ],
    fix: ['请把接单数合并为一条。', 'Add up the orders in one entry.'],
    wrong: '[{"date": "2025-07-03", "orders": 5}, {"date": "2025-07-03", "orders": 7}]',
    right: '[{"date": "2025-07-03", "orders": 12}]',
    legalBasis: platformRules,
  }),
} as const

const historyEntries = {
  JOIN_ALREADY_INSURED: warning('/lines/*/change', {
    title: ['上月已参保，不应再次增员', 'Joins, but was there the month before'],
    message: [
      '该参保人（{person}）上期已申报且未减员。',
      'This person ({person}) was insured at the end of the period before.',
    ],
    fix: [
      '若未中断，请把 change 改为 none；若确为重新入职，请保留。',
      'Without a break set change to none; leave it if the person has left and come back.',
    ],
    wrong: '"change": "join"',
    right: '"change": "none"',
    legalBasis: filingRules,
  }),
  LEAVE_NOT_INSURED: warning('/lines/*/change', {
    title: ['上月未参保，不应减员', 'Leaves, but was not there the month before'],
    message: [
      '该参保人（{person}）上期未在保（未申报或已减员）。',
      'This person ({person}) was not insured at the end of the period before (not declared, or declared as leaving).',
    ],
    fix: [
      '请核对证件号码；当月入职又离职的可保留。',
      'Check the number; leave it if the person came and left this month.',
    ],
    wrong: ['上期未申报，"change": "leave"', 'Not declared before, "change": "leave"'],
    right: ['上期已申报，"change": "leave"', 'Declared before, "change": "leave"'],
    legalBasis: filingRules,
  }),
  JOIN_NOT_DECLARED: hint('/lines/*/change', {
    title: ['新增人员未标明增员', 'New, but not declared as joining'],
    message: [
      '该参保人（{person}）上期未在保（未申报或已减员），本月未标明增员。',
      'This person ({person}) was not insured at the end of the period before (not declared, or declared as leaving) and does not join now.',
    ],
    fix: ['若为新入职，请把 change 改为 join。', 'If the person is new, set change to join.'],
    wrong: '"change": "none"',
    right: '"change": "join"',
    legalBasis: filingRules,
  }),
} as const

export const lineEntries = {
  ...personEntries,
  ...wageEntries,
  ...flexibleEntries,
  ...platformEntries,
  ...historyEntries,
} as const
