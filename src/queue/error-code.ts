/**
 * The code of a queue error for logs and readiness: an error code, or the server's own first word
 * (`NOAUTH`, `WRONGPASS`, `NOPERM`, `ERR unknown command`), never a text that may quote what was sent.
 */

/** Whether Redis itself answered so: it is there, and refuses. */
export function isRefusal(error: Error): boolean {
  return error.name === 'ReplyError'
}

/** `ERR` alone says nothing: the words after it do, up to whatever is quoted. */
const firstWord = /^(?:ERR(?: [a-z]+)*|[A-Z]+)(?![\w])/

export function queueErrorCode(error: Error): string {
  if (isRefusal(error)) return firstWord.exec(error.message)?.[0] ?? error.name
  const { code } = error as Error & { readonly code?: unknown }
  return typeof code === 'string' ? code : error.name
}
