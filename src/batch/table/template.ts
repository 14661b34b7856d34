/**
 * Writes the template that filers fill in: the header of a category, two example rows, and in a
 * workbook lists of values and a sheet of notes. The example persons don't exist, and their rows are
 * refused.
 */
import type { Category } from '../../declaration/schema.ts'
import { writeCsv } from '../../formats/csv-writer.ts'
import { writeXlsx } from '../../formats/xlsx-writer.ts'
import { columnNames, type Field } from './columns.ts'
import { examplePersons } from './examples.ts'
import { choiceWords } from './values.ts'

const common: readonly Field[] = ['name', 'idType', 'idNumber', 'category']
const fileFields: readonly Field[] = ['employer', 'region', 'period']

const fieldsOf: Readonly<Record<Category, readonly Field[]>> = {
  employee: [...common, 'wage', 'change', ...fileFields],
  flexible: [...common, 'tier', 'base', 'medical', 'change', ...fileFields],
  platform: [...common, 'date', 'service', 'orders', ...fileFields],
}

/** The example value of each column. */
type Example = Readonly<Partial<Record<Field, string>>>

const shared = {
  idType: '居民身份证',
  employer: '91350100M000100Y43',
  region: '340100',
  period: '2025-08',
}
const [first, second] = [
  { ...shared, ...examplePersons[0] },
  { ...shared, ...examplePersons[1] },
]

const examples: Readonly<Record<Category, readonly Example[]>> = {
  employee: [
    { ...first, category: '职工', wage: '6500.00', change: '无' },
    { ...second, category: '职工', wage: '8123.45', change: '增员' },
  ],
  flexible: [
    { ...first, category: '灵活就业', tier: '60', medical: '无个人账户', change: '无' },
    { ...second, category: '灵活就业', base: '5000.00', medical: '有个人账户', change: '增员' },
  ],
  platform: [
    { ...first, category: '新就业形态', date: '2025-08-03', service: 'ride-hailing', orders: '12' },
    { ...first, category: '新就业形态', date: '2025-08-04', service: 'ride-hailing', orders: '9' },
  ],
}

const notes = [
  ['填写说明', 'Notes'],
  [
    '示例行中的人员是虚构的，请删除后填写；留下的示例行不会申报。',
    'The persons in the example rows are fictional: remove them and fill in your own. Example rows that stay are not filed.',
  ],
  [
    '证件号码列是文本格式，请勿改为数字，否则末几位会丢失。',
    'The column of identity numbers is text: as numbers they lose their last digits.',
  ],
  [
    '列的顺序可以改变，可以增加其他列；请勿修改列名，也不要合并单元格。',
    'Columns may be in any order and others may be added; keep their names, and merge no cells.',
  ],
  [
    '工资以元为单位，最多两位小数；所属期写作 2025-08。',
    'Amounts are in yuan with at most two decimals; a period is written 2025-08.',
  ],
  [
    '单位本所属期已有申报的：补充人员时，以 kind 为 addition（补充）上传，表中只写要补充的人员；更改已申报的内容时，以 correction（更正）上传该单位的全部人员。',
    'Where a declaration of the employer and period stands: to add persons, send the file with kind addition, with these persons alone; to change what was filed, send all persons of the employer with kind correction.',
  ],
  [
    '上传前可用 npm run check-file 检查本表，或以 mode 为 check 上传：只检查，不申报。',
    'Before sending, check it with npm run check-file, or send it with mode check: it is checked, and nothing is filed.',
  ],
  [
    '单位、统筹区、所属期全部相同的，可以删去这三列，在上传时填写。',
    'Where employer, region and period are the same in all rows, the three columns can be left out and given with the upload.',
  ],
] as const

export type TemplateOptions = { readonly format: 'csv' | 'xlsx'; readonly category: Category }

export function writeTemplate({ format, category }: TemplateOptions): AsyncGenerator<Buffer> {
  const fields = fieldsOf[category]
  const rows = [
    fields.map((field) => columnNames[field][0]),
    ...examples[category].map((example) => fields.map((field) => example[field] ?? '')),
  ]
  if (format === 'csv') return writeCsv(rows)
  return writeXlsx([
    {
      name: '缴费申报',
      widths: fields.map((field) => (field === 'idNumber' || field === 'employer' ? 24 : 14)),
      headerRows: 1,
      rows,
      choices: choicesOf(fields),
    },
    { name: '说明', widths: [70, 90], headerRows: 1, rows: notes },
  ])
}

/** The first word of each value, which is the one that people use. */
function choicesOf(fields: readonly Field[]): Map<number, readonly string[]> {
  const choices = new Map<number, readonly string[]>()
  for (const [column, field] of fields.entries()) {
    if (!Object.hasOwn(choiceWords, field)) continue
    const words = Object.values(choiceWords[field as keyof typeof choiceWords])
    choices.set(
      column,
      words.map(([word]) => word),
    )
  }
  return choices
}
