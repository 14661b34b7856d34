/**
 * Findings of the header, and notices of rows that are not lines.
 */
import { error, hint, warning } from '../../declaration/catalogue/entry.ts'

const file = '/file'
const row = '/rows/*'

export const headerRowEntries = {
  HEADER_NOT_FOUND: error(file, {
    title: ['没有找到表头', 'No header was found'],
    message: [
      '前 {max} 行中没有可识别的表头。需要的列：{required}。',
      'No known header is among the first {max} rows. Columns needed: {required}.',
    ],
    fix: [
      '请使用模板，或在明细上方加一行列名，如：姓名、证件号码、申报工资。列名用中文或英文。',
      'Use the template, or put a row of names above the data, such as name, idNumber, wage; in Chinese or English.',
    ],
    wrong: ['第一行就是明细', 'The first row is a line'],
    right: '姓名,证件号码,申报工资',
  }),
  COLUMNS_READ: hint('/columns/*', {
    title: ['读取了哪些列', 'Which columns were read'],
    message: [
      '表头在第 {row} 行。读取的列：{read}。未读取的列：{others}。',
      'The header is in row {row}. Columns read: {read}. Not read: {others}.',
    ],
    fix: [
      '请核对；某列含义不符或应读取而未读取时，请改用模板中的列名。',
      'Look it over; where a column means something else, or should be read and is not, give it the title that the template has.',
    ],
    wrong: ['奖金列写作“工资”', 'A column of bonuses with the title 工资 (wage)'],
    right: ['A（姓名）→ 姓名，C（工资）→ 申报工资', 'A (姓名) → name, C (工资) → declared wage'],
  }),
  COLUMN_MISSING: error(file, {
    title: ['缺少必需的列', 'A column is missing'],
    message: ['表头（第 {row} 行）缺少：{columns}。', 'The header (row {row}) lacks: {columns}.'],
    fix: [
      '请补上该列，或改用接受的列名：{titles}。单位、所属期、统筹区也可以在上传时为整个文件填写。',
      'Add the column, or give it a title that is accepted: {titles}. Employer, period and region can also be given for the whole file.',
    ],
    wrong: '姓名,证件号码',
    right: '姓名,证件号码,申报工资',
  }),
  COLUMN_DUPLICATE: error(file, {
    title: ['同一列出现两次', 'A column appears twice'],
    message: [
      '{column} 列与 {other} 列是同一内容。',
      'Column {column} means the same as column {other}.',
    ],
    fix: ['请删除或改名其中一列。', 'Remove one of them, or give it another name.'],
    wrong: '申报工资,缴费工资',
    right: '申报工资',
  }),
  COLUMN_UNKNOWN: hint('/columns/*', {
    title: ['有不认识的列，未读取', 'A column is not known and was not read'],
    message: ['{column} 列未读取。', 'Column {column} was not read.'],
    fix: [
      '若该列需要申报，请改用模板中的列名；否则不需处理。',
      'If it is to be filed, give it the name that the template has; else nothing is to be done.',
    ],
    wrong: '手机号码',
    right: '姓名,证件号码,申报工资',
  }),
  COLUMN_AMBIGUOUS: warning('/columns/*', {
    title: ['列的含义不确定，未读取', 'The meaning of a column is not certain; it was not read'],
    message: [
      '{column} 列可能是“{title}”，也可能不是，未读取。',
      'Column {column} may be the column {title}, or may not; it was not read.',
    ],
    fix: [
      '若就是要申报的内容，请把列名改为“{title}”后重新上传；否则不需处理。',
      'If it is what is to be filed, give it the title {title} and send the file again; else nothing is to be done.',
    ],
    wrong: '应发合计',
    right: '申报工资',
  }),
  HEADER_CHANGES: error(file, {
    title: ['中间又有一个不同的表头', 'Another header follows in the middle'],
    message: [
      '第 {row} 行是另一个表头，列的顺序或内容与前面不同；其后的行未读取。',
      'Row {row} is another header with other columns; from there on nothing was read.',
    ],
    fix: [
      '文件像是由几个表拼接而成：请统一列的顺序，或分成几个文件。',
      'It looks joined from several tables: bring their columns in one order, or send several files.',
    ],
    wrong: ['第二个表的列顺序不同', 'A second table with its columns in another order'],
    right: ['全表一个表头', 'One header for the whole table'],
  }),
  HEADER_REPEATED: warning(row, {
    title: ['表头重复出现', 'The header is repeated'],
    message: ['第 {row} 行是重复的表头，已跳过。', 'Row {row} repeats the header and was skipped.'],
    fix: ['不需处理；建议删除该行。', 'Nothing is to be done; better remove the row.'],
    wrong: ['每页一个表头', 'A header on each page'],
    right: ['全表一个表头', 'One header for the whole table'],
  }),
  TOTALS_SKIPPED: hint(row, {
    title: ['合计行已跳过', 'A row of totals was skipped'],
    message: [
      '第 {row} 行是合计，未作为明细。',
      'Row {row} is a total and was not read as a line.',
    ],
    fix: ['不需处理。', 'Nothing is to be done.'],
    wrong: '合计,,,52000.00',
    right: '合计,,,52000.00',
  }),
  NOTE_SKIPPED: hint(row, {
    title: ['说明行已跳过', 'A row of notes was skipped'],
    message: [
      '第 {row} 行是说明或签章，未作为明细。',
      'Row {row} is a note and was not read as a line.',
    ],
    fix: ['不需处理。', 'Nothing is to be done.'],
    wrong: '填表人：',
    right: '填表人：',
  }),
} as const
