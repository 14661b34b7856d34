import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyEdits, changedAmounts, changedRows, editsBetween } from '../../src/policy/diff.ts'
import { changesSince, parametersOf, surchargeFreeUntil } from '../../src/policy/in-force.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'
import { packText } from '../../src/policy/rules.ts'
import { runCommand } from '../support/command.ts'
import { hefei, madeUp } from '../support/packs.ts'

/** Hefei with limits of 2025. */
function withLimitsOf2025(): PolicyPack {
  const last = hefei.limits.at(-1) as PolicyPack['limits'][number]
  const sources = [{ title: 'Another notice', date: '2025-09-01' }]
  const row = { ...last, from: '2025-01', to: '2025-12', floor: '4311', ceiling: '21556', sources }
  return {
    ...hefei,
    limits: [...hefei.limits, row],
    gaps: hefei.gaps.map((gap) =>
      gap.key === 'limits' && gap.from === '2025-01' ? { ...gap, from: '2026-01' } : gap,
    ),
  }
}

test('the edits between two packs, applied to the old one, give the new one', () => {
  const packs = [hefei, withLimitsOf2025(), madeUp]
  for (const before of packs) {
    for (const after of packs) {
      const edits = editsBetween(before, after)
      expect(applyEdits(before, edits)).toEqual(after)
      if (before === after) expect(edits).toEqual([])
    }
  }
})

test('also after any rows were dropped, repeated or changed', () => {
  const rows = fc.array(fc.nat(hefei.limits.length - 1), { maxLength: 6 })
  fc.assert(
    fc.property(rows, rows, fc.string(), (one, other, floor) => {
      const pick = (list: readonly number[]): PolicyPack => ({
        ...hefei,
        limits: list.map((i) => ({ ...(hefei.limits[i] as PolicyPack['limits'][number]), floor })),
      })
      const [before, after] = [pick(one), { ...pick(other), gaps: [] }]
      expect(applyEdits(before, editsBetween(before, after))).toEqual(after)
    }),
  )
})

test('a new row is told once for all insurances, and who pays more is told by period', () => {
  const after = withLimitsOf2025()
  expect(changedRows(hefei, after)).toEqual([
    { key: 'limits', from: '2025-01', after: after.limits.at(-1) },
  ])
  const [change, ...more] = changedAmounts(hefei, after, '2026-06')
  // From 2026 on the limits of 2025 stand in for those to come.
  expect([change?.from, change?.to, more]).toEqual(['2025-01', '2026-06', []])
  expect(change?.amounts[0]).toEqual({
    wage: '2000.00',
    before: { employer: '976.44', employee: '443.84' },
    after: { employer: '995.84', employee: '452.66' },
  })
  const within = change?.amounts[1]
  expect(within?.before).toEqual(within?.after)
})

test('the parameters of a day are told with their sources, and what stands in', () => {
  const of2024 = parametersOf(hefei, '2024-11').find(({ key }) => key === 'limits')
  expect(of2024).toMatchObject({
    values: { floor: '4227', ceiling: '21133' },
    carried: false,
    status: 'final',
  })
  const of2025 = parametersOf(hefei, '2025-03').find(({ key }) => key === 'limits')
  expect(of2025).toMatchObject({ values: { floor: '4227' }, carried: true })
  expect(of2025?.note?.en).toContain('not verified')
})

test('a limit that is published late is told as retroactive', () => {
  const changes = changesSince(withLimitsOf2025(), '2025-08-01')
  expect(changes.find(({ key }) => key === 'limits')).toMatchObject({
    from: '2025-01',
    retroactive: true,
    before: { floor: '4227' },
    after: { floor: '4311' },
  })
  // The sources of the limits of 2021 say no day: whether they came late is not known.
  const undated = changesSince(hefei, '2020-12-01').find(({ from }) => from === '2021-01')
  expect(undated?.after).toMatchObject({ floor: '3429.11' })
  expect(undated).not.toHaveProperty('retroactive')
  expect(surchargeFreeUntil(hefei, '2024-05')).toBe('2024-12-31')
  expect(surchargeFreeUntil(hefei, '2025-05')).toBeUndefined()
})

test('the hash is of a text that the pack can be read from again', () => {
  expect(JSON.parse(packText(hefei))).toEqual(hefei)
})

test('the command shows and compares, and names the packs that there are', async () => {
  const run = async (...args: string[]) => {
    const command = runCommand('src/commands/policy.ts', {}, args)
    return { code: await command.done, output: command.output() }
  }
  const shown = await run('show', '340100', '--on', '2025-08')
  expect(shown).toMatchObject({ code: 0 })
  expect(shown.output).toMatch(/limits: .*floor 4227.*STANDING IN/)
  const chinese = (await run('show', '340100', '--on', '2025-08', '--lang', 'zh-CN')).output
  expect(chinese).toMatch(/缴费基数上下限: .*下限 4227.*该期未核实，暂用/)
  expect(chinese).toMatch(/\n灵活就业人员医疗保险费率: 建账户 8/)
  expect(chinese).not.toMatch(/\blimits:|\brates:|floor 4227|Not verified/)
  expect(await run('diff', '340100', '340100')).toEqual({
    code: 0,
    output: 'The packs are the same.\n',
  })
  expect((await run('diff', '340100', '110000')).output).toMatch(/There is no pack 110000.*340100/)
  expect(JSON.parse((await run('schema')).output)).toHaveProperty('properties.limits')
  expect((await run('guess')).output).toMatch(/^There is no guess\.\nUsage/)
})
