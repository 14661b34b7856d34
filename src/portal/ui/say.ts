/** Texts in the language of the reader, with what they are filled in with. */
import { type Language, language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'

/** One thing to say, in both languages. */
export type Text = { readonly 'zh-CN': string; readonly en: string }
export type Params = Readonly<Record<string, string | number>>
export type Say = (text: Text, params?: Params) => string

export function sayIn(chosen: Language): Say {
  return (text, params = {}) =>
    text[chosen].replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole))
}

export function useSay(): Say {
  return sayIn(useStore(language))
}
