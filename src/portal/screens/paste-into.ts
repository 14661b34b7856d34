/**
 * Puts a pasted table into the grid: who is there already, by the identity number, is updated; who is not, is added.
 * What the paste does not say of somebody stays as it is. One step, that can be undone.
 */
import type { Desk } from '../filing/desk.ts'
import { personKey } from '../filing/difference.ts'
import type { EditedLine, Row } from '../grid/row.ts'
import type { Sheet } from '../grid/sheet.ts'
import type { PasteRead } from '../rules/protocol.ts'
import { texts } from '../texts/texts.ts'
import type { Params, Text } from '../ui/say.ts'

/** As a declaration may have (declaration/schema.ts). */
const linesMax = 10_000

export type Told = { readonly text: Text; readonly params: Params }

export async function pasteInto(desk: Desk, sheet: Sheet, text: string): Promise<Told> {
  const read = await desk.engine.ask({ ask: 'paste', text })
  if (read.missing.length > 0 && (read.lines.length === 0 || read.missing.includes('idNumber'))) {
    const columns = read.missing.map((field) => texts.declare[field])
    return { text: joined(texts.declare.pastedMissing, columns), params: {} }
  }
  if (read.lines.length === 0) return { text: texts.declare.pastedNothing, params: {} }
  const rows = sheet.rows.get()
  const merged = merge(rows, read.lines)
  if (rows.length + merged.added.length > linesMax)
    return { text: texts.declare.pastedTooMany, params: { max: linesMax } }
  sheet.merge(merged.changed, merged.added)
  return told(read, merged.changed.size, merged.added.length)
}

function merge(rows: readonly Row[], lines: readonly EditedLine[]) {
  const known = new Map(rows.map(({ line }, index) => [personKey(line), index]))
  const changed = new Map<number, EditedLine>()
  const added: EditedLine[] = []
  for (const line of lines) {
    const index = known.get(personKey(line))
    const row = index === undefined ? undefined : rows[index]
    if (index === undefined || row === undefined) added.push(line)
    else changed.set(index, updated(row.line, line))
  }
  return { changed, added }
}

/** Empty cells say nothing. */
function updated(line: EditedLine, pasted: EditedLine): EditedLine {
  const name = pasted.person.name === '' ? line.person.name : pasted.person.name
  const wage = pasted.wage === undefined || pasted.wage === '' ? line.wage : pasted.wage
  const change = pasted.change === 'none' ? line.change : pasted.change
  if (line.category !== pasted.category) return pasted
  return {
    ...line,
    ...pasted,
    person: { ...pasted.person, name },
    change,
    ...(wage !== undefined && { wage }),
  }
}

function told(read: PasteRead, changed: number, added: number): Told {
  const parts: Text[] = [texts.declare.pasted]
  const params: Record<string, string | number> = { rows: read.lines.length, changed, added }
  if (read.lostDigits > 0) parts.push(texts.declare.pastedLost)
  else if (read.fromWan > 0) parts.push(texts.declare.pastedWan)
  params.count = read.lostDigits > 0 ? read.lostDigits : read.fromWan
  if (read.ignored.length > 0) {
    parts.push(texts.declare.pastedIgnored)
    params.columns = read.ignored.slice(0, 6).join(', ')
  }
  return {
    text: {
      'zh-CN': parts.map((part) => part['zh-CN']).join(''),
      en: parts.map((part) => part.en).join(' '),
    },
    params,
  }
}

function joined(text: Text, columns: readonly Text[]): Text {
  return {
    'zh-CN': text['zh-CN'].replace('{columns}', columns.map((one) => one['zh-CN']).join('、')),
    en: text.en.replace('{columns}', columns.map((one) => one.en).join(', ')),
  }
}
