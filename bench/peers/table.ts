/**
 * The comparison as a table, a row for each system, in Markdown; the same as figures, a line each; and
 * where a peer is ahead, said by the figures themselves.
 */
import { type Figure, median } from '../support/report.ts'
import { isPeer, peers } from './catalogue.ts'
import type { Kill } from './kills.ts'
import type { Turn } from './measure.ts'
import { type Part, type SystemName, titleOf } from './system.ts'

export type Compared = {
  readonly name: SystemName
  readonly turns: readonly Turn[]
  readonly kills: readonly Kill[]
}

type Column = {
  readonly title: string
  readonly unit: string
  readonly better: 'more' | 'less'
  /** Undefined where there is no such thing. */
  of(turn: Turn): number | undefined
}

const parts = ['intake', 'worker', 'postgres', 'redis'] as const satisfies readonly Part[]
const partTitles = { intake: 'intake', worker: 'worker', postgres: 'Postgres', redis: 'Redis' }

const columns: readonly Column[] = [
  { title: 'accepted', unit: '/s', better: 'more', of: ({ accepted }) => accepted },
  { title: 'posted', unit: '/s', better: 'more', of: ({ posted }) => posted },
  { title: 'p99 of the answer at that rate', unit: 'ms', better: 'less', of: ({ p99 }) => p99 },
  {
    title: 'CPU in all',
    unit: 'µs',
    better: 'less',
    of: ({ cpu }) => parts.reduce((sum, part) => sum + (cpu[part] ?? 0), 0),
  },
  ...parts.map(
    (part): Column => ({
      title: `CPU, ${partTitles[part]}`,
      unit: 'µs',
      better: 'less',
      of: ({ cpu }) => cpu[part],
    }),
  ),
  { title: 'waiting, Redis', unit: 'bytes', better: 'less', of: ({ bytes }) => bytes.redis },
  { title: 'waiting, Postgres', unit: 'bytes', better: 'less', of: ({ bytes }) => bytes.postgres },
]

function middleOf({ turns }: Compared, column: Column): number | undefined {
  const values = turns.flatMap((turn) => column.of(turn) ?? [])
  return values.length === 0 ? undefined : median(values)
}

/** Two Markdown tables and sentences, as they go into a document. */
export function textOf(all: readonly Compared[], settleMs: number): string {
  const heads = columns.map(({ title, unit }) => `${title}, ${unit}`.replace(', /s', '/s'))
  const rates = all.map((one) => [
    titleOf(one.name),
    ...columns.map((column) => shown(middleOf(one, column))),
  ])
  const crashes = all.map(({ name, kills }) => [
    titleOf(name),
    ...parts.map((part) => {
      const kill = kills.find((one) => one.part === part)
      if (kill === undefined) return ''
      const { acknowledged, lost, doubled, late } = kill
      return `${lost}, ${doubled}, ${late} of ${shown(acknowledged)}`
    }),
    isPeer(name) ? peers[name].recovers : 'a lock of 8 s, and a look for stalled jobs every 2 s',
  ])
  const killHeads = parts.map((part) => `${partTitles[part]} killed`)
  const seconds = settleMs / 1_000
  return [
    markdown([' ', ...heads], rates),
    '',
    `Lost, doubled, and not posted within ${seconds} s of the load's end, of those acknowledged:`,
    '',
    markdown([' ', ...killHeads, 'what a killed worker held is posted after'], crashes),
    '',
    ...aheadLines(all),
  ].join('\n')
}

function markdown(head: readonly string[], rows: readonly string[][]): string {
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function shown(value: number | undefined): string {
  if (value === undefined) return ''
  const rounded = value >= 100 ? Number(value.toPrecision(3)) : Number(value.toPrecision(2))
  return rounded.toLocaleString('en-US')
}

/** A sentence for each column in which a peer beats either Spillway. */
export function aheadLines(all: readonly Compared[]): string[] {
  const own = all.filter(({ name }) => !isPeer(name))
  const others = all.filter(({ name }) => isPeer(name))
  const lines = columns.flatMap((column) => {
    const beats = (peer: Compared, one: Compared) => {
      const [theirs, ours] = [middleOf(peer, column), middleOf(one, column)]
      if (theirs === undefined || ours === undefined) return false
      return column.better === 'more' ? theirs > ours : theirs < ours
    }
    const ahead = others.flatMap((peer) => {
      const beaten = own.filter((one) => beats(peer, one))
      if (beaten.length === 0) return []
      const whom = beaten.map((one) => `${shown(middleOf(one, column))} (${titleOf(one.name)})`)
      return [`${titleOf(peer.name)}: ${shown(middleOf(peer, column))} to ${whom.join(' and ')}`]
    })
    if (ahead.length === 0) return []
    return [`- ${column.title}, ${column.unit}: ${ahead.join('; ')}`]
  })
  return lines.length === 0
    ? ['No peer is ahead of Spillway in any column.']
    : ['Ahead of Spillway:', '', ...lines]
}

/** The same as figures; what Spillway may never lose or double is a goal. */
export function figuresOf(all: readonly Compared[]): Figure[] {
  return all.flatMap((one) => {
    const title = titleOf(one.name)
    const goal = isPeer(one.name) ? {} : { goal: { atMost: 0 } }
    const sum = (what: 'acknowledged' | 'lost' | 'doubled' | 'late') =>
      one.kills.reduce((all, kill) => all + kill[what], 0)
    return [
      ...columns.flatMap((column) => {
        const value = middleOf(one, column)
        if (value === undefined) return []
        return [{ figure: `${title}: ${column.title}`, value, unit: column.unit }]
      }),
      {
        figure: `${title}: acknowledged while parts were killed`,
        value: sum('acknowledged'),
        unit: 'declarations',
      },
      { figure: `${title}: lost`, value: sum('lost'), unit: 'declarations', ...goal },
      { figure: `${title}: doubled`, value: sum('doubled'), unit: 'declarations', ...goal },
      { figure: `${title}: late`, value: sum('late'), unit: 'declarations' },
    ]
  })
}
