import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Declaration } from '../../src/declaration/schema.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { createPosting } from '../../src/ledger/post.ts'
import { bulkEnvelopeLinesMax } from '../../src/limits.ts'
import { databaseFault } from '../../src/platform/command/sqlstate.ts'
import { shippedPacks } from '../../src/platform/config/packs.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import type { Policies } from '../../src/policy/rules.ts'
import { runCommand } from '../support/command.ts'
import { type Journal, ledgerText, openJournal, policies } from '../support/journal.ts'
import { policiesOf } from '../support/packs.ts'
import * as support from '../support/reassess.ts'
import { assessed, wages, withFloor } from '../support/reassess.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
  await recordPacks(journal.pool, policies)
})
afterAll(() => journal.close())

const acceptAndPost = (declaration: Declaration, key: string) =>
  support.acceptAndPost(journal, declaration, key)
const reassess = (later: Policies, how?: support.Reassessing) =>
  support.reassess(journal, later, how)
const standing = (id: string) => support.standing(journal, id)

test('a dry run tells the differences and why, and touches nothing', async () => {
  const declaration = wages(['3000.00', '6500.00', '99999.00'])
  await acceptAndPost(declaration, 'dry')
  const later = policiesOf(withFloor('4311'))
  const before = await ledgerText(journal.database.owner)
  const { changes } = await reassess(later, { dryRun: true })
  const [change] = changes
  expect(changes).toHaveLength(1)
  // Only the floor moved: 84 yuan × (16 + 6.4 + 0.5 + 0.2)% and × (8 + 2 + 0.5)%, each rounded.
  expect(change?.difference.lines.map(({ line }) => line)).toEqual([0])
  const [was, is] = [assessed(declaration, policies), assessed(declaration, later)]
  const paid = is.employer - was.employer + is.employee - was.employee
  expect(change?.difference.causesFen).toEqual({
    floor: paid,
    ceiling: 0,
    tier: 0,
    rate: 0,
    unit: 0,
  })
  expect(paid).toBeGreaterThan(2_000)
  expect(await ledgerText(journal.database.owner)).toBe(before)
  const { rows } = await journal.database.owner.query('select hash from journal.policy_pack')
  expect(rows).toHaveLength(policies.current.size)
})

test('differences are posted once, and a declaration then stands as the later pack says', async () => {
  const declaration = wages(['3000.00', '4300.00', '6500.00'])
  const untouched = await acceptAndPost(wages(['6500.00']), 'untouched')
  const id = await acceptAndPost(declaration, 'moved')
  const later = policiesOf(withFloor('4311'))
  const { changes } = await reassess(later)
  expect(changes.length).toBeGreaterThan(0)
  expect(await standing(id)).toEqual(assessed(declaration, later))
  const again = await reassess(later)
  expect(again.changes.map(({ declaration: { employer } }) => employer)).not.toContain(
    declaration.employer,
  )
  expect(again.envelopes).toEqual([])
  const { rows } = await journal.database.owner.query(
    `select from ledger.reassessment r
     join ledger.declaration d
       on d.envelope = r.declaration_envelope and d.position = r.declaration_position
     where d.id = $1`,
    [untouched],
  )
  expect(rows).toHaveLength(0)
})

test('a second change adds up with the first, and waits while the first is not posted', async () => {
  const declaration = wages(['1000.00', '5000.00'])
  const id = await acceptAndPost(declaration, 'twice')
  const [second, third] = [policiesOf(withFloor('4400')), policiesOf(withFloor('4500'))]
  const first = await reassess(second, { post: false })
  const early = await reassess(third)
  expect(early.skipped).toContain('waiting')
  expect(early.changes.map(({ declaration: { employer } }) => employer)).not.toContain(
    declaration.employer,
  )
  for (const envelope of first.envelopes) await journal.post(envelope)
  await reassess(third)
  expect(await standing(id)).toEqual(assessed(declaration, third))
})

test('what becomes final without another amount is noted too', async () => {
  const [provisional, final] = [
    policiesOf(withFloor('4600', 'provisional')),
    policiesOf(withFloor('4600', 'final')),
  ]
  const id = await acceptAndPost(wages(['9000.00']), 'final')
  const provisionals = async () => {
    const { rows } = await journal.database.owner.query(
      `select r.provisional, r.lines_changed from ledger.reassessment r
       join ledger.declaration d
         on d.envelope = r.declaration_envelope and d.position = r.declaration_position
       where d.id = $1 order by r.envelope`,
      [id],
    )
    return rows
  }
  await reassess(provisional)
  await reassess(final)
  expect(await provisionals()).toEqual([
    { provisional: true, lines_changed: 0 },
    { provisional: false, lines_changed: 0 },
  ])
})

test('a run that dies between two envelopes is finished by the next, and nothing counts twice', async () => {
  const declaration = wages(['2000.00'])
  const id = await acceptAndPost(declaration, 'dying')
  const later = policiesOf(withFloor('4700'))
  const dying = reassess(later, {
    accept: (accept) => async (group) => {
      await accept(group)
      throw new Error('the process dies after the commit')
    },
  })
  await expect(dying).rejects.toThrow('dies')
  const { rows } = await journal.database.owner.query<{ envelope: string }>(
    "select envelope from journal.unposted where lane = 'bulk'",
  )
  const next = await reassess(later)
  expect(next.skipped).toContain('waiting')
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
  await reassess(later)
  expect(await standing(id)).toEqual(assessed(declaration, later))
})

