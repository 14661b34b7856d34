/** What is wrong, by cause: how many rows have it, and what mends all of them at once. */
import { useState } from 'preact/hooks'
import {
  type AsideTable,
  type Cause,
  type Edits,
  isOfPerson,
  withSuggestions,
  withValue,
} from '../../files/mending.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Icon } from '../../ui/icons.tsx'
import { useSay } from '../../ui/say.ts'

type CausesProps = {
  readonly table: AsideTable
  readonly causes: readonly Cause[]
  readonly edits: Edits
  readonly canMend: boolean
  /** The cause whose rows alone are shown. */
  readonly only: string | undefined
  readonly change: (edits: Edits) => void
  readonly show: (only: string | undefined) => void
}

export function Causes({ causes, ...props }: CausesProps) {
  const say = useSay()
  return (
    <section class="stack close" aria-labelledby="causes">
      <h3 id="causes">{say(texts.files.causes)}</h3>
      <ul class="stack close">
        {causes.map((cause) => (
          <CauseItem key={cause.key} cause={cause} {...props} />
        ))}
      </ul>
    </section>
  )
}

function CauseItem({
  cause,
  table,
  edits,
  canMend,
  only,
  change,
  show,
}: Omit<CausesProps, 'causes'> & { readonly cause: Cause }) {
  const say = useSay()
  const chosen = useStore(language)
  const { finding, rows, left, suggested, column } = cause
  const title = column === undefined ? undefined : table.titles[column]
  const takesOneValue =
    column !== undefined && finding.suggestion === undefined && !isOfPerson(title)
  const text = finding.message[chosen]
  const isOnly = only === cause.key
  const counted =
    rows.length === 1
      ? say(texts.files.causeOneRow)
      : say(texts.files.causeRows, { count: rows.length })
  return (
    <li class={`card found-group ${left === 0 ? '' : 'is-error'} stack close`}>
      <p class="found-title">
        <Icon name={left === 0 ? 'ok' : 'error'} />
        <strong class="typed">
          {title !== undefined && `${say(texts.files.column, { title })} · `}
          {counted}
          {left === 0 && say(texts.files.causeDone)}
          {left > 0 && left < rows.length && say(texts.files.causeLeft, { count: left })}
        </strong>
      </p>
      <p class="typed">
        {column === undefined && rows.length > 1 ? say(texts.files.example, { text }) : text}
      </p>
      <p class="typed quiet">{finding.fix[chosen]}</p>
      <div class="row">
        {canMend && suggested.length > 0 && (
          <button
            type="button"
            class="button"
            onClick={() => change(withSuggestions(edits, cause))}
          >
            {suggested.length === 1
              ? say(texts.files.apply, { value: suggested[0]?.value ?? '' })
              : say(texts.files.applyAll, { count: suggested.length })}
          </button>
        )}
        {canMend && takesOneValue && rows.length > 1 && (
          <SetAll
            label={say(texts.files.setAll, { count: rows.length })}
            set={(value) => change(withValue(edits, cause, value))}
          />
        )}
        <button
          type="button"
          class="button plain"
          aria-pressed={isOnly}
          onClick={() => show(isOnly ? undefined : cause.key)}
        >
          {say(isOnly ? texts.files.showAll : texts.files.onlyThese)}
        </button>
      </div>
    </li>
  )
}

function SetAll({ label, set }: { readonly label: string; readonly set: (value: string) => void }) {
  const say = useSay()
  const [value, setValue] = useState('')
  return (
    <form
      class="row set-all"
      onSubmit={(event) => {
        event.preventDefault()
        if (value.trim() !== '') set(value.trim())
      }}
    >
      <label class="row">
        <span class="small">{label}</span>
        <input
          class="input"
          value={value}
          autocomplete="off"
          onInput={({ currentTarget }) => setValue(currentTarget.value)}
        />
      </label>
      <button type="submit" class="button" disabled={value.trim() === ''}>
        {say(texts.files.set)}
      </button>
    </form>
  )
}
