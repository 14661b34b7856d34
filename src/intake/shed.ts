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
  bulk: text('批量文件上传', 'uploads of files'),
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
  const code = shed.reason === 'share' ? 'SHARE_EXCEEDED' : 'BUSY'
  const { status, title, fix } = problemKinds[code]
  const name = classNames[shed.class][language]
  const sentences =
    shed.reason === 'share'
      ? undefined
      : language === 'en'
        ? ` Given up for now: ${name}.`
        : `暂停受理：${name}。`
  const detail =
    language === 'en'
      ? `${title.en}.${sentences ?? ''} ${fix.en}`
      : `${title['zh-CN']}。${sentences ?? ''}${fix['zh-CN']}`
  return JSON.stringify({
    type: `/v1/findings/${code}`,
    title: title[language],
    status,
    detail,
    code,
    message: title,
    fix,
    traceId,
    shed: shed.class,
    reason: shed.reason,
    ...more,
  })
}

/** The whole system has no room: 503; one filer has its share: 429. */
export function shedStatus({ reason }: Shed): 429 | 503 {
  return reason === 'share' ? 429 : 503
}

/** @param quota how many filings may be under way, of all or of one filer */
export function shedHeaders(
  { reason }: Shed,
  retryAfter: number,
  quota: number,
): Record<string, string> {
  const policy = reason === 'share' ? 'share' : 'filings'
  return {
    'retry-after': String(retryAfter),
    'ratelimit-policy': `"${policy}";q=${Math.max(1, quota)}`,
    ratelimit: `"${policy}";r=0;t=${retryAfter}`,
    'cache-control': 'no-store',
  }
}
