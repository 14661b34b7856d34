/** Home: the month that is due, until when, and what was filed lately. */
import { useCallback, useEffect, useState } from 'preact/hooks'
import { deskOf, draftNameOf } from '../filing/desk.ts'
import { keptNames } from '../filing/sealed.ts'
import { sentNameOf } from '../filing/sender.ts'
import { standingOf } from '../filing/standing.ts'
import { monthFromNow, useServerNow } from '../state/clock.ts'
import { type Filed, listFiled, readRegions, readRules } from '../state/declarations.ts'
import type { Read } from '../state/read.ts'
import { go, hrefOf } from '../state/router.ts'
import { useServiceStatus } from '../state/service.ts'
import { mayFile, session, sessionEnded } from '../state/session.ts'
import { language } from '../state/settings.ts'
import { useStore } from '../state/store.ts'
import { texts } from '../texts/texts.ts'
import { Icon } from '../ui/icons.tsx'
import { deadlineText, duration, month } from '../ui/money.ts'
import { Again, Note } from '../ui/note.tsx'
import { Page } from '../ui/page.tsx'
import { useSay } from '../ui/say.ts'
import { StandingFacts, StandingWays } from './filed/standing.tsx'
import { FiledList, StatusBadge } from './filed-list.tsx'

export type HomeProps = { readonly employer: string; readonly subject: string }

