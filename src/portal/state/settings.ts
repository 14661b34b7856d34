/** What somebody chose on this device: language, large text. Nothing of a person is in it. */
import { createStore } from './store.ts'

export type Language = 'zh-CN' | 'en'

const languageKey = 'spillway-language'
const largeKey = 'spillway-large'

export const language = createStore<Language>(firstLanguage())
export const large = createStore<boolean>(kept(largeKey) === 'yes')

/** Chinese, unless it was chosen otherwise here, or this browser prefers English to it. */
function firstLanguage(): Language {
  const chosen = kept(languageKey)
  if (chosen === 'zh-CN' || chosen === 'en') return chosen
  const preferred = navigator.languages.find((tag) => /^(?:zh|en)\b/i.test(tag))
  return preferred?.toLowerCase().startsWith('en') ? 'en' : 'zh-CN'
}

export function chooseLanguage(chosen: Language): void {
  keep(languageKey, chosen)
  language.set(chosen)
}

export function chooseLarge(chosen: boolean): void {
  keep(largeKey, chosen ? 'yes' : 'no')
  large.set(chosen)
}

/** Storage may be closed to pages: then a choice lasts as long as the page. */
function kept(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {}
}
