/**
 * Problem documents (RFC 9457), in Chinese and English. Nothing of an error's own text is ever passed on.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Text } from '../../declaration/catalogue/entry.ts'
import type { Finding } from '../../declaration/findings.ts'
import { type NotUtf8, sayEncoding } from '../../declaration/utf8.ts'
import { languageOf } from './language.ts'
import { type ProblemCode, type ProblemKind, problemKinds } from './problem-kinds.ts'
import type { StandingMember } from './standing-refusal.ts'

export type ProblemDetails = {
  readonly errors?: readonly Finding[]
  readonly total?: number
  /** Of a body that is too large: how large it may be. */
  readonly bytesMax?: number | undefined
  /** Of a body that is not UTF-8: where it stops being that, and what it looks like. */
  readonly notUtf8?: NotUtf8 | undefined
  /** Of JSON that names a member twice: where. */
  readonly pointer?: string
  /** Of a token: the claim that it lacks. */
  readonly claim?: string
  /** Of a token that is valid for too long: how long it may be. */
  readonly secondsMax?: number
  /** Of a parameter in the address: its name, unless it has an odd one, and what it may be. */
  readonly parameter?: string
  readonly allowed?: Text
  /** The declaration that the filer should look at. */
  readonly instance?: string
  /** The declaration that stands where this one was to be filed. */
  readonly standing?: StandingMember
} & TicketMembers

/** Sends a problem document; 503 carries Retry-After with jitter, so that filers spread out. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  details: ProblemDetails = {},
): FastifyReply {
  const { status, title, fix }: ProblemKind = problemKinds[code]
  const language = languageOf(request)
  if (status === 503) reply.header('retry-after', String(1 + Math.floor(Math.random() * 5)))
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('content-language', language)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `/v1/findings/${code}`,
        title: title[language],
        status,
        detail: detailOf(`${title[language]}${placeOf(details, language)}`, fix, language),
        code,
        message: title,
        fix,
        traceId: request.id,
        ...details,
      }),
    )
}

function detailOf(what: string, fix: Text, language: keyof Text): string {
  return language === 'en' ? `${what}. ${fix.en}` : `${what}。${fix['zh-CN']}`
}

/** How large it may be, where that is a setting; where in the body the fault is. */
function placeOf(details: ProblemDetails, language: keyof Text): string {
  const { bytesMax, notUtf8, pointer, parameter, allowed, claim, secondsMax } = details
  const isEnglish = language === 'en'
  if (parameter === undefined && allowed !== undefined)
    return isEnglish ? `: ${allowed.en}` : `：${allowed['zh-CN']}`
  if (parameter !== undefined) {
    const may = allowed?.[language] ?? ''
    return isEnglish ? `: ${parameter} (${may})` : `：${parameter}（${may}）`
  }
  if (claim !== undefined)
    return isEnglish ? `: it lacks the claim ${claim}` : `：缺少声明 ${claim}`
  if (secondsMax !== undefined)
    return isEnglish ? `: at most ${secondsMax} seconds` : `（最长 ${secondsMax} 秒）`
  if (bytesMax !== undefined) return isEnglish ? `: ${bytesMax} bytes` : `（${bytesMax} 字节）`
  if (notUtf8 !== undefined) {
    const { offset, line, column, encoding } = notUtf8
    const looks = sayEncoding(encoding)[language]
    return isEnglish
      ? ` from byte ${offset} on (line ${line}, character ${column}): ${looks}`
      : `：从第 ${offset} 字节（第 ${line} 行第 ${column} 个字符）起，${looks}`
  }
  if (pointer === undefined || pointer === '') return ''
  return isEnglish ? `: ${pointer}` : `：${pointer}`
}

/** The problem for an error that Fastify or a handler threw. */
export function problemOf(error: unknown): ProblemCode {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'MEDIA_TYPE_UNSUPPORTED'
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return 'BODY_TOO_LARGE'
  if (statusCode === 400) return 'BODY_MALFORMED'
  if (statusCode === 404) return 'NOT_FOUND'
  if (statusCode === 503) return 'UNAVAILABLE'
  return 'INTERNAL'
}

/** Members of a problem document: the ticket, from when it counts, until when it serves. */
export type TicketMembers = {
  readonly attemptTicket?: string
  readonly attemptedAt?: string
  readonly attemptValidUntil?: string
}
