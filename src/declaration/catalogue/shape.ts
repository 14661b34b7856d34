/** Faults of shape: what no rule can be checked on. */
import { error, filingRules } from './entry.ts'

export const shapeEntries = {
  BODY_NOT_OBJECT: error('', {
    title: ['申报内容不是一个 JSON 对象', 'The declaration is not a JSON object'],
    message: ['申报内容必须是一个 JSON 对象。', 'A declaration must be one JSON object.'],
    fix: ['请按接口文档的格式发送申报。', 'Send the declaration in the documented format.'],
    wrong: '[{"employer": "91350100M000100Y43"}]',
    right: '{"employer": "91350100M000100Y43", …}',
  }),
  FIELD_MISSING: error('/*', {
    title: ['缺少必填项', 'A required field is missing'],
    message: ['缺少必填项 {field}。', 'The required field {field} is missing.'],
    fix: ['请填写该项后重新申报。', 'Fill in the field and file again.'],
    wrong: '{"category": "employee", "change": "none"}',
    right: '{"category": "employee", "change": "none", "wage": "6500.00"}',
    legalBasis: filingRules,
  }),
  FIELD_UNKNOWN: error('/*', {
    title: ['存在不认识的字段', 'A field is not known'],
    message: [
      '此处有系统不认识的字段。',
      'There is a field here that a declaration does not have.',
    ],
    fix: [
      '请核对字段名称的拼写和大小写，或删除该字段。',
      'Check the spelling and capitals of its name, or remove it.',
    ],
    wrong: '"Wage": "6500.00"',
    right: '"wage": "6500.00"',
  }),
  FIELD_TYPE: error('/*', {
    title: ['数据类型不正确', 'The value has the wrong type'],
    message: ['此项必须是{expected}。', 'This must be {expected}.'],
    fix: [
      '请改为要求的类型；金额、证件号码等要加引号作为文本发送。',
      'Send the required type; amounts and identity numbers are text, in quotes.',
    ],
    wrong: '"wage": 6500',
    right: '"wage": "6500.00"',
  }),
  FIELD_FORMAT: error('/*', {
    title: ['格式不正确', 'The value is not well-formed'],
    message: ['此项应为{format}。', 'This must be {format}.'],
    fix: [
      '请按要求的格式填写，去掉多余的符号和空格。',
      'Write it in this form, without other signs or spaces.',
    ],
    wrong: ['"wage": "6,500.00元"', '"wage": "6,500.00 yuan"'],
    right: '"wage": "6500.00"',
  }),
  VALUE_NOT_ALLOWED: error('/*', {
    title: ['取值不在允许范围内', 'The value is not one of those allowed'],
    message: ['此项只能是：{allowed}。', 'This must be one of: {allowed}.'],
    fix: ['请从允许的取值中选择一个。', 'Choose one of the values allowed.'],
    wrong: '"kind": "normal"',
    right: '"kind": "regular"',
  }),
  NUMBER_OUT_OF_RANGE: error('/*', {
    title: ['数值超出范围', 'The number is out of range'],
    message: [
      '此项必须是 {min} 到 {max} 之间的整数。',
      'This must be a whole number from {min} to {max}.',
    ],
    fix: ['请核对后填写范围内的数值。', 'Check it and give a number within the range.'],
    wrong: '"industryClass": 9',
    right: '"industryClass": 1',
  }),
  TEXT_EMPTY: error('/*', {
    title: ['此项不能为空', 'The text is empty'],
    message: ['此项不能为空。', 'This must not be empty.'],
    fix: ['请填写该项。', 'Fill it in.'],
    wrong: '"name": ""',
    right: '"name": "王伟"',
  }),
  TEXT_CHARACTERS: error('/*', {
    title: ['含有看不见或损坏的字符', 'It has a character that is not seen, or a broken one'],
    message: [
      '第 {position} 个字符是 {character}，看不见或已损坏。',
      'Character {position} is {character}, which is not seen or broken.',
    ],
    fix: [
      '请删除该字符；看不见时，请删去整项后用键盘重新输入，不要粘贴。',
      'Remove it. Where nothing is seen, delete all of it and type it again instead of pasting.',
    ],
    wrong: '"wage": "6500.00\\u200b"',
    right: '"wage": "6500.00"',
  }),
  TEXT_PLACEHOLDER: error('/*', {
    title: ['此项没有内容，只有占位的字样', 'A program wrote that there is nothing'],
    message: [
      '此项是程序在没有内容时写下的字样或符号（如 NULL、#N/A、-），不是内容。',
      'This is what programs write where they have nothing, such as NULL, #N/A or -.',
    ],
    fix: [
      '请填写实际内容；没有时请检查导出它的程序或公式。',
      'Fill in the value; where there is none, look at the program or the formula that wrote it.',
    ],
    wrong: '"wage": "#N/A"',
    right: '"wage": "6500.00"',
  }),
  TEXT_TOO_LONG: error('/*', {
    title: ['文本过长', 'The text is too long'],
    message: ['此项最多 {max} 个字符。', 'This may have at most {max} characters.'],
    fix: [
      '请核对是否填错内容，并缩短到允许的长度。',
      'Check that it is the right value and shorten it.',
    ],
    wrong: ['"name": "王伟，安徽省合肥市……"', '"name": "王伟, of Hefei, Anhui, …"'],
    right: '"name": "王伟"',
  }),
  LIST_TOO_SHORT: error('/*', {
    title: ['列表过短', 'The list is too short'],
    message: ['此项至少要有 {min} 条。', 'This list is too short: it needs {min} or more.'],
    fix: ['请添加内容，或删除整行明细。', 'Add an entry, or remove the whole line.'],
    wrong: '"days": []',
    right: '"days": [{"date": "2025-07-03", "service": "ride-hailing", "orders": 12}]',
  }),
  LIST_TOO_LONG: error('/*', {
    title: ['列表过长', 'The list is too long'],
    message: [
      '此项最多 {max} 条；其后的未校验。',
      'This may have at most {max} entries; those after them were not checked.',
    ],
    fix: ['请按天汇总，删除重复的条目。', 'Sum up by day and remove repeated entries.'],
    wrong: ['"days": [ 101 条 ]', '"days": [ 101 entries ]'],
    right: ['"days": [ 31 条 ]', '"days": [ 31 entries ]'],
  }),
  LINES_TOO_MANY: error('/lines', {
    title: ['明细行数过多', 'There are too many lines'],
    message: [
      '一份申报最多 {max} 行明细；其后的行未校验。',
      'A declaration may have at most {max} lines; those after them were not checked.',
    ],
    fix: [
      '请用 CSV 或 XLSX 文件上传，勿拆成多份：后一份会替换前一份。',
      'Send them as a CSV or XLSX file; never split them, as the second declaration would replace the first.',
    ],
    wrong: ['"lines": [ 12,000 行 ]', '"lines": [ 12,000 lines ]'],
    right: ['"lines": [ 10,000 行 ]', '"lines": [ 10,000 lines ]'],
  }),
} as const
