/** How the service is: asked when the home page opens, and now and then while it is looked at. */
import { useEffect, useState } from 'preact/hooks'
import { setServerTime } from './clock.ts'
import { read } from './read.ts'

export type ServiceStatus = {
  readonly status: 'green' | 'yellow' | 'red'
  readonly at: string
  readonly secondsToAccept?: number
  readonly nextDeadline?: string
}

const everyMs = 30_000

export function useServiceStatus(): ServiceStatus | undefined {
  const [status, set] = useState<ServiceStatus>()
  useEffect(() => {
    let ended = false
    const look = async () => {
      if (document.hidden) return
      const found = await read<ServiceStatus>('/v1/service/status')
      if (ended) return
      if (found.kind === 'ok') setServerTime(found.value.at)
      set(found.kind === 'ok' ? found.value : undefined)
    }
    void look()
    const timer = setInterval(() => void look(), everyMs)
    return () => {
      ended = true
      clearInterval(timer)
    }
  }, [])
  return status
}
