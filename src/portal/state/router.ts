/**
 * Where in the portal somebody is. The place is behind the `#` of the address, which browsers never send: no employer
 * and no declaration is ever in a log of addresses.
 *
 *   #/                    home           #/declare/2025-08      the declaration of a period
 *   #/receipt/{id}        a receipt      #/correct/{id}         begins its correction; {id}/draft: with what was entered
 *   #/files               files sent     #/files/{id}           one of them, and its rows to mend
 *   #/history             all filings    #/findings/{code}      what a finding means
 */
import { createStore } from './store.ts'

export type Place = { readonly screen: string; readonly argument: string }

function placeHere(): Place {
  if (location.pathname === '/verify') return { screen: 'verify', argument: location.hash.slice(1) }
  const [screen = '', ...rest] = location.hash.replace(/^#\/?/, '').split('/')
  return { screen, argument: decodeSafely(rest.join('/')) }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

export const place = createStore<Place>(placeHere())

addEventListener('hashchange', () => place.set(placeHere()))

export function hrefOf(screen: string, argument = ''): string {
  const root = location.pathname === '/' ? '' : '/'
  return `${root}#/${screen}${argument === '' ? '' : `/${encodeURIComponent(argument)}`}`
}

/** As `go`, in the place of this page: the way back leads to the page before. */
export function goInstead(screen: string, argument = ''): void {
  location.replace(hrefOf(screen, argument))
}

export function go(screen: string, argument = ''): void {
  const href = hrefOf(screen, argument)
  if (href.startsWith('#')) location.hash = href
  else location.assign(href)
}
