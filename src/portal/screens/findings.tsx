/**
 * What the rules find: a summary of errors first and then of the rest, by kind, each with the way to its field and
 * what to do; where a value that passes is known, a button that puts it in, for one or for all of a kind.
 */
import { useState } from 'preact/hooks'
import type { CheckState, Desk } from '../filing/desk.ts'
import { columnOfField, type EditedLine, type Row, withCell } from '../grid/row.ts'
import type { Sheet } from '../grid/sheet.ts'
import type { Found, FoundGroup } from '../rules/protocol.ts'
import { hrefOf } from '../state/router.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { useSay } from '../ui/say.ts'

type FindingsProps = {
  readonly desk: Desk
  readonly sheet: Sheet
  readonly rows: readonly Row[]
  readonly setTold: (told: string) => void
  readonly onJump: (found: Found) => void
}

export function Findings(props: FindingsProps) {
  const say = useSay()
  const { checked, kind } = useStore(props.desk.check)
  if (kind === 'failed') return <p class="note warning">{say(texts.declare.rulesFailed)}</p>
  if (checked === undefined || props.rows.length === 0) return null
  return (
    <section id="found" class="stack close findings" tabIndex={-1} aria-labelledby="found-title">
      <h2
        id="found-title"
        class={`found-title tone-${checked.errors > 0 ? 'error' : checked.warnings > 0 ? 'warning' : 'ok'}`}
      >
        <Icon name={checked.errors > 0 ? 'error' : checked.warnings > 0 ? 'warning' : 'ok'} />
        <span role="status">
          <SummaryText checked={checked} />
        </span>
      </h2>
      {checked.groups.map((group) => (
        <Group key={group.code} group={group} {...props} />
      ))}
    </section>
  )
}

function SummaryText({
  checked: { errors, warnings },
}: {
  checked: NonNullable<CheckState['checked']>
}) {
  const say = useSay()
  if (errors === 1) return <>{say(texts.declare.summaryOneError)}</>
  if (errors > 1) return <>{say(texts.declare.summaryErrors, { count: errors })}</>
  if (warnings === 1) return <>{say(texts.declare.summaryOneWarning)}</>
  if (warnings > 1) return <>{say(texts.declare.summaryWarnings, { count: warnings })}</>
  return <>{say(texts.declare.summaryNone)}</>
}

/** Shown at first; the others on demand. */
const firstShown = 3

function Group({
  group,
  rows,
  sheet,
  desk,
  setTold,
  onJump,
}: FindingsProps & { readonly group: FoundGroup }) {
  const say = useSay()
  const chosen = useStore(language)
  const [shown, setShown] = useState(firstShown)
  const applyAll = async () => {
    const all = await desk.engine.ask({ ask: 'suggestions', code: group.code })
    const changed = new Map<number, EditedLine>()
    for (const { line, field, suggestion } of all) {
      const row = rows[line]
      if (row)
        changed.set(line, withCell(changed.get(line) ?? row.line, columnOfField(field), suggestion))
    }
    sheet.merge(changed, [])
    setTold(say(texts.declare.applied, { count: changed.size }))
  }
  return (
    <div class={`found-group card is-${group.severity}`}>
      <div class="row found-head">
        <h3>
          <span class={`tone-${group.severity}`}>{say(texts.declare[group.severity])}</span>{' '}
          {group.title[chosen]}
          <span class="quiet"> × {group.count}</span>
        </h3>
        {group.suggested > 1 && (
          <button type="button" class="button" onClick={() => void applyAll()}>
            {say(texts.declare.applyAll, { count: group.suggested })}
          </button>
        )}
      </div>
      <ul class="found-list">
        {group.first.slice(0, shown).map((found) => (
          <FoundItem key={`${found.line}${found.field}`} {...{ found, rows, sheet, onJump }} />
        ))}
      </ul>
      <div class="row">
        {group.count > shown && (
          <button type="button" class="button plain" onClick={() => setShown(shown + 20)}>
            {say(texts.declare.andMore, { count: group.count - shown })}
          </button>
        )}
        <a class="small found-link" href={hrefOf('findings', group.code)}>
          {say(texts.declare.what)}
        </a>
      </div>
    </div>
  )
}

type ItemProps = Pick<FindingsProps, 'rows' | 'sheet' | 'onJump'> & { readonly found: Found }

function FoundItem({ found, rows, sheet, onJump }: ItemProps) {
  const say = useSay()
  const chosen = useStore(language)
  const row = rows[found.line]
  const { suggestion } = found
  return (
    <li>
      {row === undefined ? (
        <span class="found-where">{say(texts.declare.header)}</span>
      ) : (
        <button type="button" class="found-where" onClick={() => onJump(found)}>
          <span class="typed">
            {say(texts.declare.rowIs, { row: found.line + 1, name: row.line.person.name })}
          </span>
        </button>
      )}
      <span>
        {found.message[chosen]} <span class="quiet">{found.fix[chosen]}</span>
      </span>
      {suggestion !== undefined && row !== undefined && (
        <button
          type="button"
          class="button"
          onClick={() => sheet.edit(found.line, columnOfField(found.field), suggestion)}
        >
          {say(texts.declare.apply, { value: shownValue(suggestion, say) })}
        </button>
      )}
    </li>
  )
}

/** Values that people know by a word. */
export function shownValue(value: string, say: ReturnType<typeof useSay>): string {
  const words: Readonly<Record<string, { readonly 'zh-CN': string; readonly en: string }>> =
    texts.declare
  const isWord = ['none', 'join', 'leave', 'employee', 'flexible', 'platform'].includes(value)
  const known = isWord ? words[value] : undefined
  return known === undefined ? value : say(known)
}
