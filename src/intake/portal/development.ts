/**
 * A sign-in without a password, to try the portal with employers that there aren't. It is there where all of
 * this holds: ENVIRONMENT is development, intake listens on a loopback address, no identity provider is set,
 * and the request itself comes from this machine, by a name of it, through no proxy. The page says so.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Text } from '../../declaration/catalogue/entry.ts'
import { checkSocialCreditCode } from '../../declaration/social-credit-code.ts'
import { developmentEmployersMax, subjectCharactersMax } from '../../limits.ts'
import { escaped, pageOf } from '../problems/meaning.ts'

type Language = keyof Text

/** Those that the page offers: well-formed codes of nobody. */
export const syntheticEmployers = ['91350100M000100Y43'] as const

export const developmentRoles = ['filer', 'viewer'] as const

export type DevelopmentUser = {
  readonly subject: string
  readonly employers: readonly string[]
  readonly role: (typeof developmentRoles)[number]
}

export type DevelopmentFault = 'employers' | 'name'

/** What a form says; or what is wrong with it. */
export function developmentUserOf(form: URLSearchParams): DevelopmentUser | DevelopmentFault {
  const employers = (form.get('employers') ?? '').toUpperCase().split(/[\s,，、;；]+/)
  const named = employers.filter((one) => one !== '')
  const isKnown = named.every((one) => checkSocialCreditCode(one) === undefined)
  if (named.length === 0 || named.length > developmentEmployersMax || !isKnown) return 'employers'
  const subject = (form.get('name') ?? '').trim()
  if (subject === '' || subject.length > subjectCharactersMax || subject.includes('\0'))
    return 'name'
  const role = developmentRoles.find((one) => one === form.get('role')) ?? 'viewer'
  return { subject, employers: [...new Set(named)], role }
}

const names: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const forwarding = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const

/** A page of elsewhere can have its name point to this machine, and a proxy can stand on it. */
export function isOfThisMachine({ headers, socket }: IncomingMessage): boolean {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
  const isForwarded = forwarding.some((name) => headers[name] !== undefined)
  return names.has(host) && isLoopback(socket.remoteAddress ?? '') && !isForwarded
}

/** An address, or the name of this machine. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true
  const plain = address.replace(/^::ffff:/i, '')
  return isIP(plain) === 4 ? plain.startsWith('127.') : plain === '::1'
}

const texts = {
  'zh-CN': {
    title: '登录（仅限本机试用）',
    notice:
      '此登录不需要密码，仅在本机（回环地址）且 ENVIRONMENT 为 development 时可用，只用于虚构的单位。请勿录入真实的人员信息。正式使用请配置身份服务。',
    employers: '统一社会信用代码（多个以空格分隔）',
    name: '姓名（任意）',
    role: '角色',
    filer: '申报人员',
    viewer: '仅查看',
    submit: '登录',
    faults: {
      employers: '请填写 1 至 50 个有效的统一社会信用代码（18 位，核对校验位）。',
      name: '请填写 1 至 255 个字符的姓名。',
    },
  },
  en: {
    title: 'Sign in (to try it on this machine)',
    notice:
      'This sign-in asks for no password. It is there on this machine alone (a loopback address) and only while ENVIRONMENT is development, for employers that are made up. Enter nothing of real people. For real use, set up an identity provider.',
    employers: 'Unified social credit codes, with spaces between',
    name: 'Name (any)',
    role: 'Role',
    filer: 'files declarations',
    viewer: 'only looks',
    submit: 'Sign in',
    faults: {
      employers: 'Enter 1 to 50 unified social credit codes of 18 characters; check their digits.',
      name: 'Enter a name of 1 to 255 characters.',
    },
  },
} as const

/** @param entered what came before, where something in it is wrong */
export function developmentPage(
  first: Language,
  returnTo: string,
  entered?: { readonly form: URLSearchParams; readonly fault: DevelopmentFault },
): string {
  const employers = entered?.form.get('employers') ?? syntheticEmployers.join(' ')
  const name = entered?.form.get('name') ?? (first === 'en' ? 'Trial clerk' : '试用人员')
  const chosen = entered?.form.get('role') ?? 'filer'
  return pageOf(texts[first].title, first, (language) => {
    const text = texts[language]
    const option = (role: (typeof developmentRoles)[number]) =>
      `<option value="${role}"${role === chosen ? ' selected' : ''}>${text[role]}</option>`
    return [
      `<section lang="${language}"><h1>${text.title}</h1><p><strong>${text.notice}</strong></p>`,
      entered === undefined ? '' : `<p role="alert">${text.faults[entered.fault]}</p>`,
      '<form method="post" action="/sign-in">',
      `<input type="hidden" name="returnTo" value="${escaped(returnTo)}">`,
      `<p><label>${text.employers}<br><input name="employers" required size="40" value="${escaped(employers)}"></label></p>`,
      `<p><label>${text.name}<br><input name="name" required maxlength="255" size="40" value="${escaped(name)}"></label></p>`,
      `<p><label>${text.role}<br><select name="role">${developmentRoles.map(option).join('')}</select></label></p>`,
      `<p><button>${text.submit}</button></p></form></section>`,
    ].join('\n')
  })
}
