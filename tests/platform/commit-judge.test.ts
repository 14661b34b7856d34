/** What a commit was durable on, by what its session had for settings before and after it. */
import { expect, test } from 'vitest'
import type { CommitSettings } from '../../src/journal/durable.ts'
import { standbysSettleMs } from '../../src/limits.ts'
import { createJudge, type DurabilityMode } from '../../src/platform/postgres/durability.ts'

const good: CommitSettings = {
  fsync: 'on',
  pages: 'on',
  commit: 'on',
  names: 'ANY 1 (a, b)',
  read_only: 'off',
  standby: false,
  loaded: '2024-11-30 10:00:00+08',
  loaded_ms_ago: 3_600_000,
}
const alone = { ...good, names: '' }
const reloaded = { ...good, loaded: '2024-11-30 11:00:00+08', loaded_ms_ago: 100 }

function verdict(
  before: CommitSettings,
  after: CommitSettings,
  { standbys = 1, mode = 'strict', earlier = [] as CommitSettings[] } = {},
) {
  const faults: string[] = []
  const judge = createJudge(mode as DurabilityMode, standbys, (found) => {
    faults.push(...found.map(({ setting }) => setting))
  })
  const judged = (one: CommitSettings, other: CommitSettings) => {
    try {
      judge.checkBefore(one)
      judge.checkAfter(one, other)
      return 'durable'
    } catch (error) {
      return (error as Error).name === 'DurabilityError' ? 'refused' : 'unknown'
    }
  }
  for (const settings of earlier) judged(settings, settings)
  return [judged(before, after), faults.length > 0]
}

test.each([
  ['nothing changed', good, good, {}, 'durable', false],
  ['too few before', alone, good, {}, 'refused', true],
  ['emptied meanwhile', good, { ...alone, loaded: reloaded.loaded }, {}, 'unknown', true],
  ['emptied and set again meanwhile', good, reloaded, {}, 'unknown', false],
  ['two are asked for', good, good, { standbys: 2 }, 'refused', true],
  ['commits do not wait', { ...good, commit: 'local' }, good, {}, 'refused', true],
  [
    'not even for this server',
    { ...alone, commit: 'off' },
    alone,
    { standbys: 0 },
    'refused',
    true,
  ],
  ['fsync off meanwhile', alone, { ...alone, fsync: 'off' }, { standbys: 0 }, 'unknown', true],
  ['a standby', { ...good, standby: true }, good, {}, 'refused', true],
  ['names just loaded', reloaded, reloaded, {}, 'unknown', false],
  ['just loaded, as before', reloaded, reloaded, { earlier: [good] }, 'durable', false],
  ['just loaded after none', reloaded, reloaded, { earlier: [good, alone] }, 'unknown', true],
  [
    'loaded long enough ago',
    { ...reloaded, loaded_ms_ago: standbysSettleMs },
    reloaded,
    { earlier: [alone] },
    'durable',
    true,
  ],
  ['a reload where no standby is asked for', alone, reloaded, { standbys: 0 }, 'durable', false],
  ['warn refuses nothing, and tells', alone, alone, { mode: 'warn' }, 'durable', true],
] as const)('%s', (_, before, after, options, outcome, tells) => {
  expect(verdict(before, after, options as Parameters<typeof verdict>[2])).toEqual([outcome, tells])
})
