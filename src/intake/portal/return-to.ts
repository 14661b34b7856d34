/** Where a sign-in ends: at a page of this service, whatever the address says that it began with. */
import { returnToCharactersMax } from '../../limits.ts'

const here = 'http://here.invalid'

/** The path, query and fragment that are asked for; `/` for whatever else, as for other sites' addresses. */
export function returnToOf(asked: string | undefined): string {
  if (asked === undefined || asked.length > returnToCharactersMax) return '/'
  // Browsers take `//host` and `/\host` for another host's, and leave tabs and line breaks out.
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(asked) || !URL.canParse(asked, here)) return '/'
  const { origin, pathname, search, hash } = new URL(asked, here)
  const isElsewhere = origin !== here || pathname.startsWith('//')
  return isElsewhere || pathname.startsWith('/sign-in') ? '/' : `${pathname}${search}${hash}`
}
