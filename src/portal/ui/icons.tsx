/** Signs that stand beside words, never instead of them: hidden from who has the page read out. */
const paths = {
  ok: 'M4 12.5l5 5L20 6.5',
  warning: 'M12 3.5L22 20.5H2zM12 10v5m0 2.2v.6',
  error: 'M12 2.5a9.5 9.5 0 100 19 9.5 9.5 0 000-19zM12 7v6m0 3v.6',
  hint: 'M12 2.5a9.5 9.5 0 100 19 9.5 9.5 0 000-19zM12 11v6m0-10v.6',
  clock: 'M12 2.5a9.5 9.5 0 100 19 9.5 9.5 0 000-19zM12 7v5.5l3.5 2',
  lock: 'M6 11V8a6 6 0 0112 0v3M5 11h14v10H5z',
  undo: 'M9 5L4 10l5 5M4 10h10a6 6 0 010 12',
  add: 'M12 4v16M4 12h16',
  print: 'M7 9V3h10v6M7 18H4v-8h16v8h-3M7 14h10v7H7z',
  search: 'M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L21 21',
  next: 'M9 5l7 7-7 7',
  paste: 'M8 5H5v16h14V5h-3M9 3h6v4H9z',
  leave: 'M10 4H4v16h6M15 8l4 4-4 4m4-4H9',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" class="logo-ground" />
      <path d="M5 10h9c3 0 3 7 6 10 2 2 4 2 7 2" class="logo-crest" />
      <path d="M5 16h6c2 0 3 5 5 8" class="logo-fall" />
    </svg>
  )
}
