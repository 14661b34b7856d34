/**
 * The catalogue of findings: for each code what a filer is told, in Chinese and English, and how to
 * fix it. Written for an employer's clerk. {Placeholders} are filled in with limits, line numbers
 * and the like, never with what was filed about a person.
 */
export type Text = { readonly 'zh-CN': string; readonly en: string }

/** An error refuses the declaration; a warning or a hint does not. */
export type Severity = 'error' | 'warning' | 'hint'

export type CatalogueEntry = {
  readonly severity: Severity
  readonly title: Text
  readonly message: Text
  readonly fix: Text
  readonly legalBasis?: string
}

type Pair = readonly [zh: string, en: string]

const text = ([zh, en]: Pair): Text => ({ 'zh-CN': zh, en })

const entry =
  (severity: Severity) =>
  (title: Pair, message: Pair, fix: Pair, legalBasis?: string): CatalogueEntry => ({
    severity,
    title: text(title),
    message: text(message),
    fix: text(fix),
    ...(legalBasis === undefined ? {} : { legalBasis }),
  })

const error = entry('error')
const warning = entry('warning')

/** What a unit's monthly declaration consists of. */
const filingRules = '《社会保险费申报缴纳管理规定》（人力资源和社会保障部令第20号）第四条'
/** A person's social-security number is the citizen's identity number. */
const identityRules = '《中华人民共和国社会保险法》第五十八条；GB 11643-1999'
const codeRules = 'GB 32100-2015'

