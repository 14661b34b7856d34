/**
 * What a finding or a problem means, as data and as a plain page for people: titles, what is wrong,
 * what to do, and an example wrong and right, in both languages with the reader's first.
 */
import { fileCatalogue } from '../../batch/findings/file-findings.ts'
import { catalogue } from '../../declaration/catalogue/catalogue.ts'
import type { CatalogueEntry, Text } from '../../declaration/catalogue/entry.ts'
import { problemKinds } from './problem-kinds.ts'

export type Meaning = { readonly code: string; readonly title: Text; readonly fix: Text } & Partial<
  Omit<CatalogueEntry, 'title' | 'fix'>
> & { readonly status?: number }

/** Undefined for a code that there isn't. */
export function meaningOf(code: string): Meaning | undefined {
  const found = [problemKinds, fileCatalogue, catalogue].flatMap(
    (entries: Record<string, Omit<Meaning, 'code'>>) =>
      Object.hasOwn(entries, code) ? (entries[code] ?? []) : [],
  )
  // A problem that is also a finding has its status and tells the finding.
  const [first] = found
  return first && Object.assign({ code }, first, ...found)
}

type Language = keyof Text

const words: Readonly<Record<string, Text>> = {
  error: { 'zh-CN': '错误：申报不予受理', en: 'Error: the declaration is refused' },
  warning: { 'zh-CN': '提醒：申报已受理', en: 'Warning: the declaration is accepted' },
  hint: { 'zh-CN': '提示：申报已受理', en: 'Hint: the declaration is accepted' },
  field: { 'zh-CN': '所在字段', en: 'Field' },
  fix: { 'zh-CN': '如何处理', en: 'What to do' },
  wrong: { 'zh-CN': '错误示例', en: 'Wrong' },
  right: { 'zh-CN': '正确示例', en: 'Right' },
  basis: { 'zh-CN': '依据', en: 'Legal basis' },
}

/** The page's only styles; a content security policy allows nothing else. */
const styles =
  'body{font:16px/1.6 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}' +
  'code{background:#eee;padding:.1em .3em;overflow-wrap:anywhere}dt{font-weight:bold}' +
  'section+section{border-top:1px solid #ccc;margin-top:2rem}'

export const pageSecurityPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

/** @param first the reader's language; the other follows below it */
export function meaningPage(meaning: Meaning, first: Language): string {
  const title = `${meaning.code}: ${meaning.title[first]}`
  return pageOf(title, first, (language) => section(meaning, language))
}

/** A page with a section in each language, the reader's first. */
export function pageOf(
  title: string,
  first: Language,
  sectionIn: (language: Language) => string,
): string {
  const languages: readonly Language[] = first === 'en' ? ['en', 'zh-CN'] : ['zh-CN', 'en']
  return [
    `<!doctype html><html lang="${first}"><head><meta charset="utf-8">`,
    '<meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title>`,
    `<style>${styles}</style></head><body>`,
    ...languages.map(sectionIn),
    '</body></html>\n',
  ].join('\n')
}

function section(meaning: Meaning, language: Language): string {
  const { code, title, severity, status, message, field, fix, example, legalBasis } = meaning
  const word = (name: string) => escaped(words[name]?.[language] ?? name)
  const row = (name: string, html: string) => `<dt>${word(name)}</dt><dd>${html}</dd>`
  return [
    `<section lang="${language}"><h1>${escaped(title[language])}</h1>`,
    `<p><code>${escaped(code)}</code> ${severity === undefined ? `HTTP ${status}` : word(severity)}</p>`,
    message === undefined ? '' : `<p>${escaped(shown(message[language]))}</p>`,
    '<dl>',
    row('fix', escaped(shown(fix[language]))),
    field === undefined || field === '' ? '' : row('field', `<code>${escaped(field)}</code>`),
    example === undefined ? '' : row('wrong', `<code>${escaped(example.wrong[language])}</code>`),
    example === undefined ? '' : row('right', `<code>${escaped(example.right[language])}</code>`),
    legalBasis === undefined ? '' : row('basis', escaped(legalBasis)),
    '</dl></section>',
  ].join('\n')
}

/** A message without its case: what would be filled in is an ellipsis. */
function shown(message: string): string {
  return message.replace(/\{\w+\}/g, '…')
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
