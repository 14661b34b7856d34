/** How far a file is: its steps, how much of the whole way is done, and how many rows came through each. */
import type { Batch, BatchStage } from '../../../client/client.ts'
import { stageTexts, toneOf } from '../../files/batches.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Icon } from '../../ui/icons.tsx'
import { instant } from '../../ui/money.ts'
import { type Text, useSay } from '../../ui/say.ts'

const steps: readonly Text[] = [
  ...[texts.files.stepReceive, texts.files.stepRead, texts.files.stepCheck],
  ...[texts.files.stepFile, texts.files.stepPost],
]

/** How many steps are done in a stage that goes on; of ends that are none, how far it came. */
const done: Readonly<Record<BatchStage, number>> = {
  receiving: 0,
  received: 1,
  reading: 1,
  checking: 2,
  filing: 3,
  posting: 4,
  posted: 5,
  checked: 3,
  unreadable: 1,
  refused: 3,
  duplicate: 1,
  damaged: 0,
  cancelled: 0,
  expired: 0,
}

const goesOn: ReadonlySet<BatchStage> = new Set([
  ...(['receiving', 'received', 'reading', 'checking', 'filing', 'posting'] as const),
])

export function Steps({ batch }: { readonly batch: Batch }) {
  const say = useSay()
  const chosen = useStore(language)
  const { stage, mode, progress } = batch
  const shown = mode === 'check' ? steps.slice(0, 3) : steps
  const isUnderWay = goesOn.has(stage)
  const { percent = 0, estimatedEnd } = progress
  return (
    <section class="card stack close" aria-labelledby="file-stages">
      <h2 id="file-stages" class="row">
        {say(texts.files.stages)}
        <span class={`badge ${toneOf(stage)}`} aria-live="polite">
          {say(stageTexts[stage])}
        </span>
      </h2>
      <ol class="progress file-steps">
        {shown.map((step, nth) => (
          <Step key={step.en} step={step} state={stateOf(nth, done[stage], isUnderWay)} />
        ))}
      </ol>
      {isUnderWay && stage !== 'receiving' && (
        <>
          <progress class="bar" value={percent} max={100} aria-label={say(texts.files.stages)} />
          <p class="quiet small number">
            {say(texts.files.percent, { percent: Math.floor(percent) })}
            {estimatedEnd !== undefined &&
              ` · ${say(texts.files.estimated, { at: instant(estimatedEnd, chosen) })}`}
          </p>
          <p class="quiet small">{say(texts.files.closable)}</p>
        </>
      )}
    </section>
  )
}

type StepState = 'done' | 'now' | 'later' | 'failed'

function stateOf(nth: number, steps: number, isUnderWay: boolean): StepState {
  if (nth < steps) return 'done'
  if (nth > steps) return 'later'
  return isUnderWay ? 'now' : 'failed'
}

const looks = {
  done: { icon: 'ok', style: 'is-done', text: texts.files.stepDone },
  now: { icon: 'clock', style: 'is-now', text: texts.files.stepNow },
  later: { icon: 'clock', style: 'is-waiting', text: texts.files.stepLater },
  failed: { icon: 'error', style: 'is-failed', text: texts.files.stepFailed },
} as const

function Step({ step, state }: { readonly step: Text; readonly state: StepState }) {
  const say = useSay()
  const { icon, style, text } = looks[state]
  return (
    <li class={style} aria-current={state === 'now' ? 'step' : undefined}>
      <Icon name={icon} />
      {say(step)}
      <span class="unseen">{say(text)}</span>
    </li>
  )
}

export function Counts({ batch }: { readonly batch: Batch }) {
  const say = useSay()
  const { rows } = batch.progress
  if (rows === undefined) return null
  const isCheck = batch.mode === 'check'
  const shown = [
    [texts.files.countRead, rows.read, ''],
    [texts.files.countGood, rows.good, ''],
    [texts.files.countAside, rows.setAside, rows.setAside > 0 ? 'tone-warning' : ''],
    ...(isCheck
      ? []
      : ([
          [texts.files.countFiled, rows.filed, ''],
          [texts.files.countPosted, rows.posted, ''],
        ] as const)),
  ] as const
  return (
    <section aria-label={say(texts.files.counts)}>
      <dl class="tallies">
        {shown.map(([name, count, tone]) => (
          <div key={name.en}>
            <dt class="quiet small">{say(name)}</dt>
            <dd class={`number ${tone}`}>{count.toLocaleString('en')}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