test('a reassessment of what was corrected meanwhile is superseded with it', async () => {
  const declaration = wages(['1500.00'])
  const id = await acceptAndPost(declaration, 'corrected')
  const { envelopes } = await reassess(policiesOf(withFloor('4800')), { post: false })
  const { employer } = declaration
  const correction = { ...wages(['9000.00']), employer, kind: 'correction' as const, replaces: id }
  await acceptAndPost(correction, 'correction')
  for (const envelope of envelopes) await journal.post(envelope)
  const { rows } = await journal.database.owner.query(
    'select kind, status from ledger.declaration_status where employer = $1 order by envelope',
    [employer],
  )
  expect(rows).toEqual([
    { kind: 'regular', status: 'superseded' },
    { kind: 'reassessment', status: 'superseded' },
    { kind: 'correction', status: 'posted' },
  ])
})

test('posting everything again in another order gives the same ledger', async () => {
  const { owner } = journal.database
  const before = await ledgerText(owner)
  const { rows } = await owner.query<{ envelope: string }>(
    'select envelope from ledger.posting order by md5(envelope::text)',
  )
  await owner.query(
    'truncate ledger.posting, ledger.declaration, ledger.line, ledger.in_force, ledger.last_cancellation, ledger.whole, ledger.dead_letter, ledger.reassessment, ledger.reassessment_line',
  )
  const { pool, keyring } = journal
  const { createPersonIndex } = await import('../../src/ledger/person.ts')
  const fresh = createPosting({
    pool,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    policies: policiesOf(withFloor('4311')), // another current pack changes nothing
    isDataFault: (error) => databaseFault(error) === 'data',
  })
  for (const { envelope } of rows) await fresh(BigInt(envelope))
  expect(await ledgerText(owner)).toBe(before)
})

test('the command reports and orders, and names a region that has no pack', async () => {
  await acceptAndPost(wages(['1800.00', '7000.00']), 'command')
  const folder = mkdtempSync(path.join(tmpdir(), 'packs-'))
  try {
    cpSync(shippedPacks, folder, { recursive: true })
    const limits = path.join(folder, '340100', 'limits.json')
    writeFileSync(
      limits,
      readFileSync(limits, 'utf8').replace('"floor": "4227"', '"floor": "4900"'),
    )
    const env = {
      DATABASE_URL: journal.database.url,
      KEYRING_FILE: inject('keyringFile'),
      POLICY_DIR: folder,
    }
    const run = async (args: string[]) => {
      const command = runCommand('src/commands/reassess.ts', env, args)
      return { code: await command.done, output: command.output() }
    }
    const span = ['--from', '2024-01', '--to', '2024-12']
    const dry = await run(['--region', '340100', ...span, '--dry-run'])
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.output).toMatch(/dry run: nothing is ordered/)
    expect(dry.output).toMatch(/limits from 2024-01 \(关于发布2024年度/)
    expect(dry.output).toMatch(/^2024-11 +\d+ +\d+ +[\d.]+ +[\d.]+ +2024-12-31$/m)
    expect(dry.output).toMatch(/^ {2}floor +[\d.]+$/m)
    const ordered = await run(['--region', '340100', ...span])
    expect(ordered.output).toMatch(/ordered; workers post them/)
    const { rows } = await journal.database.owner.query(
      "select from journal.unposted where lane = 'bulk'",
    )
    expect(rows).toHaveLength(1)
    const unknown = await run(['--region', '110000', ...span])
    expect(unknown).toMatchObject({ code: 2 })
    expect(unknown.output).toBe('There is no policy pack for 110000; there are: 340100.\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('orders that change thousands of lines lie in envelopes of their own, as posting has to end in time', async () => {
  const many = Array.from({ length: bulkEnvelopeLinesMax / 2 + 1 }, () => '2100.00')
  const declarations = [wages(many), wages(many), wages(['2200.00']), wages(['2300.00'])]
  const ids: string[] = []
  for (const [i, declaration] of declarations.entries())
    ids.push(await acceptAndPost(declaration, `large ${i}`))
  const later = policiesOf(withFloor('5000'))
  const { envelopes } = await reassess(later)
  const { rows } = await journal.database.owner.query<{ envelope: string }>(
    `select r.envelope
     from unnest($1::text[]) with ordinality as of (id, nth)
     join ledger.declaration d on d.id = of.id
     join ledger.reassessment r
       on r.declaration_envelope = d.envelope and r.declaration_position = d.position
     order by of.nth`,
    [ids],
  )
  const [first, second] = envelopes.slice(-2)
  expect(rows.map(({ envelope }) => BigInt(envelope))).toEqual([first, second, second, second])
  for (const [i, id] of ids.entries())
    expect(await standing(id)).toEqual(assessed(declarations[i] as Declaration, later))
})
