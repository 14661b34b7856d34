/** Something to know: what kind it is shows in a sign and a colour, and says so in words. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { texts } from '../texts/texts.ts'
import { Icon } from './icons.tsx'
import { useSay } from './say.ts'

export type Tone = 'ok' | 'warning' | 'error' | 'hint'

type NoteProps = {
  readonly tone: Tone
  readonly alert?: boolean
  readonly children: ComponentChildren
}

export function Note({ tone, alert = false, children }: NoteProps) {
  return (
    <div class={`note ${tone}`} role={alert ? 'alert' : undefined}>
      <Icon name={tone} />
      <div class="stack close">{children}</div>
    </div>
  )
}

/** Seconds until an instant of this machine's clock; 0 when it has come. */
export function useSecondsUntil(atMs: number | undefined): number {
  const secondsLeft = () =>
    atMs === undefined ? 0 : Math.max(0, Math.ceil((atMs - Date.now()) / 1_000))
  const [seconds, set] = useState(secondsLeft())
  useEffect(() => {
    set(secondsLeft())
    const timer = setInterval(() => set(secondsLeft()), 250)
    return () => clearInterval(timer)
  }, [atMs])
  return seconds
}

type AgainProps = { readonly atMs: number | undefined; readonly again: () => void }

/** A read that was put off: counts down and asks again by itself; without a time, by a button. */
export function Again({ atMs, again }: AgainProps) {
  const say = useSay()
  const seconds = useSecondsUntil(atMs)
  useEffect(() => {
    if (atMs !== undefined && seconds === 0) again()
  }, [seconds === 0, atMs])
  return (
    <Note tone="warning">
      <p>{atMs === undefined ? say(texts.general.lost) : say(texts.general.busy, { seconds })}</p>
      {atMs === undefined && (
        <p>
          <button type="button" class="button" onClick={again}>
            {say(texts.general.retry)}
          </button>
        </p>
      )}
    </Note>
  )
}
