/**
 * Findings of a file before its first row: its format, and the structure of a workbook.
 */
import { error, hint, warning } from '../../declaration/catalogue/entry.ts'

const file = '/file'

export const containerEntries = {
  FILE_EMPTY: error(file, {
    title: ['文件没有内容', 'The file is empty'],
    message: ['文件中没有任何数据行。', 'There is not one row of data in the file.'],
    fix: ['请填写明细后重新上传。', 'Fill in the rows and send it again.'],
    wrong: ['只有表头的文件', 'A file with nothing but a header'],
    right: ['表头和至少一行明细', 'A header and at least one line'],
  }),
  FILE_KIND_UNKNOWN: error(file, {
    title: ['不是可以读取的文件', 'The file is of a kind that is not read'],
    message: [
      '文件不是 XLSX、CSV、TSV 或 NDJSON。',
      'The file is neither XLSX nor CSV, TSV or NDJSON.',
    ],
    fix: [
      '请在表格软件中选择“另存为”→“Excel 工作簿 (*.xlsx)”后上传。',
      'In your spreadsheet choose Save As, "Excel Workbook (*.xlsx)", and send that.',
    ],
    wrong: ['申报.pdf', 'filing.pdf'],
    right: ['申报.xlsx', 'filing.xlsx'],
  }),
  FILE_LEGACY_SPREADSHEET: error(file, {
    title: ['旧版 Excel 文件', 'An old Excel file'],
    message: [
      '文件是旧版的 .xls 格式，系统不读取。',
      'The file has the old format .xls, which is not read.',
    ],
    fix: [
      '请用 Excel 或 WPS 打开，选择“另存为”→“Excel 工作簿 (*.xlsx)”后上传。',
      'Open it, choose Save As, "Excel Workbook (*.xlsx)", and send that.',
    ],
    wrong: ['申报.xls', 'filing.xls'],
    right: ['申报.xlsx', 'filing.xlsx'],
  }),
  FILE_PASSWORD: error(file, {
    title: ['文件设有密码', 'The file is protected by a password'],
    message: ['文件设有打开密码，系统无法读取。', 'The file opens with a password only.'],
    fix: [
      '请在“文件”→“信息”→“保护工作簿”中去除密码，保存后重新上传。',
      'Remove the password (File, Info, Protect Workbook), save it and send it again.',
    ],
    wrong: ['加密的 .xlsx', 'An .xlsx with a password'],
    right: ['没有密码的 .xlsx', 'An .xlsx without a password'],
  }),
  FILE_MACROS: error(file, {
    title: ['文件含有宏', 'The file has macros'],
    message: ['文件含有宏（.xlsm），系统不接收。', 'The file has macros (.xlsm) and is not taken.'],
    fix: [
      '请选择“另存为”→“Excel 工作簿 (*.xlsx)”，不保留宏，再上传。',
      'Choose Save As, "Excel Workbook (*.xlsx)" without macros, and send that.',
    ],
    wrong: ['申报.xlsm', 'filing.xlsm'],
    right: ['申报.xlsx', 'filing.xlsx'],
  }),
  FILE_NOT_WORKBOOK: error(file, {
    title: ['压缩包不是 Excel 工作簿', 'The archive is no Excel workbook'],
    message: [
      '文件是压缩包，但不是 .xlsx 工作簿。',
      'The file is an archive, but no .xlsx workbook.',
    ],
    fix: [
      '请上传 .xlsx 文件本身，不要压缩；ODS、XLSB 等请另存为“Excel 工作簿 (*.xlsx)”。',
      'Send the .xlsx itself, not in an archive; save ODS or XLSB as "Excel Workbook (*.xlsx)".',
    ],
    wrong: ['申报.zip', 'filing.zip'],
    right: ['申报.xlsx', 'filing.xlsx'],
  }),
  FILE_BROKEN: error(file, {
    title: ['文件已损坏', 'The file is damaged'],
    message: ['文件不完整或已损坏，无法读取。', 'The file is not whole or is damaged.'],
    fix: [
      '请用表格软件打开并重新保存，再上传；上传中断过的请重新上传。',
      'Open it, save it again and send that; if the upload broke off, send it again.',
    ],
    wrong: ['传到一半的文件', 'A file that was copied in part'],
    right: ['能正常打开的文件', 'A file that opens'],
  }),
  FILE_CHECKSUM: error(file, {
    title: ['文件中有字节被改变', 'Bytes of the file were changed'],
    message: [
      '工作簿内部的 {part} 与其校验值不符：保存或传输中有内容被改变，整个文件未申报。',
      'The part {part} of the workbook does not match its checksum: something was changed while it was saved or sent. Nothing of the file was filed.',
    ],
    fix: [
      '请用表格软件打开原文件，核对数据后另存为新的 .xlsx，再上传。',
      'Open the original in a spreadsheet, look its values over, save it as a new .xlsx and send that.',
    ],
    wrong: ['从损坏的 U 盘复制的 .xlsx', 'An .xlsx from a damaged USB stick'],
    right: ['由表格软件重新保存的 .xlsx', 'An .xlsx that a spreadsheet program saved again'],
  }),
  FILE_PART_ENCODING: error(file, {
    title: ['工作簿内部的编码不能读取', 'The encoding within the workbook is not read'],
    message: [
      '工作簿内部的文本以 {encoding} 编码；.xlsx 只用 UTF-8 或 UTF-16。',
      'The text within the workbook is in {encoding}; an .xlsx has UTF-8 or UTF-16 only.',
    ],
    fix: [
      '请用 Excel 或 WPS 打开，另存为新的 .xlsx 文件后上传。',
      'Open it in a spreadsheet, save it as a new .xlsx and send that.',
    ],
    wrong: 'encoding="GBK"',
    right: 'encoding="UTF-8"',
  }),
  FILE_NOT_READ: error(file, {
    title: ['系统未能读取该文件', 'The system failed to read the file'],
    message: [
      '读取该文件时系统出现内部错误，其中的内容均未申报。运行人员已得到通知。',
      'The system met an error of its own in this file; nothing of it was filed. Its operators were told.',
    ],
    fix: [
      '请用表格软件打开，另存为新的 .xlsx 或“CSV UTF-8”文件后重新上传。',
      'Open it in a spreadsheet, save it as a new .xlsx or as CSV UTF-8, and send that.',
    ],
    wrong: ['由其他程序生成的文件', 'A file that another program made'],
    right: ['由表格软件保存的文件', 'A file that a spreadsheet program saved'],
  }),
  FILE_INFLATES_TOO_FAR: error(file, {
    title: ['文件解压后过大', 'The file inflates too far'],
    message: [
      '文件解压后的内容超过允许的大小。',
      'What the file inflates to is larger than allowed.',
    ],
    fix: [
      '请把数据复制到新的工作簿（不带格式和空行）再上传，或改存为 CSV。',
      'Copy the data into a new workbook, without formats and empty rows, or save it as CSV.',
    ],
    wrong: ['有一百万个带格式空行的表', 'A sheet with a million empty rows that have formats'],
    right: ['只有数据行的表', 'A sheet with rows of data alone'],
  }),
  FILE_XML_FORBIDDEN: error(file, {
    title: ['文件内容不安全', 'The file has unsafe content'],
    message: [
      '文件含有文档类型声明（DOCTYPE）或未知实体，正常的表格没有这些。',
      'The file has a DOCTYPE or unknown entities, which no spreadsheet writes.',
    ],
    fix: [
      '请用 Excel 或 WPS 打开并另存为新的 .xlsx 文件。',
      'Open it in a spreadsheet and save it as a new .xlsx.',
    ],
    wrong: '<!DOCTYPE …>',
    right: ['由表格软件保存的文件', 'A file that a spreadsheet program saved'],
  }),
  FILE_STRINGS_TOO_MANY: error(file, {
    title: ['文件中的不同文本过多', 'The file has too many different texts'],
    message: [
      '工作簿中不同的文本超过允许的数量。',
      'The workbook has more different texts than allowed.',
    ],
    fix: ['请分成几个文件，或改存为 CSV。', 'Split it into several files, or save it as CSV.'],
    wrong: ['几百万行的 .xlsx', 'An .xlsx of millions of rows'],
    right: '.csv',
  }),
  SHEETS_SEVERAL: error(file, {
    title: ['有数据的工作表不止一个', 'More than one sheet has data'],
    message: [
      '工作表“{sheet}”和“{other}”都有明细。',
      'The sheets "{sheet}" and "{other}" both have rows.',
    ],
    fix: [
      '请只保留一个工作表的明细，或每个工作表存为一个文件。',
      'Keep the rows in one sheet, or save each sheet as a file.',
    ],
    wrong: ['在职、灵活就业各一个工作表', 'A sheet for employees and one for flexible workers'],
    right: ['一个工作表，用“参保类别”一列区分', 'One sheet with a column 参保类别 (category)'],
  }),
  SHEET_HIDDEN: warning('/sheets/*', {
    title: ['隐藏的工作表未读取', 'A hidden sheet was not read'],
    message: [
      '工作表“{sheet}”是隐藏的，其内容未读取。',
      'The sheet "{sheet}" is hidden; it was not read.',
    ],
    fix: [
      '若其中有要申报的明细，请取消隐藏后重新上传。',
      'If rows in it are to be filed, show the sheet and send the file again.',
    ],
    wrong: ['明细在隐藏的工作表中', 'Lines in a hidden sheet'],
    right: ['明细在可见的工作表中', 'Lines in a sheet that is seen'],
  }),
  SHEET_IGNORED: hint('/sheets/*', {
    title: ['没有明细的工作表未读取', 'A sheet without rows was not read'],
    message: [
      '工作表“{sheet}”没有可识别的表头或没有明细，未读取。',
      'The sheet "{sheet}" has no known header, or no rows; it was not read.',
    ],
    fix: ['说明等工作表不需处理。', 'Nothing is to be done about sheets with notes.'],
    wrong: ['说明', 'A sheet of notes'],
    right: ['说明', 'A sheet of notes'],
  }),
} as const
