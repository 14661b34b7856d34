/** The language a filer prefers (RFC 9110, 12.5.4): Chinese or English, both of which are there. */
import type { FastifyRequest } from 'fastify'
import type { Text } from '../../declaration/catalogue/entry.ts'

/** A longer header is not from a browser. */
const headerCharactersMax = 500

/** Chinese where it is wanted more than English; English when neither is named. */
export function languageOf({ headers }: Pick<FastifyRequest, 'headers'>): keyof Text {
  const header = (headers['accept-language'] ?? '').slice(0, headerCharactersMax)
  const wanted = { zh: 0, en: 0, '*': 0 }
  for (const range of header.split(',')) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    const language = tag.split('-')[0] as keyof typeof wanted
    if (language in wanted) wanted[language] = Math.max(wanted[language], Number(weight ?? 1) || 0)
  }
  return wanted.zh > Math.max(wanted.en, wanted['*']) ? 'zh-CN' : 'en'
}
