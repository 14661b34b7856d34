/**
 * What people see of a sign-in that did not end in the portal: what happened, and what to do next, in both
 * languages. Plain pages without a script, so that they show where nothing else does.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Text } from '../../declaration/catalogue/entry.ts'
import { languageOf } from '../problems/language.ts'
import { escaped, pageOf } from '../problems/meaning.ts'
import { problemKinds } from '../problems/problem-kinds.ts'

type Language = keyof Text

export type SignInProblem = Extract<
  keyof typeof problemKinds,
  `SIGN_IN_${string}` | 'ORIGIN_FOREIGN'
>

const words = {
  again: { 'zh-CN': '重新登录', en: 'Sign in again' },
  home: { 'zh-CN': '返回首页', en: 'Back to the first page' },
  claim: { 'zh-CN': '缺少的声明', en: 'What is missing' },
  code: { 'zh-CN': '代码', en: 'Code' },
} as const satisfies Record<string, Text>

/** Styles of these pages alone; a form goes to us and nowhere else. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** @param claim that a token lacks, for who administers accounts */
export function sendSignInProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: SignInProblem,
  claim?: string,
): FastifyReply {
  const { status, title, fix } = problemKinds[code]
  if (status === 503) reply.header('retry-after', '30')
  const section = (language: Language) =>
    [
      `<section lang="${language}"><h1>${escaped(title[language])}</h1>`,
      `<p>${escaped(fix[language])}</p>`,
      claim === undefined ? '' : `<p>${words.claim[language]}: <code>${escaped(claim)}</code></p>`,
      `<p><a href="/sign-in">${words.again[language]}</a> · <a href="/">${words.home[language]}</a></p>`,
      `<p>${words.code[language]}: <a href="/v1/findings/${code}">${code}</a></p></section>`,
    ].join('\n')
  const language = languageOf(request)
  return sendPage(reply.code(status), pageOf(title[language], language, section))
}

export function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('content-security-policy', policy)
    .send(page)
}