export function Home({ employer, subject }: HomeProps) {
  const say = useSay()
  const chosen = useStore(language)
  const [filed, setFiled] = useState<Read<{ readonly declarations: readonly Filed[] }>>()
  const load = useCallback(() => {
    void listFiled(employer).then((found) => {
      if (found.kind === 'signedOut') sessionEnded()
      setFiled(found)
    })
  }, [employer])
  useEffect(load, [load])
  const period = monthFromNow(-1)
  const title = say(texts.entry.homeTitle, { month: month(period, chosen) })
  const declarations = filed?.kind === 'ok' ? filed.value.declarations : undefined
  const others = [monthFromNow(-2), monthFromNow(-3), monthFromNow(0)]
  return (
    <Page title={title} wide>
      <ServiceLight />
      <div class="home">
        <Month {...{ period, subject, employer, declarations }} />
        <div class="stack">
          <section class="stack close" aria-labelledby="latest">
            <h2 id="latest">{say(texts.entry.latest)}</h2>
            {filed === undefined && <p class="quiet">{say(texts.general.loading)}</p>}
            {filed !== undefined && filed.kind !== 'ok' && filed.kind !== 'signedOut' && (
              <Again atMs={filed.kind === 'busy' ? filed.resumesAtMs : undefined} again={load} />
            )}
            {declarations !== undefined && <FiledList declarations={declarations.slice(0, 6)} />}
            <p>
              <a href={hrefOf('history')}>{say(texts.correct.allHistory)}</a>
            </p>
          </section>
          <section class="stack close">
            <p>{say(texts.files.entryText)}</p>
            <div>
              <a class="button" href={hrefOf('files')}>
                {say(texts.files.entryLink)}
              </a>
            </div>
          </section>
          <section class="stack close" aria-labelledby="others">
            <h2 id="others">{say(texts.entry.otherPeriods)}</h2>
            <ul class="row">
              {others.map((other) => (
                <li key={other}>
                  <a class="button" href={hrefOf('declare', other)}>
                    {month(other, chosen)}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    </Page>
  )
}

function ServiceLight() {
  const say = useSay()
  const status = useServiceStatus()
  const shown = {
    green: { tone: 'ok', text: texts.entry.serviceGreen },
    yellow: { tone: 'warning', text: texts.entry.serviceYellow },
    red: { tone: 'error', text: texts.entry.serviceRed },
  } as const
  if (status === undefined) return null
  const { tone, text } = shown[status.status]
  return (
    <p class="row service-light">
      <span class={`badge ${tone}`}>
        <Icon name={tone} />
        {say(text)}
      </span>
    </p>
  )
}

type MonthProps = {
  readonly period: string
  readonly employer: string
  readonly subject: string
  readonly declarations: readonly Filed[] | undefined
}

function Month({ period, employer, subject, declarations }: MonthProps) {
  const say = useSay()
  const chosen = useStore(language)
  const names = useKept()
  const state = useStore(session)
  const name = { subject, employer, period }
  const standing = standingOf(declarations ?? [], period)[0]
  const isFiled = standing !== undefined
  const isVoid = !isFiled && declarations?.find((one) => one.period === period) !== undefined
  const [isDrafted, isSending] = [
    names.includes(draftNameOf(name)),
    names.includes(sentNameOf(name)),
  ]
  return (
    <section class="card stack" aria-label={month(period, chosen)}>
      <Deadline period={period} />
      <p class="row">
        {isSending && <span class="badge warning">{say(texts.entry.statusSending)}</span>}
        {!isSending && isFiled && <StatusBadge filed={standing} />}
        {!isSending && !isFiled && declarations !== undefined && (
          <span class="badge">
            {say(
              isDrafted
                ? texts.entry.statusDraft
                : isVoid
                  ? texts.correct.statusVoid
                  : texts.entry.statusNone,
            )}
          </span>
        )}
      </p>
      {isFiled && !isSending ? (
        <>
          <StandingFacts standing={standing} />
          {isDrafted && (
            <p>
              <a href={hrefOf('declare', period)}>{say(texts.correct.draftWaits)}</a>
            </p>
          )}
          <StandingWays standing={standing} drafted={undefined} />
        </>
      ) : mayFile(state) ? (
        <Begin {...{ name, isDrafted, isSending }} />
      ) : (
        <Note tone="hint">
          <p>{say(texts.entry.viewer)}</p>
        </Note>
      )}
    </section>
  )
}

type BeginProps = {
  readonly name: { readonly subject: string; readonly employer: string; readonly period: string }
  readonly isDrafted: boolean
  readonly isSending: boolean
}

function Begin({ name, isDrafted, isSending }: BeginProps) {
  const say = useSay()
  if (isSending)
    return (
      <div>
        <a class="button main" href={hrefOf('sending', name.period)}>
          {say(texts.entry.goOn)}
        </a>
      </div>
    )
  const unchanged = () => {
    deskOf(name)
    go('confirm', name.period)
  }
  return (
    <div class="stack close">
      <div class="row">
        <a class="button main" href={hrefOf('declare', name.period)}>
          {say(isDrafted ? texts.entry.goOn : texts.entry.start)}
        </a>
        {!isDrafted && (
          <button type="button" class="button" onClick={unchanged}>
            {say(texts.entry.unchanged)}
          </button>
        )}
      </div>
      {!isDrafted && <p class="quiet small">{say(texts.entry.unchangedHint)}</p>}
    </div>
  )
}

/** What is kept on this device: drafts, and what was sent without an answer. */
function useKept(): readonly string[] {
  const [names, set] = useState<readonly string[]>([])
  useEffect(() => {
    void keptNames().then(set)
  }, [])
  return names
}

function Deadline({ period }: { readonly period: string }) {
  const say = useSay()
  const chosen = useStore(language)
  const now = useServerNow(15_000)
  const [deadline, set] = useState<string>()
  useEffect(() => {
    void deadlineOf(period).then(set)
  }, [period])
  if (deadline === undefined) return <p class="quiet">{say(texts.general.loading)}</p>
  const leftMs = Date.parse(deadline) - now
  const left = duration(Math.abs(leftMs), chosen)
  return (
    <div>
      <p class="quiet small">{say(texts.entry.deadline)}</p>
      <p class="deadline number">{deadlineText(deadline, chosen)}</p>
      <p class={leftMs > 0 ? '' : 'tone-warning'}>
        {say(leftMs > 0 ? texts.entry.deadlineIn : texts.entry.deadlineOver, { duration: left })}
      </p>
      <p class="quiet small">{say(texts.entry.deadlineClock)}</p>
    </div>
  )
}

async function deadlineOf(period: string): Promise<string | undefined> {
  const regions = await readRegions()
  const region = regions.kind === 'ok' ? regions.value.regions[0]?.region : undefined
  if (region === undefined) return undefined
  const rules = await readRules(region, period)
  return rules.kind === 'ok' ? rules.value.deadline : undefined
}
