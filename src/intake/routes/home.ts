/** What is at `/`: the portal; where none was built, what this service is, and where to go on. */
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { type Portal, sendPortalPage } from '../portal/portal-files.ts'
import { streamed } from '../present/answers.ts'
import { problemSchema } from '../present/schemas.ts'
import { languageOf } from '../problems/language.ts'
import { pageOf, pageSecurityPolicy } from '../problems/meaning.ts'

const links = [
  {
    href: '/v1/service/status',
    'zh-CN': '服务状态：是否正常受理、积压多少、下一个截止时间',
    en: 'Service status: whether it accepts, what waits, the next deadline',
  },
  {
    href: '/documentation',
    'zh-CN': '接口文档：如何申报、上传文件、查询',
    en: 'API documentation: how to file, upload a file, look up',
  },
  {
    href: '/v1/policies',
    'zh-CN': '各统筹区的缴费参数及其依据',
    en: 'Contribution parameters of each region, with their sources',
  },
  {
    href: '/.well-known/jwks.json',
    'zh-CN': '核验受理回执用的公钥',
    en: 'Public keys that verify receipts',
  },
] as const

const texts = {
  'zh-CN': {
    title: '社会保险缴费申报受理服务',
    what: '本服务受理用人单位的社会保险缴费申报，并出具可核验的受理回执。请通过申报门户、手机应用或工资系统申报。',
    findings: '收到提示代码时，打开 /v1/findings/代码 可查看含义和处理办法，例如',
  },
  en: {
    title: 'Intake of social-insurance contribution declarations',
    what: 'This service accepts contribution declarations of employers and answers with a receipt that anybody can verify. File with a portal, an app or a payroll system.',
    findings: 'Open /v1/findings/CODE to read what a finding means and how to fix it, for example',
  },
} as const

const example = 'ID_CHECK_DIGIT'

const homeSchema = Type.Object(
  { title: Type.String(), links: Type.Record(Type.String(), Type.String()) },
  { title: 'Home' },
)
const problems = { '4xx': problemSchema, '5xx': problemSchema }

/** @param portal undefined: none was built */
export function homeRoute(app: FastifyInstance, portal: Portal | undefined): void {
  app.get('/', {
    logLevel: 'warn',
    schema: {
      operationId: 'getHome',
      tags: ['service'],
      summary: 'What this service is, as a page or as links',
      security: [],
      response: {
        200: streamed('The page.', ['application/json', 'text/html'], homeSchema),
        ...problems,
      },
    },
    handler: async (request, reply) => {
      const isPage = request.headers.accept?.includes('text/html') === true
      if (isPage && portal !== undefined) return sendPortalPage(portal, request, reply)
      reply.header('cache-control', 'public, max-age=300').header('vary', 'accept, accept-language')
      if (!isPage)
        return reply.send({
          title: texts.en.title,
          links: Object.fromEntries(links.map(({ href, en }) => [href, en])),
        })
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', pageSecurityPolicy)
        .send(pageOf(texts[languageOf(request)].title, languageOf(request), section))
    },
  })
}

function section(language: keyof typeof texts): string {
  const { title, what, findings } = texts[language]
  return [
    `<section lang="${language}"><h1>${title}</h1>`,
    `<p>${what}</p><ul>`,
    ...links.map((link) => `<li><a href="${link.href}">${link[language]}</a></li>`),
    `</ul><p>${findings} <a href="/v1/findings/${example}">${example}</a></p></section>`,
  ].join('\n')
}
