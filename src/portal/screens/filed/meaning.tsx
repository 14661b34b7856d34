/** What a finding or a problem means and what to do, as the service's catalogue has it. Anybody may read it. */
import { useEffect, useState } from 'preact/hooks'
import { type Both, type Read, read } from '../../state/read.ts'
import { language } from '../../state/settings.ts'
import { useStore } from '../../state/store.ts'
import { texts } from '../../texts/texts.ts'
import { Icon } from '../../ui/icons.tsx'
import { Again, Note } from '../../ui/note.tsx'
import { Page } from '../../ui/page.tsx'
import { useSay } from '../../ui/say.ts'

type Meaning = {
  readonly code: string
  readonly title: Both
  readonly fix: Both
  readonly severity?: 'error' | 'warning' | 'hint'
  readonly message?: Both
  readonly example?: { readonly wrong: Both; readonly right: Both }
  readonly legalBasis?: string
}

export function MeaningScreen({ code }: { readonly code: string }) {
  const say = useSay()
  const chosen = useStore(language)
  const [found, set] = useState<Read<Meaning>>()
  const load = () => void read<Meaning>(`/v1/findings/${encodeURIComponent(code)}`).then(set)
  useEffect(load, [code])
  const isKnown = found?.kind === 'ok'
  return (
    <Page
      key={isKnown ? 'known' : 'asked'}
      title={isKnown ? found.value.title[chosen] : say(texts.meaning.title)}
      eyebrow={isKnown ? say(texts.meaning.title) : undefined}
    >
      {found === undefined && <p class="quiet">{say(texts.general.loading)}</p>}
      {isKnown && <Told meaning={found.value} />}
      {found?.kind === 'refused' && (
        <Note tone="warning">
          <p>{say(texts.meaning.unknown)}</p>
        </Note>
      )}
      {(found?.kind === 'busy' || found?.kind === 'lost') && (
        <Again atMs={found.kind === 'busy' ? found.resumesAtMs : undefined} again={load} />
      )}
      <div class="no-print">
        <button type="button" class="button" onClick={() => history.back()}>
          {say(texts.general.back)}
        </button>
      </div>
    </Page>
  )
}

function Told({ meaning }: { readonly meaning: Meaning }) {
  const say = useSay()
  const chosen = useStore(language)
  const { code, severity, message, fix, example, legalBasis } = meaning
  return (
    <>
      {severity !== undefined && (
        <p class={`row tone-${severity}`}>
          <Icon name={severity} />
          <strong>{say(texts.meaning[severity])}</strong>
        </p>
      )}
      {message !== undefined && <p class="lead">{shown(message[chosen])}</p>}
      <dl class="facts card">
        <dt>{say(texts.meaning.fix)}</dt>
        <dd>{shown(fix[chosen])}</dd>
        {example !== undefined && (
          <>
            <dt>{say(texts.meaning.wrong)}</dt>
            <dd>
              <code>{example.wrong[chosen]}</code>
            </dd>
            <dt>{say(texts.meaning.right)}</dt>
            <dd>
              <code>{example.right[chosen]}</code>
            </dd>
          </>
        )}
        {legalBasis !== undefined && (
          <>
            <dt>{say(texts.meaning.basis)}</dt>
            <dd>{legalBasis}</dd>
          </>
        )}
        <dt>{say(texts.meaning.code)}</dt>
        <dd>
          <code>{code}</code>
        </dd>
      </dl>
    </>
  )
}

/** A message without its case: what would be filled in is an ellipsis. */
function shown(message: string): string {
  return message.replace(/\{\w+\}/g, '…')
}
