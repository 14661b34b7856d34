/**
 * What is answered when a request is not let in: the same document and headers wherever that is
 * decided. RateLimit headers follow draft-ietf-httpapi-ratelimit-headers-10.
 */
import type { Text } from '../declaration/catalogue/entry.ts'
import type { RequestClass, Shed } from './admission.ts'
import { problemKinds } from './problems.ts'

const text = (zh: string, en: string): Text => ({ 'zh-CN': zh, en })

/** Which requests are given up now, for people. */
export const classNames: Readonly<Record<RequestClass, Text>> = {
  reports: text('列表查询', 'lists'),
  checks: text('申报预检', 'pre-checks'),
  filings: text('今日未到期的申报', 'filings that are not due today'),
  'filings-due': text('申报', 'filings'),
  lookups: text('状态和回执查询', 'look-ups of statuses and receipts'),
}

/** The document of a request that was not let in. */
export function shedProblemText(
  shed: Shed,
  language: keyof Text,
  traceId: string,
  more: Readonly<Record<string, unknown>>,
): string {
  const { status, title, fix } = problemKinds.BUSY
  const name = classNames[shed.class][language]
  const detail =
    language === 'en'
      ? `${title.en}. Given up for now: ${name}. ${fix.en}`
      : `${title['zh-CN']}。暂停受理：${name}。${fix['zh-CN']}`
  return JSON.stringify({
    type: '/v1/findings/BUSY',
    title: title[language],
    status,
    detail,
    code: 'BUSY',
    message: title,
    fix,
    traceId,
    shed: shed.class,
    reason: shed.reason,
    ...more,
  })
}

/** @param quota how many filings may be under way */
export function shedHeaders(retryAfter: number, quota: number): Record<string, string> {
  return {
    'retry-after': String(retryAfter),
    'ratelimit-policy': `"filings";q=${Math.max(1, quota)}`,
    ratelimit: `"filings";r=0;t=${retryAfter}`,
    'cache-control': 'no-store',
  }
}
