/** Of two regular declarations that race, both are accepted, and both tell which one counts. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instantMicros } from '../../src/declaration/period.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import type { AcceptGroup } from '../../src/journal/accept.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { findStanding } from '../../src/ledger/status.ts'
import { openApp } from '../support/app.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'
import { hefei, policiesOf } from '../support/packs.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let beside: typeof opened
beforeAll(async () => {
  journal = await openJournal()
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  opened = await openApp(journal, { policies: policiesOf(hefei), clock })
  beside = await openApp(journal, { policies: policiesOf(hefei), clock })
})
afterAll(async () => {
  await opened.close()
  await beside.close()
  await journal.close()
})

type Told = {
  id: string
  status: string
  supersededBy?: { id: string }
  replaced?: { id: string; by: string; persons: object; message: { en: string } }[]
}

async function look(id: string, employer: string): Promise<Told> {
  return (await opened.get(`/v1/declarations/${id}`, employer)).json<Told>()
}

async function postAll(): Promise<void> {
  for (const { envelopes } of [opened, beside])
    for (const envelope of envelopes.splice(0)) await journal.post(envelope)
}

/** Files both through two processes' writers, neither of which can see the other's commit. */
async function race(one: Declaration, other: Declaration): Promise<readonly [string, string]> {
  const holder = await journal.database.owner.connect()
  await holder.query('begin; lock table journal.acceptance in share mode')
  const waiting = (count: number) =>
    waitFor(`${count} commits to wait`, async () => {
      const { rows } = await journal.database.owner.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )
      return rows.length === count
    })
  const answers = [opened.file(one, 'one')]
  await waiting(1)
  answers.push(beside.file(other, 'other'))
  await waiting(2)
  await holder.query('commit')
  holder.release()
  const [first, second] = await Promise.all(answers)
  expect([first?.statusCode, second?.statusCode]).toEqual([202, 202])
  return [first?.json<Told>().id ?? '', second?.json<Told>().id ?? '']
}

test('both are accepted, and status and list of both tell which replaced which, with counts', async () => {
  const one = declare({ lines: 3 })
  const { employer } = one
  const [first, second] = await race(one, declare({ employer, lines: 2 }))
  const replaced = { id: first, by: second, persons: { before: 3, after: 2 } }
  expect((await look(second, employer)).replaced).toMatchObject([replaced])
  await postAll()
  const [lost, won] = [await look(first, employer), await look(second, employer)]
  expect(lost).toMatchObject({
    status: 'superseded',
    supersededBy: { id: second },
    replaced: [replaced],
  })
  expect(won).toMatchObject({ status: 'posted', replaced: [replaced] })
  expect(won).not.toHaveProperty('supersededBy')
  expect(lost.replaced?.[0]?.message.en).toMatch(/file a correction/)
  const list = await opened.get(`/v1/declarations?employer=${employer}`, employer)
  expect(list.json<{ declarations: Told[] }>().declarations).toMatchObject([
    { id: second, replaced: [replaced] },
    { id: first, replaced: [replaced] },
  ])
  const waited = await opened.get(`/v1/declarations/${first}`, employer, { prefer: 'wait=5' })
  expect(waited.json<Told>().replaced).toMatchObject([replaced])
})

test('what a correction names is superseded, and nobody is surprised', async () => {
  const declaration = declare()
  const { employer } = declaration
  const { id } = (await opened.file(declaration, 'first')).json<Told>()
  const correction = { ...declare({ employer }), kind: 'correction' as const, replaces: id }
  const corrected = (await opened.file(correction, 'correction')).json<Told>()
  await postAll()
  const told = await look(id, employer)
  expect(told).toMatchObject({ status: 'superseded', supersededBy: { id: corrected.id } })
  expect(told).not.toHaveProperty('replaced')
  expect(await look(corrected.id, employer)).not.toHaveProperty('replaced')
  const { region, period, lines = [] } = correction
  const cancelling = { employer, region, period, kind: 'cancellation', replaces: corrected.id }
  const cancelled = (await opened.file(cancelling as Declaration, 'cancelled')).json<Told>()
  await postAll()
  expect(await look(corrected.id, employer)).toMatchObject({
    ...{ status: 'cancelled', persons: lines.length },
    supersededBy: { id: cancelled.id, kind: 'cancellation' },
  })
})