export const catalogue = {
  // The shape of the declaration.
  BODY_NOT_OBJECT: error(
    ['申报内容不是一个 JSON 对象', 'The declaration is not a JSON object'],
    ['申报内容必须是一个 JSON 对象。', 'A declaration must be one JSON object.'],
    ['请按接口文档的格式发送申报。', 'Send the declaration in the documented format.'],
  ),
  FIELD_MISSING: error(
    ['缺少必填项', 'A required field is missing'],
    ['缺少必填项 {field}。', 'The required field {field} is missing.'],
    ['请填写该项后重新申报。', 'Fill in the field and file again.'],
    filingRules,
  ),
  FIELD_UNKNOWN: error(
    ['存在不认识的字段', 'A field is not known'],
    ['此处有系统不认识的字段。', 'There is a field here that a declaration does not have.'],
    [
      '请核对字段名称的拼写和大小写，或删除该字段。',
      'Check the spelling and capitals of its name, or remove it.',
    ],
  ),
  FIELD_TYPE: error(
    ['数据类型不正确', 'The value has the wrong type'],
    ['此项必须是{expected}。', 'This must be {expected}.'],
    [
      '请改为要求的类型；金额、证件号码等要加引号作为文本发送。',
      'Send the required type; amounts and identity numbers are text, in quotes.',
    ],
  ),
  FIELD_FORMAT: error(
    ['格式不正确', 'The value is not well-formed'],
    ['此项应为{format}。', 'This must be {format}.'],
    [
      '请按要求的格式填写，去掉多余的符号和空格。',
      'Write it in this form, without other signs or spaces.',
    ],
  ),
  VALUE_NOT_ALLOWED: error(
    ['取值不在允许范围内', 'The value is not one of those allowed'],
    ['此项只能是：{allowed}。', 'This must be one of: {allowed}.'],
    ['请从允许的取值中选择一个。', 'Choose one of the values allowed.'],
  ),
  NUMBER_OUT_OF_RANGE: error(
    ['数值超出范围', 'The number is out of range'],
    ['此项必须是 {min} 到 {max} 之间的整数。', 'This must be a whole number from {min} to {max}.'],
    ['请核对后填写范围内的数值。', 'Check it and give a number within the range.'],
  ),
  TEXT_EMPTY: error(
    ['此项不能为空', 'The text is empty'],
    ['此项不能为空。', 'This must not be empty.'],
    ['请填写该项。', 'Fill it in.'],
  ),
  TEXT_TOO_LONG: error(
    ['文本过长', 'The text is too long'],
    ['此项最多 {max} 个字符。', 'This may have at most {max} characters.'],
    [
      '请核对是否填错内容，并缩短到允许的长度。',
      'Check that it is the right value and shorten it.',
    ],
  ),
  LINES_TOO_MANY: error(
    ['明细行数过多', 'There are too many lines'],
    [
      '一份申报最多 {max} 行明细；其后的行未校验。',
      'A declaration may have at most {max} lines; those after them were not checked.',
    ],
    ['请联系经办机构，改用批量文件申报。', 'Ask the agency about filing by batch file.'],
  ),

  // The header.
  USCC_LENGTH: error(
    ['统一社会信用代码位数不正确', 'The social credit code has the wrong length'],
    ['统一社会信用代码应为 18 位。', 'A unified social credit code has 18 characters.'],
    ['请对照营业执照或登记证书填写。', 'Copy it from the business licence or certificate.'],
    codeRules,
  ),
  USCC_CHARACTERS: error(
    ['统一社会信用代码含有不允许的字符', 'The social credit code has characters it can not have'],
    [
      '统一社会信用代码只含数字和大写字母，不含 I、O、S、V、Z。',
      'A unified social credit code has digits and capital letters, without I, O, S, V and Z.',
    ],
    [
      '请对照营业执照核对，注意 0 与 O、1 与 I、2 与 Z、5 与 S。',
      'Compare it with the licence: mind 0 and O, 1 and I, 2 and Z, 5 and S.',
    ],
    codeRules,
  ),
  USCC_CHECK_CHARACTER: error(
    ['统一社会信用代码校验位不正确', 'The social credit code fails its check character'],
    [
      '统一社会信用代码的校验位不符，可能有一位写错或两位颠倒。',
      'The last character does not fit the rest: one is wrong, or two have changed places.',
    ],
    ['请对照营业执照或登记证书逐位核对。', 'Compare it with the licence, character by character.'],
    codeRules,
  ),
  REGION_UNKNOWN: error(
    ['不受理该地区的申报', 'This region is not served'],
    ['本系统受理的地区：{regions}。', 'The regions served are: {regions}.'],
    [
      '请核对参保地区代码，或向参保地经办机构申报。',
      'Check the region code, or file with the agency of that region.',
    ],
  ),
  PERIOD_IN_FUTURE: error(
    ['费款所属期尚未开始', 'The period has not begun'],
    [
      '当前月份为 {current}，不能申报以后的月份。',
      'It is {current} now; a later month can not be filed yet.',
    ],
    ['请核对费款所属期，或在该月开始后申报。', 'Check the period, or file once it has begun.'],
  ),
  PERIOD_BEFORE_PACK: error(
    ['费款所属期过早', 'The period is too early'],
    [
      '系统的政策数据从 {first} 起，不能申报更早的月份。',
      'The policy data begin with {first}; an earlier month can not be filed here.',
    ],
    [
      '请核对费款所属期；补缴更早的费款请联系经办机构。',
      'Check the period; for arrears of earlier months ask the agency.',
    ],
  ),
  PERIOD_CLOSED: error(
    ['该费款所属期已截止申报', 'Filing for this period has closed'],
    ['该费款所属期的申报已于 {deadline} 截止。', 'Filing for this period closed at {deadline}.'],
    ['请联系经办机构办理补报。', 'Ask the agency about filing late.'],
  ),
  REPLACES_MISSING: error(
    ['未指明被替换的申报', 'The declaration to replace is not named'],
    [
      '更正或作废必须用 replaces 指明原申报的编号。',
      'A correction or cancellation must name in replaces what it replaces.',
    ],
    ['请填写原申报回执上的编号。', 'Give the id from the receipt of that declaration.'],
  ),
  REPLACES_NOT_ALLOWED: error(
    ['正常申报不能替换其他申报', 'A regular declaration replaces nothing'],
    [
      '正常申报不能填写 replaces。',
      'A declaration of kind regular must not have the field replaces.',
    ],
    [
      '如需更正，请把 kind 改为 correction；否则删除 replaces。',
      'To correct, set kind to correction; otherwise remove replaces.',
    ],
  ),
  REPLACES_OTHER_PERIOD: error(
    ['被替换的申报属于其他月份', 'The replaced declaration is of another period'],
    [
      '被替换申报的编号与本申报的费款所属期不一致。',
      'The id in replaces belongs to another period than this declaration.',
    ],
    ['请核对费款所属期和原申报编号。', 'Check the period and the id.'],
  ),
  LINES_MISSING: error(
    ['没有参保人明细', 'There are no lines'],
    [
      '正常申报和更正至少要有一行明细。',
      'A regular declaration or correction needs at least one line.',
    ],
    [
      '请添加参保人明细；如需作废整月申报，请把 kind 改为 cancellation。',
      'Add the insured persons; to void the whole period, set kind to cancellation.',
    ],
    filingRules,
  ),
  LINES_NOT_ALLOWED: error(
    ['作废申报不能有明细', 'A cancellation has no lines'],
    [
      '作废针对整个费款所属期，不能附带明细。',
      'A cancellation voids the whole period and must not have lines.',
    ],
    [
      '请删除明细；如只改部分人员，请把 kind 改为 correction。',
      'Remove the lines; to change some of them, set kind to correction.',
    ],
  ),

  // A line.
  ID_LENGTH: error(
    ['证件号码位数不正确', 'The identity number has the wrong length'],
    ['证件号码应为 18 位。', 'An identity number has 18 characters.'],
    [
      '请对照证件填写完整号码；15 位旧号码请换成 18 位。',
      'Copy it whole from the document; replace an old one of 15 digits.',
    ],
    identityRules,
  ),
  ID_CHARACTERS: error(
    ['证件号码含有不允许的字符', 'The identity number has characters it can not have'],
    [
      '证件号码前 17 位应为数字，最后一位为数字或 X。',
      'The first 17 characters are digits, the last one is a digit or X.',
    ],
    [
      '请对照证件核对，去掉空格等多余字符。',
      'Compare it with the document and remove anything else.',
    ],
    identityRules,
  ),
  ID_REGION: error(
    ['证件号码开头与证件类型不符', 'The identity number does not begin as its type does'],
    [
      '证件号码的开头不是该类证件的代码：居民身份证以省份代码开头，港澳台居民居住证以 81、82、83 开头，外国人永久居留身份证以 9 开头。',
      'Numbers of this type begin otherwise: resident IDs with a province, residence permits of Hong Kong, Macao and Taiwan residents with 81, 82 or 83, permanent residence cards of foreigners with 9.',
    ],
    ['请对照证件核对号码和证件类型。', 'Compare number and type with the document.'],
    identityRules,
  ),
  ID_TYPE_PERMIT: error(
    ['这是港澳台居民居住证号码', 'This is the number of a residence permit'],
    [
      '81、82、83 开头的是港澳台居民居住证号码，不是居民身份证号码。',
      'Numbers beginning with 81, 82 or 83 are of residence permits for Hong Kong, Macao and Taiwan residents.',
    ],
    [
      '请把 idType 改为 hk-macao-taiwan-residence-permit。',
      'Set idType to hk-macao-taiwan-residence-permit.',
    ],
    identityRules,
  ),
  ID_BIRTH_DATE: error(
    ['证件号码中的出生日期不正确', 'The birth date in the identity number is wrong'],
    [
      '证件号码第 7 至 14 位不是真实的日期，或晚于今天。',
      'Characters 7 to 14 are not a real date, or one after today.',
    ],
    ['请对照证件核对出生日期。', 'Compare the birth date with the document.'],
    identityRules,
  ),
  ID_CHECK_DIGIT: error(
    ['证件号码校验位不正确', 'The identity number fails its check digit'],
    [
      '证件号码的最后一位不符，可能有一位写错或两位颠倒。',
      'The last character does not fit the rest: one is wrong, or two have changed places.',
    ],
    ['请对照证件逐位核对。', 'Compare it with the document, digit by digit.'],
    identityRules,
  ),
  NAME_CHARACTERS: error(
    ['姓名含有不允许的字符', 'The name has characters it can not have'],
    ['姓名含有控制字符或损坏的字符。', 'The name has control characters or broken ones.'],
    ['请重新输入姓名，不要从其他程序粘贴。', 'Type the name again instead of pasting it.'],
  ),
  NAME_BLANK: error(
    ['姓名为空白', 'The name is blank'],
    ['姓名只有空格。', 'The name has nothing but spaces.'],
    ['请填写证件上的姓名。', 'Give the name as on the document.'],
    filingRules,
  ),
  NAME_SPACES: warning(
    ['姓名前后有空格', 'The name has spaces around it'],
    [
      '姓名开头或结尾有空格，将按原样保存。',
      'The name begins or ends with a space and is kept so.',
    ],
    ['建议去掉姓名前后的空格。', 'Better remove the spaces.'],
  ),
  PERSON_DUPLICATE: error(
    ['同一参保人出现多次', 'A person appears more than once'],
    [
      '第 {line} 行与第 {first} 行是同一参保人。',
      'Line {line} is the same person as line {first}.',
    ],
    [
      '每人每月只能有一行：请删除重复的行，或更正证件号码。',
      'Each person has one line: remove the repeated one, or mend the number.',
    ],
  ),
} as const satisfies Record<string, CatalogueEntry>

export type FindingCode = keyof typeof catalogue
