/** Who is signed in, for which employers, and which of them is acted for. Who it is, the service alone decides. */
import { forgetAll, isShared } from '../filing/sealed.ts'
import { setServerTime } from './clock.ts'
import { read } from './read.ts'
import { createStore } from './store.ts'

export type Session = {
  readonly signedIn: boolean
  readonly environment: string
  readonly now: string
  readonly signIn?: { readonly kind: 'provider' | 'development'; readonly href: string }
  readonly subject?: string
  readonly employers?: readonly string[]
  readonly may?: readonly string[]
  readonly expiresAt?: string
  readonly renewable?: boolean
}

export type SessionState =
  | { readonly kind: 'asking' }
  | { readonly kind: 'lost'; readonly resumesAtMs: number | undefined }
  | { readonly kind: 'known'; readonly session: Session }

export const session = createStore<SessionState>({ kind: 'asking' })
export const employer = createStore<string | undefined>(kept('spillway-employer'))

export async function askSession(): Promise<void> {
  const found = await read<Session>('/session')
  if (found.kind !== 'ok') {
    const resumesAtMs = found.kind === 'busy' ? found.resumesAtMs : undefined
    session.set({ kind: 'lost', resumesAtMs })
    return
  }
  setServerTime(found.value.now)
  session.set({ kind: 'known', session: found.value })
  const { employers = [] } = found.value
  const chosen = employer.get()
  if (chosen !== undefined && !employers.includes(chosen)) chooseEmployer(undefined)
  if (employers.length === 1) chooseEmployer(employers[0])
}

/** A call was answered with 401: what was entered stays, and the page asks to sign in. */
export function sessionEnded(): void {
  const state = session.get()
  if (state.kind !== 'known' || !state.session.signedIn) return
  session.set({ kind: 'known', session: { ...state.session, signedIn: false } })
}

export function chooseEmployer(chosen: string | undefined): void {
  try {
    if (chosen === undefined) sessionStorage.removeItem('spillway-employer')
    else sessionStorage.setItem('spillway-employer', chosen)
  } catch {}
  employer.set(chosen)
}

function kept(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined
  } catch {
    return undefined
  }
}

/** Everything that was entered goes with it. */
export async function signOut(): Promise<void> {
  await forgetAll()
  chooseEmployer(undefined)
  const answer = await fetch('/session/end', { method: 'POST', credentials: 'same-origin' }).catch(
    () => undefined,
  )
  const ended = (await answer?.json().catch(() => undefined)) as
    | { providerSignOut?: string }
    | undefined
  location.assign(ended?.providerSignOut ?? '/')
}

/** The page to sign in at, which comes back here. On a shared computer what is in memory must stay: a new window. */
export function signInHref(base = '/sign-in'): string {
  const here = isShared() ? '/' : `${location.pathname}${location.hash}`
  return `${base}?returnTo=${encodeURIComponent(here)}`
}

export function mayFile(state: SessionState): boolean {
  return state.kind === 'known' && (state.session.may ?? []).includes('file')
}
