/**
 * Findings of rows whose employer, period and region have a declaration in force, or a newer one than
 * the file.
 */
import { error } from '../../declaration/catalogue/entry.ts'

const file = '/file'
const row = '/rows/*'

export const inForceEntries = {
  UNIT_STANDS: error(row, {
    title: [
      '该单位本统筹区、本所属期已有申报',
      'A declaration of its employer, period and region stands',
    ],
    message: [
      '第 {row} 行的单位在本统筹区、本所属期已有生效的申报（{id}，{at} 受理，{persons} 人）；正常（regular）申报不替换它。',
      'Row {row}: a declaration of its employer, period and region stands ({id}, accepted at {at}, {persons} persons), and a regular one does not replace it.',
    ],
    fix: [
      '要增加这些人员，请以 kind 为 addition（补充）上传该文件；要更改已申报的内容，请以 correction（更正）上传该单位的全部人员。',
      'To add these persons, send the file as an addition (kind addition); to change what was filed, send all persons of that employer as a correction (kind correction).',
    ],
    wrong: [
      '第二个部门的文件，kind 为 regular',
      'The file of a second department, with kind regular',
    ],
    right: [
      '第二个部门的文件，kind 为 addition',
      'The file of a second department, with kind addition',
    ],
  }),
  UNIT_FILED: error(row, {
    title: ['内容相同，已经申报', 'The same content was filed already'],
    message: [
      '第 {row} 行的单位在本统筹区、本所属期已申报过相同的内容（{id}，{at} 受理），无须再次申报。',
      'Row {row}: the same content was filed of its employer, period and region already ({id}, accepted at {at}); nothing more is needed.',
    ],
    fix: [
      '受理回执在 /v1/declarations/{id}/receipt；要更改已申报的内容，请以 correction（更正）上传该单位的全部人员。',
      'Its receipt is at /v1/declarations/{id}/receipt; to change what was filed, send all persons of that employer as a correction (kind correction).',
    ],
    wrong: ['同一内容再次上传', 'The same content sent again'],
    right: ['改变后的内容，kind 为 correction', 'Other content, with kind correction'],
  }),
  FILED_SINCE: error(row, {
    title: ['该单位另有新的申报', 'Something else was filed since'],
    message: [
      '第 {row} 行的单位在本文件（或其改正的原文件）上传之后，本统筹区、本所属期另有申报（{id}，{at} 受理）；较早的文件不替换它。',
      'Row {row}: something else was filed for its employer, period and region ({id}, accepted at {at}) since this file came, or since the first file that it mends; what is older does not replace it.',
    ],
    fix: [
      '请核对该申报；要增加这些人员，请以 kind 为 addition（补充）重新上传；要替换它，请以 correction（更正）上传该单位的全部人员。',
      'Look at what was filed there. To add these persons, send them again as an addition (kind addition); to replace it, send all persons of that employer as a correction (kind correction).',
    ],
    wrong: [
      '10:00 上传的文件在 10:30 另行申报之后受理',
      'A file sent at 10:00, worked on after a filing of 10:30',
    ],
    right: [
      '另行申报之后重新上传，kind 为 addition 或 correction',
      'Sent again after that filing, with kind addition or correction',
    ],
  }),
  ADDITION_OF_TABLES: error(file, {
    title: ['NDJSON 文件不能作为补充', 'NDJSON can not be an addition'],
    message: [
      'NDJSON 文件的每一行是一份完整的申报，有自己的 kind；补充（addition）只用于表格文件（CSV、TSV、XLSX）。',
      'Each line of an NDJSON file is a whole declaration with a kind of its own; only tables (CSV, TSV, XLSX) can be additions.',
    ],
    fix: [
      '请上传表格文件；或在 NDJSON 中以 correction 申报该单位的全部人员，并用 replaces 写明被替换的申报。',
      'Send a table; or file all persons of the employer as a correction in NDJSON, which names in replaces what it replaces.',
    ],
    wrong: 'addition.ndjson',
    right: 'addition.csv',
  }),
} as const
