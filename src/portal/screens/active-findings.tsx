/** What is found in the row that is active, right below the grid, and read out when one comes to it. */
import { useEffect, useState } from 'preact/hooks'
import type { Desk } from '../filing/desk.ts'
import { type Column, columnOfField, type Row } from '../grid/row.ts'
import type { Found } from '../rules/protocol.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Note } from '../ui/note.tsx'
import { useSay } from '../ui/say.ts'

type ActiveProps = {
  readonly desk: Desk
  readonly row: Row | undefined
  readonly index: number
  readonly column: Column
}

export function ActiveFindings({ desk, row, index, column }: ActiveProps) {
  const say = useSay()
  const chosen = useStore(language)
  const { checked } = useStore(desk.check)
  const [found, set] = useState<readonly Found[]>([])
  useEffect(() => {
    let ended = false
    if ((checked?.marks[index] ?? 0) === 0) set([])
    else
      void desk.engine.ask({ ask: 'found', line: index }).then(
        (all) => ended || set(all),
        () => {},
      )
    return () => {
      ended = true
    }
  }, [checked, index])
  if (row === undefined) return null
  const here = [...found].sort(
    (one, other) =>
      Number(columnOfField(other.field) === column) - Number(columnOfField(one.field) === column),
  )
  return (
    <div aria-live="polite">
      {here.length > 0 && (
        <Note tone={here.some(({ severity }) => severity === 'error') ? 'error' : 'warning'}>
          <p class="typed">
            <strong>
              {say(texts.declare.rowIs, { row: index + 1, name: row.line.person.name })}
            </strong>
          </p>
          {here.map((one) => (
            <p key={one.code + one.field}>
              {say(texts.declare[columnOfField(one.field)])}：{one.message[chosen]}{' '}
              {one.fix[chosen]}
            </p>
          ))}
        </Note>
      )}
    </div>
  )
}
