/**
 * Findings of a cell or a row as such, whatever its meaning.
 */
import { error, hint, warning } from '../../declaration/catalogue/entry.ts'

const row = '/rows/*'
const cell = '/rows/*/*'

export const formatCellEntries = {
  CELL_TOO_LONG: error(cell, {
    title: ['单元格内容过长', 'The cell is too long'],
    message: [
      '第 {row} 行 {column} 列超过 {max} 个字符。',
      'Row {row}, column {column} has more than {max} characters.',
    ],
    fix: ['请核对是否粘贴了其他内容。', 'Check that nothing else was pasted there.'],
    wrong: ['整段说明', 'A whole paragraph'],
    right: '王伟',
  }),
  CELL_ERROR_VALUE: error(cell, {
    title: ['单元格是错误值', 'The cell is an error'],
    message: [
      '第 {row} 行 {column} 列是公式错误（{value}）。',
      'Row {row}, column {column} is a formula error ({value}).',
    ],
    fix: ['请修正公式，或直接填写数值。', 'Mend the formula, or write the value.'],
    wrong: '#REF!',
    right: '6500.00',
  }),
  CELL_FORMULA_EMPTY: error(cell, {
    title: ['公式没有保存结果', 'A formula has no saved result'],
    message: [
      '第 {row} 行 {column} 列是公式，文件中没有它的结果。',
      'Row {row}, column {column} is a formula whose result the file does not have.',
    ],
    fix: [
      '请用表格软件打开并保存一次，或改为数值（选择性粘贴→数值）。',
      'Open and save the file in a spreadsheet, or paste the values in place of formulas.',
    ],
    wrong: ['=D2*1.05（未计算）', '=D2*1.05 (never calculated)'],
    right: '6825.00',
  }),
  CELL_FORMULA: hint(cell, {
    title: ['有公式，已取其结果', 'Formulas were read as their results'],
    message: [
      '有 {count} 个单元格是公式（首个在第 {row} 行 {column} 列），已取文件中保存的结果。',
      '{count} cells are formulas (the first in row {row}, column {column}); their saved results were read.',
    ],
    fix: ['请确认结果正确。', 'Make sure that the results are right.'],
    wrong: '=D2*1.05',
    right: '6825.00',
  }),
  CELLS_MERGED: warning(row, {
    title: ['明细中有合并的单元格', 'There are merged cells among the rows'],
    message: [
      '从第 {row} 行起的区域 {range} 是合并的单元格，只有其左上角有内容。',
      'The cells {range}, from row {row} on, are merged; only the first of them has a value.',
    ],
    fix: [
      '请取消合并，在每一行填写内容。',
      'Unmerge the cells and fill in the value in every row.',
    ],
    wrong: ['同一部门的人员合并了一格', 'One merged cell for all persons of a department'],
    right: ['每行都填写', 'A value in each row'],
  }),
  ROW_HIDDEN: warning(row, {
    title: ['有隐藏的行', 'There are hidden rows'],
    message: [
      '从第 {row} 行起有 {count} 个隐藏（或被筛选掉）的行，已按明细读取。',
      'From row {row} on, {count} rows are hidden or filtered out; they were read as lines.',
    ],
    fix: [
      '若不申报这些人员，请删除隐藏的行后重新上传。',
      'If these persons are not to be filed, remove the hidden rows and send the file again.',
    ],
    wrong: ['筛选后直接保存', 'Saved with a filter on'],
    right: ['取消筛选，删除不申报的行', 'Without a filter, and without rows that are not filed'],
  }),
}
