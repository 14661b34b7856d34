/** How each amount of a person comes about: one sentence each, from wage over limit, rate and rounding. */
import { useEffect, useState } from 'preact/hooks'
import type { Desk } from '../filing/desk.ts'
import type { Row } from '../grid/row.ts'
import type { Answers, Explained } from '../rules/protocol.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Dialog } from '../ui/dialog.tsx'
import { grouped } from '../ui/money.ts'
import { useSay } from '../ui/say.ts'

type ExplainProps = {
  readonly desk: Desk
  readonly row: Row
  readonly index: number
  readonly onClose: () => void
}

export function Explain({ desk, row, index, onClose }: ExplainProps) {
  const say = useSay()
  const [explained, set] = useState<Answers['explain']>()
  useEffect(() => {
    void desk
      .settled()
      .then(() => desk.engine.ask({ ask: 'explain', line: index }))
      .then(set, () => set({ line: [], unit: [] }))
  }, [desk, index])
  const isNothing = explained !== undefined && explained.line.length + explained.unit.length === 0
  return (
    <Dialog
      title={say(texts.declare.explainTitle, { name: row.line.person.name })}
      onClose={onClose}
    >
      {explained === undefined && <p class="quiet">{say(texts.general.loading)}</p>}
      {isNothing && <p>{say(texts.declare.amountsNone)}</p>}
      {explained !== undefined && <Sentences amounts={explained.line} />}
      {explained !== undefined && explained.unit.length > 0 && (
        <>
          <h3>{say(texts.declare.explainUnit)}</h3>
          <Sentences amounts={explained.unit} />
        </>
      )}
    </Dialog>
  )
}

export function Sentences({ amounts }: { readonly amounts: readonly Explained[] }) {
  const say = useSay()
  const chosen = useStore(language)
  return (
    <dl class="sentences">
      {amounts.map(({ insurance, side, amount, sentence }) => (
        <div key={insurance + side}>
          <dt>
            {say(texts.general[insurance as 'pension'])} ·{' '}
            {say(side === 'employer' ? texts.general.employerSide : texts.general.employeeSide)}
            <span class="number sentence-amount">
              {say(texts.general.yuan, { amount: grouped(amount) })}
            </span>
          </dt>
          <dd class="quiet">{sentence[chosen]}</dd>
        </div>
      ))}
    </dl>
  )
}
