/** The form of a file to send: the file, its month and region, and what becomes of wrong rows. */
import { useEffect, useState } from 'preact/hooks'
import type { FileDescription } from '../../../client/client.ts'
import { monthFromNow } from '../../state/clock.ts'
import { readRegions } from '../../state/declarations.ts'
import { sessionEnded } from '../../state/session.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { month } from '../../ui/money.ts'
import { Again, Note } from '../../ui/note.tsx'
import { type Text, useSay } from '../../ui/say.ts'

type FormProps = {
  readonly employer: string
  readonly send: (file: File, about: FileDescription) => void
}

type Mode = FileDescription['mode']
type Kind = 'regular' | 'addition' | 'correction'

const modes: readonly (readonly [Mode, Text])[] = [
  ['accept-good', texts.files.modeGood],
  ['all-or-nothing', texts.files.modeAll],
  ['check', texts.files.modeCheck],
]
const kinds: readonly (readonly [Kind, Text])[] = [
  ['regular', texts.files.kindRegular],
  ['addition', texts.files.kindAddition],
  ['correction', texts.files.kindCorrection],
]

export function FileForm({ employer, send }: FormProps) {
  const say = useSay()
  const [file, setFile] = useState<File>()
  const [fault, setFault] = useState<Text>()
  const [lacksRegion, setLacksRegion] = useState(false)
  const [period, setPeriod] = useState(monthFromNow(-1))
  const [region, setRegion] = useState<string>()
  const [mode, setMode] = useState<Mode>('accept-good')
  const [kind, setKind] = useState<Kind>('regular')
  const submit = (event: Event) => {
    event.preventDefault()
    const wrong = faultOf(file)
    setLacksRegion(region === undefined)
    setFault(wrong)
    if (wrong !== undefined || file === undefined || region === undefined) return
    send(file, { employer, period, region, mode, kind, filename: file.name })
  }
  return (
    <form class="card stack" onSubmit={submit}>
      <Templates />
      <div class="field">
        <label for="file">{say(texts.files.choose)}</label>
        <input
          id="file"
          class="file-input"
          type="file"
          accept=".xlsx,.csv,.tsv"
          aria-describedby={fault === undefined ? undefined : 'file-fault'}
          aria-invalid={fault !== undefined}
          onChange={({ currentTarget: { files } }) => {
            setFile(files?.[0])
            setFault(undefined)
          }}
        />
        {fault !== undefined && (
          <div id="file-fault">
            <Note tone="error" alert>
              <p>{say(fault)}</p>
            </Note>
          </div>
        )}
      </div>
      <div class="file-of">
        <Period period={period} choose={setPeriod} />
        <Region region={region} choose={setRegion} />
      </div>
      <Choice
        name="kind"
        legend={texts.files.kind}
        choices={kinds}
        chosen={kind}
        choose={setKind}
      />
      <Choice
        name="mode"
        legend={texts.files.mode}
        choices={modes}
        chosen={mode}
        choose={setMode}
      />
      <div class="stack close">
        {lacksRegion && region === undefined && (
          <Note tone="error" alert>
            <p>{say(texts.files.needRegion)}</p>
          </Note>
        )}
        <div>
          <button type="submit" class="button main">
            {say(mode === 'check' ? texts.files.sendCheck : texts.files.send)}
          </button>
        </div>
        <p class="quiet small">{say(texts.files.safe)}</p>
      </div>
    </form>
  )
}

function faultOf(file: File | undefined): Text | undefined {
  if (file === undefined) return texts.files.needFile
  if (!/\.(?:xlsx|csv|tsv|txt)$/i.test(file.name)) return texts.files.wrongKind
  return file.size === 0 ? texts.files.emptyFile : undefined
}

function Templates() {
  const say = useSay()
  const of = (format: string) => `/v1/batches/template?format=${format}&category=employee`
  return (
    <p class="row templates">
      <span>{say(texts.files.template)}</span>
      <a class="found-link" href={of('xlsx')} download>
        {say(texts.files.templateExcel)}
      </a>
      <a class="found-link" href={of('csv')} download>
        {say(texts.files.templateCsv)}
      </a>
    </p>
  )
}

type ChooseProps<T> = { readonly choose: (value: T) => void }

function Period({ period, choose }: ChooseProps<string> & { readonly period: string }) {
  const say = useSay()
  const chosen = useStore(language)
  const offered = [0, -1, -2, -3, -4, -5].map(monthFromNow)
  return (
    <div class="field">
      <label for="file-period">{say(texts.files.period)}</label>
      <select
        id="file-period"
        value={period}
        onChange={({ currentTarget: { value } }) => choose(value)}
      >
        {offered.map((one) => (
          <option key={one} value={one}>
            {month(one, chosen)}
          </option>
        ))}
      </select>
    </div>
  )
}

function Region({ region, choose }: ChooseProps<string> & { readonly region: string | undefined }) {
  const say = useSay()
  const chosen = useStore(language)
  const [regions, set] = useState<readonly { readonly region: string; readonly names: Text }[]>([])
  const [missing, setMissing] = useState<{ readonly atMs: number | undefined }>()
  const load = () =>
    void readRegions().then((found) => {
      if (found.kind === 'signedOut') sessionEnded()
      setMissing(
        found.kind === 'ok'
          ? undefined
          : { atMs: found.kind === 'busy' ? found.resumesAtMs : undefined },
      )
      if (found.kind !== 'ok') return
      set(found.value.regions)
      const [first] = found.value.regions
      if (first !== undefined) choose(first.region)
    })
  useEffect(load, [])
  return (
    <div class="field">
      <label for="file-region">{say(texts.files.region)}</label>
      <select
        id="file-region"
        value={region}
        onChange={({ currentTarget: { value } }) => choose(value)}
      >
        {regions.map((one) => (
          <option key={one.region} value={one.region}>
            {one.names[chosen]}
          </option>
        ))}
      </select>
      {missing !== undefined && <Again atMs={missing.atMs} again={load} />}
    </div>
  )
}

type ChoiceProps<T extends string> = ChooseProps<T> & {
  readonly name: string
  readonly legend: Text
  readonly choices: readonly (readonly [T, Text])[]
  readonly chosen: T
}

function Choice<T extends string>({ name, legend, choices, chosen, choose }: ChoiceProps<T>) {
  const say = useSay()
  return (
    <fieldset class="file-choice">
      <legend class="label">{say(legend)}</legend>
      {choices.map(([value, text]) => (
        <label key={value} class="tick">
          <input
            type="radio"
            name={name}
            value={value}
            checked={chosen === value}
            onChange={() => choose(value)}
          />
          {say(text)}
        </label>
      ))}
    </fieldset>
  )
}
