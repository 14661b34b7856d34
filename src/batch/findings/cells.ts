/**
 * Findings of a row or a cell that the declaration's own catalogue lacks.
 */
import { error, identityRules, warning } from '../../declaration/catalogue/entry.ts'

const row = '/rows/*'
const cell = '/rows/*/*'

export const cellEntries = {
  ROW_EMPLOYER_NOT_YOURS: error(row, {
    title: ['无权为该单位申报', 'Not an employer that you may file for'],
    message: [
      '第 {row} 行的单位不在您的授权范围内。',
      'Row {row} is of an employer that you may not file for.',
    ],
    fix: [
      '请取得该单位授权，或删去这些行后重新上传。',
      'Ask that employer for its authority, or send the file without its rows.',
    ],
    wrong: ['未授权的单位', 'An employer that you may not file for'],
    right: ['已授权的单位', 'An employer that you may file for'],
  }),
  ROW_REGION_NOT_YOURS: error(row, {
    title: ['无权为该统筹区申报', 'Not a region that you may file for'],
    message: [
      '第 {row} 行的统筹区不在您的授权范围内。',
      'Row {row} is for a region that you may not file for.',
    ],
    fix: [
      '请核对统筹区代码，或取得包含该统筹区的授权后重新上传。',
      'Check the code of the region, or get a token that names it and send the rows again.',
    ],
    wrong: ['未授权的统筹区', 'A region that you may not file for'],
    right: ['已授权的统筹区', 'A region that you may file for'],
  }),
  ROWS_ALONE: error(row, {
    title: ['只报这些行会替换已申报的内容', 'These rows alone would replace what was filed'],
    message: [
      '第 {row} 行来自错误清单，但表头没有写明批次，而该单位本所属期已有申报；只申报清单中的行会替换其全部内容。',
      'Row {row} is of an errors file whose header names no batch, and its employer has filed for this period; these rows alone would replace all of it.',
    ],
    fix: [
      '请在重新下载的错误清单中改正并上传，或上传时填写 amends（批次编号）。',
      'Fetch the errors file again, mend the rows there and send it; or say which batch it amends (amends).',
    ],
    wrong: ['原行号', '原行号 (the row number) without its batch'],
    right: [
      '原行号（批次 …），与下载时相同',
      '原行号（批次 …） (the row number), as it was downloaded',
    ],
  }),
  HEADER_DIFFERS: error(row, {
    title: ['同一单位的信息不一致', 'Rows of one employer differ'],
    message: [
      '第 {row} 行的统筹区、行业类别、浮动费率或单位基数与该单位前面的行不同。',
      'Row {row} has another region, industry class, float or unit base than the rows before it of the same employer.',
    ],
    fix: [
      '请使同一单位、同一所属期的各行一致。',
      'Write the same in all rows of one employer and period.',
    ],
    wrong: ['行业类别 1，行业类别 3', 'Industry class 1, industry class 3'],
    right: ['行业类别 1，行业类别 1', 'Industry class 1, industry class 1'],
  }),
  ROW_IS_EXAMPLE: error(row, {
    title: ['模板的示例行未删除', 'An example row of the template was not removed'],
    message: [
      '第 {row} 行是模板中的示例，其中的人员是虚构的，未申报。',
      'Row {row} is an example of the template: its person is fictional, and nothing of it was filed.',
    ],
    fix: [
      '请删除示例行，填写本单位人员后重新上传。',
      'Remove the example rows, fill in your own persons and send the file again.',
    ],
    wrong: '示例甲,居民身份证,110100…',
    right: ['本单位人员的姓名和证件号码', "Names and numbers of the employer's own persons"],
  }),
  ROW_CELLS_TOO_MANY: error(row, {
    title: ['该行的单元格比表头多', 'The row has more cells than the header'],
    message: [
      '第 {row} 行有 {count} 个单元格，表头只有 {max} 列，内容可能错位。',
      'Row {row} has {count} cells, the header {max}; its values may have moved.',
    ],
    fix: [
      '请检查是否有未加引号的逗号，如 6,500.00 应写为 6500.00。',
      'Look for a comma without quotation marks: write 6500.00, not 6,500.00.',
    ],
    wrong: '王伟,110105…,6,500.00',
    right: '王伟,110105…,6500.00',
  }),
  CELL_INVISIBLE: warning(cell, {
    title: ['单元格中有看不见的字符，已去掉', 'A character that is not seen was taken off'],
    message: [
      '第 {row} 行 {column} 列的第 {position} 个字符是看不见的 {character}，读取时已去掉。',
      'In row {row}, column {column}, character {position} is {character}, which is not seen; it was taken off.',
    ],
    fix: [
      '无需修改，请核对该格的内容；它多是从聊天或网页复制来的。',
      'Nothing needs to be done but to look at the cell: it was copied from a chat or a page, most likely.',
    ],
    wrong: '王\\u200b伟',
    right: '王伟',
  }),
  NUMBER_LOST_DIGITS: error(cell, {
    title: [
      '号码被存为数字，末几位已丢失',
      'The number was stored as a number and lost its last digits',
    ],
    message: [
      '第 {row} 行 {column} 列的号码被表格软件存为数字，只保留前 15 位，末几位已变成 0。',
      'In row {row}, column {column} the spreadsheet stored the number as a number: only 15 digits are kept, the last ones are gone.',
    ],
    fix: [
      '请先把该列设为“文本”格式，再对照证件重新输入号码（只改格式不能恢复）。',
      'Set the column to the format Text, then type the numbers again from the documents; the format alone does not bring them back.',
    ],
    wrong: '1.10105E+17',
    right: '11010519491231002X',
    legalBasis: identityRules,
  }),
  POSITION_INVALID: error(cell, {
    title: ['原行号被改动', 'The original row number was changed'],
    message: [
      '第 {row} 行 {column} 列应是错误文件中给出的行号。',
      'Row {row}, column {column} must be the row number that the errors file gave.',
    ],
    fix: [
      '请恢复该列原来的数字，或重新下载错误文件。',
      'Restore the number, or fetch the errors file again.',
    ],
    wrong: ['第三行', 'third'],
    right: '3',
  }),
} as const
