/**
 * Texts of `npm run upload` about connections and about answers that are not an intake's, in both
 * languages.
 */
import type { Text } from '../../declaration/catalogue/entry.ts'

/** An intake's answer. */
export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string }

/** No answer: the error's code, such as `ECONNREFUSED`; `SILENT` if nothing came in time. */
export type LostConnection = { readonly lost: string }

export type Language = keyof Text

/** The environment's language. */
export function environmentLanguage({ LC_ALL: all, LANG: lang = '' }: NodeJS.ProcessEnv): Language {
  return /^zh/.test(all || lang) ? 'zh-CN' : 'en'
}

/** The language for messages about wrong arguments, as far as the arguments name one. */
export function requestedLanguage(args: readonly string[], env: NodeJS.ProcessEnv): Language {
  const asked =
    args.find((_, i) => args[i - 1] === '--lang') ?? /--lang=(\S+)/.exec(args.join(' '))?.[1]
  return asked === 'zh-CN' || asked === 'en' ? asked : environmentLanguage(env)
}

/** An error of the file system. */
export function unreadableText(file: string, error: unknown, language: Language): string {
  const { code } = error as NodeJS.ErrnoException
  return pick(language, `无法读取 ${file}（${code}）。`, `Can't read ${file} (${code}).`)
}

export const pick = (language: Language, zh: string, en: string) => (language === 'zh-CN' ? zh : en)

/** An error of `fetch` or of a socket. */
export function lostConnectionOf(error: unknown): LostConnection {
  const { cause = error, name } = error as { cause?: unknown; name?: string }
  const { code, errors } = cause as { code?: unknown; errors?: readonly { code?: unknown }[] }
  // If the name has several addresses, each was tried.
  const found = code ?? errors?.[0]?.code
  if (name === 'TimeoutError') return { lost: 'SILENT' }
  return { lost: typeof found === 'string' ? found : 'UNKNOWN' }
}

const certificate = /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|UNABLE_TO_VERIFY/

/** Whether a retry may help, if nothing answered there before. */
export function isWorthRetrying({ lost }: LostConnection): boolean {
  return lost !== 'ENOTFOUND' && !certificate.test(lost)
}

/** One sentence that tells a refused connection from a missing one. */
export function lostText({ lost }: LostConnection, url: string, language: Language): string {
  const say = (zh: string, en: string) => pick(language, zh, en)
  if (lost === 'ECONNREFUSED')
    return say(
      `${url} 拒绝连接，该地址没有服务在监听`,
      `Connection refused: nothing listens at ${url}`,
    )
  if (lost === 'ENOTFOUND' || lost === 'EAI_AGAIN')
    return say(`找不到 ${url} 的主机名`, `The host name of ${url} is not known`)
  if (certificate.test(lost))
    return say(
      `${url} 的证书不受信任（${lost}）`,
      `The certificate of ${url} is not trusted (${lost})`,
    )
  if (lost === 'SILENT') return say(`${url} 没有应答`, `${url} doesn't answer`)
  return say('连接中断', 'No connection')
}

export function givenUpText(lost: LostConnection, url: string, language: Language): string {
  return pick(
    language,
    `${lostText(lost, url, language)}。请确认服务已启动，并核对 --url（或 SPILLWAY_URL、PORT）；同一命令会从中断处继续。`,
    `${lostText(lost, url, language)}. Check that the engine runs, and --url (or SPILLWAY_URL, PORT); the same command goes on from here.`,
  )
}

type Problem = {
  readonly code?: string
  readonly message?: Text
  readonly fix?: Text
  readonly errors?: readonly { pointer: string; message: Text; fix: Text; suggestion?: string }[]
}

/** Intake's own reason for refusing, or what the answer of something else means. */
export function refusalText(answer: Answer, url: string, language: Language): string {
  const problem = problemOf(answer.text)
  if (problem === undefined) return foreignAnswerText(answer.status, url, language)
  const { code = `HTTP ${answer.status}`, message, fix, errors = [] } = problem
  const lines = errors.map(
    (one) =>
      `  ${one.pointer}: ${one.message[language]} ${one.fix[language]}${one.suggestion ? ` → ${one.suggestion}` : ''}`,
  )
  return [`${code}: ${message?.[language] ?? ''}`, fix?.[language] ?? '', ...lines].join('\n')
}

function problemOf(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Problem | null
    return typeof problem?.code === 'string' ? problem : undefined
  } catch {
    return undefined // HEAD has no body, and a proxy has another one
  }
}

/** Only a proxy or another service answers like this. */
export function foreignAnswerText(status: number, url: string, language: Language): string {
  const say = (zh: string, en: string) => pick(language, zh, en)
  if (status === 413)
    return say(
      `HTTP 413：${url} 前面的代理不接受这么大的文件。请联系其管理员调大请求体上限，或直接使用受理服务的地址。`,
      `HTTP 413: a proxy before ${url} takes no file of this size. Ask its operator for a larger limit of bodies, or use the intake's own address.`,
    )
  if (status >= 500)
    return say(
      `HTTP ${status}：${url} 前面的代理连接不到受理服务。请稍后用同一命令继续，或联系管理员。`,
      `HTTP ${status}: a proxy before ${url} can't reach the intake. Try the same command later, or tell its operator.`,
    )
  return say(
    `HTTP ${status}：${url} 的应答不是来自 Spillway 受理服务，请核对 --url（或 SPILLWAY_URL、PORT）。`,
    `HTTP ${status}: what answers at ${url} is no Spillway intake. Check --url (or SPILLWAY_URL, PORT).`,
  )
}
