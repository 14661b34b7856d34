/**
 * Findings of an amendment: which batch it amends, and which rows it has.
 */
import { error, warning } from '../../declaration/catalogue/entry.ts'

const file = '/file'
const row = '/rows/*'

export const amendmentEntries = {
  AMENDED_UNKNOWN: error(file, {
    title: ['找不到要改正的批次', 'The batch to amend is not there'],
    message: [
      '文件要改正的批次不存在、不是您上传的，或与文件表头中写明的批次不同。',
      'The batch that this file amends is not there, was sent by somebody else, or is not the one that its header names.',
    ],
    fix: [
      '请重新下载该批次的错误清单，在其中改正后上传，不要修改“原行号”一列的标题。',
      'Fetch the errors file of that batch again, mend the rows there, leave the title over the original row numbers as it is, and send it.',
    ],
    wrong: ['把另一批次的表头复制过来', 'The header of another batch'],
    right: [
      '原行号（批次 …），与下载时相同',
      '原行号（批次 …） (the row number), as it was downloaded',
    ],
  }),
  AMENDED_WHOLE: error(file, {
    title: ['须上传完整的原文件', 'The whole original file is needed'],
    message: [
      '该批次要求全部正确才申报（all-or-nothing），没有搁置的行，错误清单不能单独申报。',
      'That batch was to be filed as a whole or not at all: none of its rows were set aside, and these rows alone can not be filed.',
    ],
    fix: [
      '请在原文件中改正这些行，重新上传整个文件；或以 accept-good 方式上传原文件，以后只需上传改正的行。',
      'Mend these rows in the original file and send all of it; or send it with mode accept-good, and from then on the mended rows alone.',
    ],
    wrong: ['错误清单.xlsx', 'errors.xlsx'],
    right: ['改正后的原文件.xlsx', 'original-file-mended.xlsx'],
  }),
  AMENDED_CHECK: error(file, {
    title: ['原文件只作了检查，没有申报', 'The first file was only checked'],
    message: [
      '该批次只作检查（check），没有申报任何内容，其错误清单中的行没有可以合并的申报。',
      'That batch was only checked (mode check): nothing of it was filed that these rows could be merged with.',
    ],
    fix: [
      '请在原文件中改正这些行，以 all-or-nothing 或 accept-good 方式上传整个文件。',
      'Mend these rows in the original file, and send all of it with mode all-or-nothing or accept-good.',
    ],
    wrong: ['检查所得的错误清单.csv', 'errors-of-a-check.csv'],
    right: ['改正后的原文件.csv', 'original-file-mended.csv'],
  }),
  AMENDED_OTHERWISE: error(file, {
    title: ['与原文件的所属期、统筹区或单位不同', 'Sent for another period, region or employer'],
    message: [
      '该文件上传时填写的所属期、统筹区或单位与被改正的批次不同。',
      'The period, region or employer that this file was sent for is not that of the batch it amends.',
    ],
    fix: [
      '请用与原文件相同的所属期、统筹区和单位（或同样不填单位）上传。',
      'Send it for the same period, region and employer as the first file; without an employer, if that had none.',
    ],
    wrong: '2025-09',
    right: ['2025-08，与原文件相同', '2025-08, as in the original file'],
  }),
  AMENDED_ROWS_UNKNOWN: error(file, {
    title: ['没有“原行号”一列', 'The column of original row numbers is missing'],
    message: [
      '要改正某批次的文件须有“原行号”一列，才能知道改正的是哪些行；NDJSON 文件中的申报没有行可以改正。',
      'A file that amends a batch needs the column of original row numbers: without it, which rows it mends is not known. Declarations of NDJSON have no such rows.',
    ],
    fix: [
      '请在下载的错误清单（CSV 或 XLSX）中改正，并保留“原行号”一列；NDJSON 中改正的申报请作为单独的文件上传，不写 amends。',
      'Mend the rows in the errors file itself (CSV or XLSX), and keep its column of row numbers. Send mended declarations of NDJSON as a file of their own, without amends.',
    ],
    wrong: '姓名,证件号码,申报工资',
    right: '姓名,证件号码,申报工资,原行号',
  }),
  AMENDED_FORGOTTEN: error(file, {
    title: ['待改正的行已删除', 'The rows to be mended are deleted'],
    message: [
      '被改正的批次结束已超过 90 天，被搁置的行已删除，无法再与其合并。',
      'The batch that this file amends ended more than 90 days ago: the rows that were set aside are deleted, and can not be merged any more.',
    ],
    fix: [
      '请将该单位的全部行以“更正”（correction）方式作为新文件上传；没有申报过的单位用“正常”（regular）。',
      'Send all rows of each employer as a new file: as a correction, or as regular where nothing was filed of it.',
    ],
    wrong: ['一百天后上传错误清单', 'The list of errors, sent after a hundred days'],
    right: [
      '九十天内上传；之后上传该单位的全部行',
      'Sent within ninety days; later, all rows of that employer',
    ],
  }),
  AMENDED_LATE: warning(file, {
    title: ['改正的行按本次接收时间计算', 'The mended rows count from now'],
    message: [
      '距原文件接收已超过七天，改正的行以本文件的接收时间判断是否逾期。',
      'More than seven days have passed since the first file came: whether these rows are on time is decided by when this file came.',
    ],
    fix: [
      '以后请在原文件接收后七天内上传改正的行。',
      'Send mended rows within seven days after the first file.',
    ],
    wrong: ['第十天上传', 'Sent on the tenth day'],
    right: ['七天内上传', 'Sent within seven days'],
  }),
  ROW_NOT_SET_ASIDE: error(row, {
    title: ['不是待改正的行', 'Not a row that waits to be mended'],
    message: [
      '第 {row} 行的原行号“{position}”为空、重复，或该行没有被退回、已经改正并申报。',
      'Row {row}: its original row number "{position}" is blank or there twice, or that row was never set aside, or has been mended and filed already.',
    ],
    fix: [
      '请删去这一行。要增加人员或更改已申报的内容，请改原文件并以“更正”（correction）方式上传该单位的全部行。',
      'Leave it out. To add persons, or to change what was filed, change the original file and send all rows of that employer as a correction.',
    ],
    wrong: ['在错误清单中添加的新人员', 'A person added to the list of errors'],
    right: ['错误清单中原有的行', 'Rows that the list of errors had'],
  }),
  PERSON_FILED: error(row, {
    title: ['该人员已经申报', 'The person was filed already'],
    message: [
      '第 {row} 行的人员（{person}）在该单位本统筹区、本所属期已申报的内容中，姓名或内容可能不同。',
      'Row {row}: the person {person} is in what was filed of this employer, period and region, perhaps with another name or wage.',
    ],
    fix: [
      '请核对证件号码；确为同一人的，请删去这一行，或改原文件并以“更正”（correction）方式上传该单位的全部行。',
      'Check the number. If it is the same person, leave the row out, or change the original file and send all rows of that employer as a correction.',
    ],
    wrong: ['同一人出现两次', 'A person who is there twice'],
    right: ['每人一次', 'Each person once'],
  }),
  KEPT_LINE_FAILS: error(row, {
    title: ['已申报的内容不再符合规则', 'What was filed no longer passes'],
    message: [
      '第 {row} 行须与该单位已申报的内容合并，其中有人员按现行规则不再通过核验。',
      'Row {row} is to be merged with what was filed of its employer, and a line of that does not pass the rules any more.',
    ],
    fix: [
      '请改原文件，以“更正”（correction）方式上传该单位的全部行，按提示改正。',
      'Change the original file, send all rows of that employer as a correction, and mend what is told then.',
    ],
    wrong: ['规则变更后只上传改正的行', 'After a change of rules, the mended rows alone'],
    right: [
      '上传该单位的全部行，类型为 correction',
      'All rows of that employer, with kind correction',
    ],
  }),
} as const
