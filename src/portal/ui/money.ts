/** Amounts and instants as people read them. */
import type { Language } from '../state/settings.ts'

/** `1234567.80` → `1,234,567.80`. */
export function grouped(yuan: string): string {
  const [whole = '', decimals] = yuan.split('.')
  const marked = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  return decimals === undefined ? marked : `${marked}.${decimals}`
}

/** A difference, with its sign always there: `+12.00`, `−3.50`. */
export function signedFen(fen: number): string {
  const sign = fen > 0 ? '+' : fen < 0 ? '−' : ''
  return sign + grouped(yuanOf(Math.abs(fen)))
}

export function yuanOf(fen: number): string {
  const digits = String(Math.abs(fen)).padStart(3, '0')
  return `${fen < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** Of an amount with two decimals, as the service writes all of them. */
export function fenOf(yuan: string): number {
  return Number(yuan.replace('.', ''))
}

/** An instant in China's time, to the second, from text or milliseconds since 1970. */
export function instant(at: string | number, language: Language): string {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  const text = new Date(ms + 8 * 3_600_000).toISOString()
  const time = text.slice(11, 19)
  if (language === 'en') return `${text.slice(0, 10)} ${time}`
  const [year, month, day] = text.slice(0, 10).split('-').map(Number)
  return `${year}年${month}月${day}日 ${time}`
}

/** A deadline: the end of a day is its 24:00, not the next day's 00:00. */
export function deadlineText(at: string | number, language: Language): string {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  const text = instant(ms, language)
  if (!text.endsWith(' 00:00:00')) return text.slice(0, -3)
  return `${instant(ms - 1, language).slice(0, -8)}24:00`
}

/** `2025-08` → `2025年8月` or `August 2025`. */
export function month(period: string, language: Language): string {
  const [year = '', number = ''] = period.split('-')
  if (language === 'zh-CN') return `${year}年${Number(number)}月`
  return `${months[Number(number) - 1] ?? number} ${year}`
}

const months =
  'January February March April May June July August September October November December'.split(' ')

/** How long, in the two largest units that are not nothing. */
export function duration(ms: number, language: Language): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  const [days, hours, rest] = [
    Math.floor(minutes / 1_440),
    Math.floor(minutes / 60) % 24,
    minutes % 60,
  ]
  const parts: [number, string, string][] = [
    [days, '天', days === 1 ? 'day' : 'days'],
    [hours, '小时', hours === 1 ? 'hour' : 'hours'],
    [rest, '分钟', rest === 1 ? 'minute' : 'minutes'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return language === 'zh-CN' ? '不到 1 分钟' : 'less than a minute'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, chinese, english]) =>
      language === 'zh-CN' ? `${count} ${chinese}` : `${count} ${english}`,
    )
    .join(' ')
}
