/** Adds somebody: first as what, as it decides which fields there are. */
import { useState } from 'preact/hooks'
import { type EditedLine, emptyLine } from '../grid/row.ts'
import { texts } from '../texts/texts.ts'
import { Dialog } from '../ui/dialog.tsx'
import { useSay } from '../ui/say.ts'

type AddProps = { readonly onClose: () => void; readonly onAdd: (line: EditedLine) => void }

const idTypes = [
  'resident-id',
  'hk-macao-taiwan-residence-permit',
  'foreign-permanent-residence-card',
] as const

export function AddPerson({ onClose, onAdd }: AddProps) {
  const say = useSay()
  const [line, set] = useState<EditedLine>(emptyLine)
  const person = (change: Partial<EditedLine['person']>) =>
    set({ ...line, person: { ...line.person, ...change } })
  return (
    <Dialog title={say(texts.declare.addTitle)} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          onAdd(line)
        }}
      >
        <Category line={line} set={set} />
        {line.category === 'platform' ? (
          <p>{say(texts.declare.platformByFile)}</p>
        ) : (
          <>
            <Field
              id="add-name"
              label={say(texts.declare.name)}
              value={line.person.name}
              onInput={(name) => person({ name })}
            />
            <div class="field">
              <label for="add-type">{say(texts.declare.idType)}</label>
              <select
                id="add-type"
                value={line.person.idType}
                onChange={(event) =>
                  person({ idType: event.currentTarget.value as EditedLine['person']['idType'] })
                }
              >
                {idTypes.map((type) => (
                  <option key={type} value={type}>
                    {say(texts.declare[type])}
                  </option>
                ))}
              </select>
            </div>
            <Field
              id="add-number"
              label={say(texts.declare.idNumber)}
              value={line.person.idNumber}
              onInput={(idNumber) => person({ idNumber })}
            />
            <AmountFields line={line} set={set} />
            <div>
              <button type="submit" class="button main">
                {say(texts.declare.addDone)}
              </button>
            </div>
          </>
        )}
      </form>
    </Dialog>
  )
}

type LineProps = { readonly line: EditedLine; readonly set: (line: EditedLine) => void }

function Category({ line, set }: LineProps) {
  const say = useSay()
  const choose = (category: EditedLine['category']) => {
    const { person, change } = line
    if (category === 'employee') set({ person, category, change, wage: '' })
    else if (category === 'flexible')
      set({ person, category, change, tier: '', medical: 'with-account' })
    else set({ person, category, change })
  }
  return (
    <fieldset class="choices">
      <legend class="label">{say(texts.declare.addCategory)}</legend>
      {(['employee', 'flexible', 'platform'] as const).map((category) => (
        <label key={category} class="tick">
          <input
            type="radio"
            name="category"
            checked={line.category === category}
            onChange={() => choose(category)}
          />
          {say(texts.declare[category])}
        </label>
      ))}
    </fieldset>
  )
}

function AmountFields({ line, set }: LineProps) {
  const say = useSay()
  if (line.category === 'employee')
    return (
      <Field
        id="add-wage"
        label={say(texts.declare.wage)}
        value={line.wage ?? ''}
        mode="decimal"
        onInput={(wage) => set({ ...line, wage })}
      />
    )
  return (
    <>
      <Field
        id="add-tier"
        label={say(texts.declare.tier)}
        value={line.tier ?? ''}
        onInput={(tier) => set({ ...line, tier })}
      />
      <div class="field">
        <label for="add-medical">{say(texts.declare.flexibleMedical)}</label>
        <select
          id="add-medical"
          value={line.medical ?? ''}
          onChange={(event) => set({ ...line, medical: event.currentTarget.value })}
        >
          <option value="with-account">{say(texts.declare['with-account'])}</option>
          <option value="without-account">{say(texts.declare['without-account'])}</option>
          <option value="none">{say(texts.declare['no-medical'])}</option>
        </select>
      </div>
    </>
  )
}

type FieldProps = {
  readonly id: string
  readonly label: string
  readonly value: string
  readonly mode?: 'decimal'
  readonly onInput: (value: string) => void
}

function Field({ id, label, value, mode, onInput }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        value={value}
        inputMode={mode ?? 'text'}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  )
}