test('of two corrections that race, the one that names what is gone tells it once posted, and so does the other', async () => {
  const declaration = declare()
  const { employer } = declaration
  const { id } = (await opened.file(declaration, 'first')).json<Told>()
  await postAll()
  const correcting = (lines: number) => ({
    ...declare({ employer, lines }),
    ...{ kind: 'correction' as const, replaces: id },
  })
  const [one, other] = await race(correcting(3), correcting(2))
  await postAll()
  const replaced = { id: one, by: other, persons: { before: 3, after: 2 } }
  expect(await look(one, employer)).toMatchObject({ status: 'superseded', replaced: [replaced] })
  expect(await look(other, employer)).toMatchObject({ status: 'posted', replaced: [replaced] })
  expect(await look(id, employer)).not.toHaveProperty('replaced')
})

type Step = { readonly kinds: readonly Declaration['kind'][] }
type Sent = {
  readonly filing: Filing
  readonly replaces: string | undefined
  readonly sentAt: number
  answeredAt: number
  fresh: boolean
}

const anyKind = fc.constantFrom<Declaration['kind']>(
  'regular',
  'regular',
  'correction',
  'cancellation',
)
const anyStep: fc.Arbitrary<Step> = fc.record({
  kinds: fc.array(anyKind, { minLength: 1, maxLength: 2 }),
})

test('nothing is replaced unnamed whose receipt was returned, by any writer; of those that race, both tell it', async () => {
  const writers = [journal.openWriter(), journal.openWriter()] as const
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 6 }), async (steps) => {
      const { employer, region, period } = declare()
      const sent: Sent[] = []
      let now = 0
      const send = async (write: AcceptGroup, kind: Declaration['kind']) => {
        const isFresh = ({ fresh }: Sent) => fresh
        // The first is gone once another one replaced it.
        const named = sent.length % 2 === 0 ? sent.find(isFresh) : sent.findLast(isFresh)
        const replaces = named?.filing.id
        if (kind !== 'regular' && replaces === undefined) return
        const lines = declare({ employer, lines: 1 + (now % 3) })
        const declaration =
          kind === 'cancellation'
            ? { employer, region, period, kind, replaces: replaces as string }
            : { ...lines, kind, ...(kind === 'correction' && replaces && { replaces }) }
        const expects = kind === 'regular' ? 'nothingStands' : { replaces: replaces as string }
        now += 1
        const filing = filingOf(declaration as Declaration, `step-${now}`, undefined, expects)
        const one: Sent = {
          filing,
          replaces: kind === 'regular' ? undefined : replaces,
          sentAt: now,
          answeredAt: Number.POSITIVE_INFINITY,
          fresh: false,
        }
        sent.push(one)
        const { acceptances, standing, envelope } = await write([filing])
        now += 1
        one.answeredAt = now
        one.fresh = acceptances.has(filing.id)
        // Refused only for what is there.
        const against = standing.get(filing.id)
        expect(one.fresh).toBe(against === undefined)
        if (against !== undefined)
          expect(sent.some((other) => other.filing.id === against.id)).toBe(true)
        if (envelope !== undefined) await journal.post(envelope)
      }
      for (const { kinds } of steps)
        await Promise.all(kinds.map((kind, i) => send(writers[i % 2] as AcceptGroup, kind)))
      await expectOrder(employer, sent)
    }),
    { numRuns: 40 },
  )
})

/** Each came after nothing, after a cancellation or what it names, or raced with what it came after. */
async function expectOrder(employer: string, sent: readonly Sent[]): Promise<void> {
  const { rows } = await journal.database.owner.query<{ id: string; kind: string }>(
    'select id, kind from journal.acceptance where employer = $1 order by envelope, position',
    [employer],
  )
  expect(rows).toHaveLength(sent.filter(({ fresh }) => fresh).length)
  const sentOf = (id: string) => sent.find(({ filing }) => filing.id === id) as Sent
  for (const [i, { id, kind }] of rows.entries()) {
    const before = rows[i - 1]
    const unnamed = before !== undefined && before.id !== sentOf(id).replaces
    if (unnamed && before.kind !== 'cancellation')
      expect(sentOf(id).sentAt, kind).toBeLessThan(sentOf(before.id).answeredAt)
    const standing = await findStanding(journal.pool, id)
    expect(standing?.before?.id).toBe(unnamed ? before.id : undefined)
    expect(standing?.after?.id).toBe(rows[i + 1]?.id)
  }
}
