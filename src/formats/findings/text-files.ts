/**
 * Findings of text files, and of any file's size: encoding, records, rows, columns, lines of JSON.
 */
import { error, hint, warning } from '../../declaration/catalogue/entry.ts'

const file = '/file'

const saveAsUtf8 = [
  '请在表格软件中另存为“CSV UTF-8（逗号分隔）(*.csv)”或 .xlsx，再上传。',
  'Save it as "CSV UTF-8 (comma delimited)" or as .xlsx, and send that.',
] as const

export const textFileEntries = {
  ENCODING_WIDE: error(file, {
    title: ['文件是 UTF-16（Unicode 文本）', 'The file is UTF-16 (Unicode Text)'],
    message: [
      '文件以 UTF-16 编码或含有空字符，系统读取 UTF-8 和 GB18030。',
      'The file is in UTF-16 or has null characters; UTF-8 and GB18030 are read.',
    ],
    fix: saveAsUtf8,
    wrong: ['Unicode 文本 (*.txt)', 'Unicode text (*.txt)'],
    right: 'CSV UTF-8 (*.csv)',
  }),
  ENCODING_GUESSED: warning(file, {
    title: ['文件的编码是推断的', 'The encoding of the file was inferred'],
    message: [
      '文件中的汉字按 GB18030 读取；这些字节也可以是 UTF-8，但读出来不是汉字。',
      'Its names were read as GB18030; the bytes may be UTF-8 too, but are no Chinese then.',
    ],
    fix: [
      '请核对姓名；以后请另存为“CSV UTF-8（逗号分隔）(*.csv)”或 .xlsx，就不必推断。',
      'Look at the names. Saved as "CSV UTF-8 (comma delimited)" or as .xlsx, nothing has to be inferred.',
    ],
    wrong: [
      '只有几个姓名的 GB18030 文件，标题为英文',
      'A GB18030 file of a few names, with English titles',
    ],
    right: 'CSV UTF-8 (*.csv)',
  }),
  NULL_CHARACTERS: error(file, {
    title: ['文件中有空字符，可能没有写完', 'The file has null characters: part of it may be lost'],
    message: [
      '第 {row} 行有空字符（U+0000），从该行起未读取；断电或磁盘故障时未写完的文件会这样。',
      'Row {row} has null characters (U+0000); from there on nothing was read. A file that was not written to its end, as power or disk failed, looks so.',
    ],
    fix: [
      '请从原程序重新导出，核对行数后再上传。',
      'Write it again from the program it comes from, see that all rows are there, and send that.',
    ],
    wrong: ['文件末尾有一段空字符', 'A file with zero bytes at its end'],
    right: ['重新导出的文件', 'The file, exported again'],
  }),
  ENCODING_UNKNOWN: error(file, {
    title: ['无法识别文件编码', 'The encoding of the file is not known'],
    message: [
      '第 {row} 行既不是 UTF-8 也不是 GB18030（GBK）编码。',
      'Row {row} is neither UTF-8 nor GB18030 (GBK).',
    ],
    fix: saveAsUtf8,
    wrong: ['Big5 编码的 CSV', 'A CSV in Big5'],
    right: 'CSV UTF-8 (*.csv)',
  }),
  ENCODING_CHANGES: error(file, {
    title: ['文件的编码前后不一致', 'The encoding changes within the file'],
    message: [
      '第 {row} 行的编码与前面的行不同（前面是 {encoding}），其后的行未读取。',
      'Row {row} has another encoding than the rows before it ({encoding}); from there on nothing was read.',
    ],
    fix: [
      '文件像是由几个文件拼接而成：请把它们在表格软件中合并，另存为 CSV UTF-8 或 .xlsx。',
      'It looks joined from several files: join them in a spreadsheet and save as CSV UTF-8 or .xlsx.',
    ],
    wrong: ['GBK 的文件后面接着 UTF-8 的文件', 'A GBK file with a UTF-8 file behind it'],
    right: ['全部为 UTF-8', 'All of it in UTF-8'],
  }),
  RECORD_TOO_LONG: error(file, {
    title: ['一行过长', 'A row is too long'],
    message: [
      '第 {row} 行超过 {max} KB，其后的行未读取；可能是双引号没有成对。',
      'Row {row} is longer than {max} KB; from there on nothing was read. A quotation mark may lack its partner.',
    ],
    fix: [
      '请检查该行的双引号和换行，或在表格软件中重新保存。',
      'Look at its quotation marks and line breaks, or save the file again from a spreadsheet.',
    ],
    wrong: '"王伟,110105…',
    right: '"王伟",110105…',
  }),
  QUOTE_UNCLOSED: error(file, {
    title: ['双引号没有成对', 'A quotation mark lacks its partner'],
    message: [
      '第 {row} 行的双引号直到文件末尾都没有结束。',
      'A quotation mark in row {row} is not closed until the end of the file.',
    ],
    fix: [
      '请补上或删除该双引号，再上传。',
      'Close the quotation mark or remove it, and send the file again.',
    ],
    wrong: '"王伟,110105…',
    right: '"王伟",110105…',
  }),
  ROWS_TOO_MANY: error(file, {
    title: ['行数过多', 'There are too many rows'],
    message: [
      '一个文件最多 {max} 行，其后的行未读取。',
      'A file has at most {max} rows; those after them were not read.',
    ],
    fix: ['请分成几个文件。', 'Split it into several files.'],
    wrong: ['四百万行', 'Four million rows'],
    right: ['分成两个文件，各两百万行', 'Two files of two million rows each'],
  }),
  COLUMNS_TOO_MANY: error(file, {
    title: ['列数过多', 'There are too many columns'],
    message: [
      '第 {row} 行超过 {max} 列，其后的行未读取。',
      'Row {row} has more than {max} columns; from there on nothing was read.',
    ],
    fix: ['请只保留申报需要的列。', 'Keep the columns that are to be filed.'],
    wrong: ['一行两千列', 'A row of two thousand columns'],
    right: ['模板中的列', 'The columns of the template'],
  }),
  LINE_TOO_LONG: error(file, {
    title: ['一份申报（一行）过长', 'A line is too long'],
    message: [
      '第 {row} 行超过 {max} MB，其后的行未读取；一行只能是一份申报。',
      'Line {row} is longer than {max} MB; from there on nothing was read. A line is one declaration.',
    ],
    fix: [
      '请检查各行之间是否有换行符；明细超过 10000 行的单位请用 CSV 或 XLSX 文件申报。',
      'See that there is a line break behind each declaration; an employer with more than 10,000 lines files as CSV or XLSX.',
    ],
    wrong: ['所有申报写在一行', 'All declarations on one line'],
    right: ['一行一份申报', 'One declaration on each line'],
  }),
  RECORD_NOT_JSON: error('/rows/*', {
    title: ['该行不是 JSON 对象', 'The line is not a JSON object'],
    message: [
      '第 {row} 行不是一个 UTF-8 编码的 JSON 对象。',
      'Line {row} is not one JSON object in UTF-8.',
    ],
    fix: [
      '每行写一份完整的申报（JSON 对象），行内不换行。',
      'Write one declaration (a JSON object) on each line, without line breaks in it.',
    ],
    wrong: '[{"employer": …}]',
    right: '{"employer": …}',
  }),
  RECORD_ENCODING: error('/rows/*', {
    title: ['该行不是 UTF-8 编码', 'The line is not UTF-8'],
    message: [
      '第 {row} 行从第 {at} 个字符（行内第 {offset} 字节）起不是 UTF-8 编码：{looks}。',
      'Line {row} is not UTF-8 from character {at} (byte {offset} of the line) on: {looks}.',
    ],
    fix: [
      '请把程序的输出编码设为 UTF-8 后重新生成文件；姓名以字节为准，系统不猜测 NDJSON 的编码。',
      'Set your program to write UTF-8 and make the file again; of NDJSON no other encoding is guessed.',
    ],
    wrong: ['GB18030 编码的 {"employer": …}', '{"employer": …} in GB18030'],
    right: ['UTF-8 编码的 {"employer": …}', '{"employer": …} in UTF-8'],
  }),
  RECORD_KEY_REPEATED: error('/rows/*', {
    title: ['该行同一字段出现两次', 'The line names a member of an object twice'],
    message: [
      '第 {row} 行的同一个对象中有一个字段出现两次。',
      'In line {row}, an object names one of its members twice.',
    ],
    fix: [
      '请只保留其中一个：两个值取哪一个不能由系统决定。',
      'Leave one of them: which of two values counts is not for the system to decide.',
    ],
    wrong: '{"wage": "6500.00", "wage": "7500.00"}',
    right: '{"wage": "6500.00"}',
  }),
  RECORD_TOO_DEEP: error('/rows/*', {
    title: ['该行的 JSON 嵌套过深', 'The JSON of the line nests too deep'],
    message: [
      '第 {row} 行的 JSON 嵌套超过 {max} 层。',
      'The JSON of line {row} nests deeper than {max} levels.',
    ],
    fix: [
      '请按接口文档的申报格式填写，一份申报只有 4 层。',
      'Write it as the API describes a declaration, which has 4 levels.',
    ],
    wrong: '[[[[…]]]]',
    right: '{"employer": …, "lines": [{"person": {…}}]}',
  }),
  RECORD_ITEMS_TOO_MANY: error('/rows/*', {
    title: ['该行的字段和元素过多', 'The line has too many keys and entries'],
    message: [
      '第 {row} 行的字段和列表元素超过 {max} 个。',
      'Line {row} has more than {max} keys and list entries.',
    ],
    fix: [
      '一份申报最多 10000 条明细；更大的单位请用 CSV 或 XLSX 文件申报。',
      'A declaration has at most 10,000 lines; larger employers file as CSV or XLSX.',
    ],
    wrong: ['一行一百万个元素', 'A million elements on one line'],
    right: ['最多 10000 条明细', 'At most 10,000 lines'],
  }),
  RECORD_KEY_FORBIDDEN: error('/rows/*', {
    title: ['该行含有不允许的字段名', 'The line has a key that is not allowed'],
    message: [
      '第 {row} 行含有 __proto__ 或 constructor.prototype 字段，不予读取。',
      'Line {row} has a key __proto__ or constructor.prototype, which is not read.',
    ],
    fix: ['请删除该字段。', 'Remove that key.'],
    wrong: '{"__proto__": …}',
    right: '{"employer": …}',
  }),
  DECLARATION_REPEATED: error('/rows/*', {
    title: [
      '同一单位、同一统筹区、同一所属期在文件中出现两次',
      'The employer, period and region is in the file twice',
    ],
    message: [
      '第 {row} 行与第 {first} 行是同一单位、同一统筹区、同一所属期的申报；后一份会替换前一份的全部内容，未申报。',
      'Line {row} is of the same employer, period and region as line {first}; it would replace all of that one, and was not filed.',
    ],
    fix: [
      '请把同一单位、同一统筹区、同一所属期的明细写在一份申报中；要更正时，请在前一份受理后另行上传。',
      'Write all lines of an employer, period and region in one declaration; send a correction by itself, once the first is accepted.',
    ],
    wrong: [
      '两行都是同一单位在同一统筹区 2025-08 的申报',
      'Two lines for one employer and region and 2025-08',
    ],
    right: [
      '每个单位、每个统筹区、每个所属期一行',
      'One line for each employer, period and region',
    ],
  }),
  FINDINGS_MORE: hint('/rows/*', {
    title: ['还有未列出的问题', 'There are more faults than are shown'],
    message: [
      '第 {row} 行还有 {count} 个问题未列出。',
      '{count} more faults of line {row} are not shown.',
    ],
    fix: [
      '请先修改已列出的问题，再上传该申报，或用 POST /v1/declarations/check 预检。',
      'Mend those that are shown, then send the declaration again, or ask POST /v1/declarations/check.',
    ],
    wrong: ['一份申报有 300 个问题', 'A declaration with 300 faults'],
    right: ['列出前 200 个', 'The first 200 are listed'],
  }),
} as const
