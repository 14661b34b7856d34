/**
 * What is answered when a request is not let in: the same document and headers wherever that is
 * decided. RateLimit headers follow draft-ietf-httpapi-ratelimit-headers-10.
 */
import type { Text } from '../../declaration/catalogue/entry.ts'
import { problemKinds } from '../problems/problem-kinds.ts'
import type { TicketMembers } from '../problems/problems.ts'
import { noSniffing } from '../wire/safe-headers.ts'
import type { RequestClass, Shed } from './admission.ts'

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

/** What is the same in every document of a kind: before the id of the trace, and after it. */
type Frame = readonly [before: string, after: string]

const frames = new Map<string, Frame>()

/**
 * The document of a request that was not let in, as bytes of UTF-8, each a character (latin1): a text
 * that is written to a socket as it is, without being encoded once more for each refusal.
 */
export function shedProblem(
  shed: Shed,
  language: keyof Text,
  traceId: string,
  { attemptTicket, attemptedAt, attemptValidUntil }: TicketMembers,
): string {
  const kind = `${shed.class} ${shed.reason} ${language}`
  const [before, after] = frames.get(kind) ?? frame(kind, shed, language)
  const ticket =
    attemptTicket === undefined
      ? ''
      : `,"attemptTicket":"${attemptTicket}","attemptedAt":"${attemptedAt}","attemptValidUntil":"${attemptValidUntil}"`
  return `${before}${traceId}${after}${ticket}}`
}

function frame(kind: string, shed: Shed, language: keyof Text): Frame {
  const code = shed.reason === 'share' ? 'SHARE_EXCEEDED' : 'BUSY'
  const { status, title, fix } = problemKinds[code]
  const before = JSON.stringify({
    type: `/v1/findings/${code}`,
    title: title[language],
    status,
    detail: detailOf(shed, language),
    code,
    message: title,
    fix,
    traceId: '',
  })
  const after = JSON.stringify({ shed: shed.class, reason: shed.reason })
  const made: Frame = [bytesOf(before.slice(0, -2)), bytesOf(`",${after.slice(1, -1)}`)]
  frames.set(kind, made)
  return made
}

const bytesOf = (text: string) => Buffer.from(text).toString('latin1')

function detailOf(shed: Shed, language: keyof Text): string {
  const { title, fix } = problemKinds[shed.reason === 'share' ? 'SHARE_EXCEEDED' : 'BUSY']
  const name = classNames[shed.class][language]
  const english = language === 'en'
  const given = english ? ` Given up for now: ${name}.` : `暂停受理：${name}。`
  const sentence = shed.reason === 'share' ? '' : given
  return english
    ? `${title.en}.${sentence} ${fix.en}`
    : `${title['zh-CN']}。${sentence}${fix['zh-CN']}`
}

/**
 * Whether a filing that is refused so gets a ticket: where there was no room for it, and not where its filer
 * sent more than its share, or anybody could mint as many as they like.
 */
export function earnsTicket({ class: of, reason }: Shed): boolean {
  return (of === 'filings' || of === 'filings-due') && reason !== 'share'
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
    ...noSniffing,
  }
}
