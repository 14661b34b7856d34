/**
 * The desk of one employer and period: the rows that are edited, what the rules say of them, and the draft that is
 * kept. It lives while the page does, whichever screen shows it.
 *
 *   loading → ready      from what was kept here, else from what the service proposes
 *   loading → put off    the service is busy, or gave no answer: with when to ask again
 */
import { type EditedHeader, type EditedLine, type Row, rowOf } from '../grid/row.ts'
import { createSheet, type Sheet } from '../grid/sheet.ts'
import { createEngine, type Engine, loadPack } from '../rules/engine.ts'
import type { Amounts, Checked } from '../rules/protocol.ts'
import { serverNowMs } from '../state/clock.ts'
import { readRegions } from '../state/declarations.ts'
import { sessionEnded } from '../state/session.ts'
import { createStore, type Store } from '../state/store.ts'
import { knownAs } from './difference.ts'
import { headerOf, readProposed } from './draft.ts'
import { find, forget, keep } from './sealed.ts'

export type DeskState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'putOff'; readonly resumesAtMs: number | undefined }
  | { readonly kind: 'refused'; readonly status: number }
  | {
      readonly kind: 'ready'
      readonly header: EditedHeader
      readonly sheet: Sheet
      readonly proposed: number
      /** Of a correction. */
      readonly corrects?: Corrected | undefined
    }

export type CheckState = {
  readonly kind: 'none' | 'checking' | 'checked' | 'failed'
  readonly checked: Checked | undefined
}

export type Desk = {
  readonly name: DeskName
  readonly state: Store<DeskState>
  readonly check: Store<CheckState>
  readonly savedAtMs: Store<number | undefined>
  readonly engine: Engine
  load(): Promise<void>
  /** Resolves when all that was entered has been looked at. */
  settled(): Promise<void>
  /** Forgets what was not kept yet. */
  close(): void
  /** Keeps what was entered, then closes. */
  leave(): void
}

export type DeskName = {
  readonly subject: string
  readonly employer: string
  readonly period: string
}

/** What a correction is compared with: the declaration that it replaces, as it is in force. */
export type Corrected = {
  readonly lines: readonly EditedLine[]
  /** As they count in the ledger; undefined until it is posted. */
  readonly amounts?: readonly Amounts[]
}

/** What is kept of a draft. */
export type KeptDraft = {
  readonly header: EditedHeader
  readonly rows: readonly { readonly line: EditedLine; readonly before?: EditedLine | undefined }[]
  readonly proposed: number
  readonly corrects?: Corrected | undefined
}

export const draftNameOf = ({ subject, employer, period }: DeskName) =>
  `draft ${subject} ${employer} ${period}`

/** After the last key: shorter would check each letter, longer would feel late. */
const checkAfterMs = 250
const keepAfterMs = 800

let open: Desk | undefined

export function deskOf(name: DeskName): Desk {
  if (open !== undefined && draftNameOf(open.name) === draftNameOf(name)) return open
  open?.leave()
  open = createDesk(name)
  void open.load()
  return open
}

/** After the receipt, or when a draft is discarded. */
export async function clearDesk(name: DeskName): Promise<void> {
  if (open !== undefined && draftNameOf(open.name) === draftNameOf(name)) {
    open.close()
    open = undefined
  }
  await forget(draftNameOf(name))
}

/** What is kept for a month, without opening it to be edited. */
export async function findDraft(name: DeskName): Promise<KeptDraft | undefined> {
  const desk = open !== undefined && draftNameOf(open.name) === draftNameOf(name) ? open : undefined
  const ready = desk?.state.get()
  // What was changed just now is kept a moment later.
  if (ready?.kind === 'ready' && ready.sheet.steps.get().back > 0) return keptDraft(ready)
  return (await find<KeptDraft>(draftNameOf(name)))?.value
}

/** Begins a draft that is not last month's: a correction. */
export async function beginDraft(name: DeskName, draft: KeptDraft): Promise<void> {
  await clearDesk(name)
  await keep(draftNameOf(name), draft)
}

