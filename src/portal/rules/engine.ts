/** The page's side of the worker of rules: fetches the pack, proves its hash, and asks. */
import type { EditedHeader, Row } from '../grid/row.ts'
import type { Answers, Asked } from './protocol.ts'

export type Engine = {
  ask<K extends Asked['ask']>(asked: Extract<Asked, { ask: K }>): Promise<Answers[K]>
  /** Tells the worker the rows; of few that differ from the last ones, only these. */
  tell(header: EditedHeader, rows: readonly Row[]): Promise<void>
  end(): void
}

/** With more, the whole is sent: copying it costs no more. */
const changedMax = 500

export function createEngine(): Engine {
  const worker = new Worker(new URL('../rules/worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >()
  let asked = 0
  let told: readonly Row[] = []
  let toldHeader: EditedHeader | undefined
  worker.onmessage = ({ data }) => {
    const asker = waiting.get(data.id)
    waiting.delete(data.id)
    if (data.failed === undefined) asker?.resolve(data.answer as never)
    else asker?.reject(new Error(data.failed))
  }
  worker.onerror = () => {
    for (const { reject } of waiting.values()) reject(new Error('worker'))
    waiting.clear()
  }
  const ask: Engine['ask'] = (question) => {
    asked += 1
    const id = asked
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, asked: question })
    })
  }
  return {
    ask,
    tell: async (header, rows) => {
      const changed = header === toldHeader ? differences(told, rows) : undefined
      told = rows
      toldHeader = header
      if (changed === undefined)
        await ask({ ask: 'lines', header, lines: rows.map(({ line }) => line) })
      else if (changed.length > 0) await ask({ ask: 'change', changed })
    },
    end: () => worker.terminate(),
  }
}

/** Undefined where it is better to send all. */
function differences(told: readonly Row[], rows: readonly Row[]) {
  if (told.length !== rows.length) return undefined
  const changed: [number, Row['line']][] = []
  for (let i = 0; i < rows.length; i += 1) {
    const line = (rows[i] as Row).line
    if (line !== told[i]?.line) changed.push([i, line])
    if (changed.length > changedMax) return undefined
  }
  return changed
}

/** The pack of a region, with its hash proved: what is checked here is what intake checks with. */
export async function loadPack(engine: Engine, region: string): Promise<boolean> {
  try {
    const answer = await fetch(`/v1/policies/${encodeURIComponent(region)}/pack`, {
      credentials: 'omit',
    })
    if (!answer.ok) return false
    const bytes = await answer.arrayBuffer()
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
    return await engine.ask({ ask: 'pack', text: new TextDecoder().decode(bytes), hash })
  } catch {
    return false
  }
}
