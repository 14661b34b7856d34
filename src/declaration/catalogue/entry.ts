/**
 * What an entry of the catalogue tells a filer, in Chinese and English. Written for an employer's
 * clerk. {Placeholders} are filled in with limits, line numbers and the like; of what was filed
 * about a person never more than an identity number whose middle is masked.
 */
export type Text = { readonly 'zh-CN': string; readonly en: string }

/** An error refuses the declaration; a warning or a hint does not. */
export type Severity = 'error' | 'warning' | 'hint'

export type CatalogueEntry = {
  readonly severity: Severity
  /** The field it belongs to, as a JSON Pointer with * for any line; empty for the whole body. */
  readonly field: string
  readonly title: Text
  readonly message: Text
  readonly fix: Text
  readonly example: { readonly wrong: Text; readonly right: Text }
  readonly legalBasis?: string
}

type Pair = readonly [zh: string, en: string]

type Draft = {
  readonly title: Pair
  readonly message: Pair
  readonly fix: Pair
  /** One text where it reads the same in both languages. */
  readonly wrong: Pair | string
  readonly right: Pair | string
  readonly legalBasis?: string
}

const text = ([zh, en]: Pair): Text => ({ 'zh-CN': zh, en })
const example = (of: Pair | string): Text => text(typeof of === 'string' ? [of, of] : of)

const entry =
  (severity: Severity) =>
  (field: string, draft: Draft): CatalogueEntry => ({
    severity,
    field,
    title: text(draft.title),
    message: text(draft.message),
    fix: text(draft.fix),
    example: { wrong: example(draft.wrong), right: example(draft.right) },
    ...(draft.legalBasis === undefined ? {} : { legalBasis: draft.legalBasis }),
  })

export const error = entry('error')
export const warning = entry('warning')
export const hint = entry('hint')

/** What a unit's monthly declaration consists of. */
export const filingRules = '《社会保险费申报缴纳管理规定》（人力资源和社会保障部令第20号）第四条'
/** A person's social-security number is the citizen's identity number. */
export const identityRules = '《中华人民共和国社会保险法》第五十八条；GB 11643-1999'
export const codeRules = 'GB 32100-2015'
/** Limits of 60% and 300% of the average wage. */
export const limitRules = '《降低社会保险费率综合方案》（国办发〔2019〕13号）'
export const lateRules = '《中华人民共和国社会保险法》第八十六条'
export const platformRules = '人社部发〔2025〕24号'