function createDesk(name: DeskName): Desk {
  const state = createStore<DeskState>({ kind: 'loading' })
  const check = createStore<CheckState>({ kind: 'none', checked: undefined })
  const savedAtMs = createStore<number | undefined>(undefined)
  const engine = createEngine()
  const timers: { check?: ReturnType<typeof setTimeout>; keep?: ReturnType<typeof setTimeout> } = {}
  let isClosed = false
  let checking: Promise<void> = Promise.resolve()

  const runCheck = async () => {
    const ready = state.get()
    if (ready.kind !== 'ready' || isClosed) return
    const rows = ready.sheet.rows.get()
    check.set({ ...check.get(), kind: 'checking' })
    try {
      await engine.tell(ready.header, rows)
      const checked = await engine.ask({ ask: 'check', nowMs: serverNowMs() })
      // Later rows are looked at by a check of their own.
      if (rows === ready.sheet.rows.get()) check.set({ kind: 'checked', checked })
    } catch {
      check.set({ kind: 'failed', checked: undefined })
    }
  }
  const runKeep = async () => {
    const ready = state.get()
    if (ready.kind !== 'ready' || isClosed) return
    await keep(draftNameOf(name), keptDraft(ready)).catch(() => {})
    if (!isClosed) savedAtMs.set(Date.now())
  }
  const changed = () => {
    clearTimeout(timers.check)
    clearTimeout(timers.keep)
    timers.check = setTimeout(() => {
      checking = checking.then(runCheck)
    }, checkAfterMs)
    timers.keep = setTimeout(() => void runKeep(), keepAfterMs)
  }
  const ready = async (draft: KeptDraft) => {
    const { header, proposed, corrects } = draft
    const kept = corrects === undefined ? draft.rows : knownAs(corrects.lines, draft.rows)
    const sheet = createSheet(kept.map(({ line, before }) => rowOf(line, before)))
    state.set({ kind: 'ready', header, sheet, proposed, corrects })
    sheet.rows.watch(changed)
    const isKnown = await loadPack(engine, draft.header.region)
    const before = corrects?.lines ?? draft.rows.flatMap((row) => row.before ?? [])
    if (isKnown) await engine.ask({ ask: 'before', lines: before }).catch(() => {})
    checking = checking.then(
      isKnown ? runCheck : () => check.set({ kind: 'failed', checked: undefined }),
    )
  }
  const leaving = () => {
    if (document.visibilityState === 'hidden' && timers.keep !== undefined) void runKeep()
  }
  document.addEventListener('visibilitychange', leaving)

  const close = () => {
    isClosed = true
    clearTimeout(timers.check)
    clearTimeout(timers.keep)
    document.removeEventListener('visibilitychange', leaving)
    engine.end()
  }

  return {
    ...{ name, state, check, savedAtMs, engine, close },
    leave: () => {
      // The rows are taken before it closes: what was entered just now is kept, too.
      if (timers.keep !== undefined) void runKeep()
      close()
    },
    load: async () => {
      const kept = await find<KeptDraft>(draftNameOf(name))
      if (isClosed) return
      if (kept !== undefined) {
        savedAtMs.set(kept.savedAtMs)
        return ready(kept.value)
      }
      state.set({ kind: 'loading' })
      const found = await propose(name)
      if (isClosed) return
      if ('header' in found) return ready(found)
      state.set(found)
    },
    settled: async () => {
      clearTimeout(timers.check)
      checking = checking.then(runCheck)
      await checking
    },
  }
}

function keptDraft(ready: Extract<DeskState, { kind: 'ready' }>): KeptDraft {
  const rows = ready.sheet.rows
    .get()
    .map(({ line, before }: Row) => ({ line, ...(before && { before }) }))
  const { header, proposed, corrects } = ready
  return { header, rows, proposed, ...(corrects && { corrects }) }
}

async function propose(name: DeskName): Promise<KeptDraft | Exclude<DeskState, { kind: 'ready' }>> {
  const found = await readProposed(name.employer, name.period)
  if (found.kind === 'signedOut') {
    sessionEnded()
    return { kind: 'loading' }
  }
  if (found.kind === 'refused') return { kind: 'refused', status: found.status }
  if (found.kind !== 'ok')
    return { kind: 'putOff', resumesAtMs: found.kind === 'busy' ? found.resumesAtMs : undefined }
  const { lines } = found.value
  const region = found.value.region ?? (await firstRegion())
  if (region === undefined) return { kind: 'putOff', resumesAtMs: undefined }
  const header = headerOf(found.value, { employer: name.employer, region, period: name.period })
  return { header, rows: lines.map((line) => ({ line, before: line })), proposed: lines.length }
}

async function firstRegion(): Promise<string | undefined> {
  const found = await readRegions()
  return found.kind === 'ok' ? found.value.regions[0]?.region : undefined
}
