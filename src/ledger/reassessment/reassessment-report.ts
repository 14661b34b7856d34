/**
 * What a reassessment changes, for an operator: how many employers and persons, how much by period
 * and cause, what differs in the packs, and until when it bears no surcharge.
 */
import { formatFen } from '../../declaration/money.ts'
import { reassessedPersonsMax, skippedNamedMax } from '../../limits.ts'
import { amountNames } from '../../policy/assess.ts'
import { changedRows } from '../../policy/diff.ts'
import { type Cause, causes } from '../../policy/difference.ts'
import { surchargeFreeUntil } from '../../policy/in-force.ts'
import type { PolicyPack } from '../../policy/pack.ts'
import type { PersonIndex } from '../person.ts'
import type { OutdatedQuery } from './outdated.ts'
import type { Change, SkipReason } from './reassess.ts'

type Sums = { declarations: number; lines: number; employerFen: number; employeeFen: number }

/** Counts changes as they stream by, and says them at the end. */
export class ReassessmentReport {
  readonly hashesBefore = new Set<string>()
  readonly #employers = new Set<string>()
  readonly #persons = new Set<number>()
  readonly #periods = new Map<string, Sums>()
  readonly #causesFen = new Map<Cause, number>()
  readonly #skipped = new Map<SkipReason, { count: number; readonly ids: string[] }>()
  readonly #personIndex: PersonIndex

  constructor(personIndex: PersonIndex) {
    this.#personIndex = personIndex
  }

  add({ declaration, policyHashBefore, difference }: Change): void {
    const { employer, period, lines = [] } = declaration
    const none = { declarations: 0, lines: 0, employerFen: 0, employeeFen: 0 }
    const sums = this.#periods.get(period) ?? none
    this.hashesBefore.add(policyHashBefore)
    this.#employers.add(employer)
    this.#periods.set(period, sums)
    sums.declarations += 1
    sums.lines += difference.lines.length
    sums.employerFen += difference.occupationalInjuryFen
    for (const [j, fen] of difference.totalsFen.entries()) {
      const name = amountNames[j % amountNames.length]
      if (name === 'employer') sums.employerFen += fen
      if (name === 'employee') sums.employeeFen += fen
    }
    for (const cause of causes) {
      this.#causesFen.set(cause, (this.#causesFen.get(cause) ?? 0) + difference.causesFen[cause])
    }
    for (const { line } of difference.lines) {
      const person = lines[line]?.person
      if (person === undefined || this.#persons.size >= reassessedPersonsMax) continue
      // 48 bits of the blind index: among 5 million persons some 0.04 collide.
      this.#persons.add(Number.parseInt(this.#personIndex(person).slice(0, 12), 16))
    }
  }

  skip(id: string, reason: SkipReason): void {
    const skipped = this.#skipped.get(reason) ?? { count: 0, ids: [] }
    this.#skipped.set(reason, skipped)
    skipped.count += 1
    if (skipped.ids.length < skippedNamedMax) skipped.ids.push(id)
  }

  text(
    { region, from, to, policyHash }: OutdatedQuery,
    pack: PolicyPack,
    packsBefore: readonly PolicyPack[],
    dryRun: boolean,
  ): string {
    const rows = [...this.#periods].sort(([one], [other]) => (one < other ? -1 : 1))
    const kind = dryRun ? 'dry run: nothing is ordered' : 'ordered; workers post them'
    return [
      `Reassessment of ${region}, ${from} to ${to}, with pack ${policyHash.slice(0, 12)} (${kind})`,
      ...this.#whatChanged(pack, packsBefore, from, to),
      ...(rows.length === 0 ? ['Nothing changes.'] : this.#table(rows, pack)),
      ...[...this.#skipped].flatMap(([reason, { count, ids }]) => [
        `${count} left alone: ${skipTexts[reason]}`,
        `  ${ids.join(' ')}${count > ids.length ? ' …' : ''}`,
      ]),
    ].join('\n')
  }

  #table(rows: readonly (readonly [string, Sums])[], pack: PolicyPack): string[] {
    return [
      '',
      tableRow(['period', 'declarations', 'persons', 'employer', 'employee', 'no surcharge until']),
      ...rows.map(([period, sums]) => {
        const { declarations, lines, employerFen, employeeFen } = sums
        const counts = [period, `${declarations}`, `${lines}`]
        const free = surchargeFreeUntil(pack, period) ?? '-'
        return tableRow([...counts, formatFen(employerFen), formatFen(employeeFen), free])
      }),
      '',
      `${this.#employers.size} employers, ${this.#personsText()} persons. Why, in yuan of both sides:`,
      ...[...this.#causesFen]
        .filter(([, fen]) => fen !== 0)
        .map(([cause, fen]) => `  ${cause.padEnd(10)}${formatFen(fen).padStart(16)}`),
    ]
  }

  #personsText(): string {
    const { size } = this.#persons
    return size < reassessedPersonsMax ? `${size}` : `more than ${size}`
  }

  /** The rows of the packs that differ, within the periods asked for. */
  #whatChanged(pack: PolicyPack, packsBefore: readonly PolicyPack[], from: string, to: string) {
    const changes = packsBefore.flatMap((before) => changedRows(before, pack))
    const texts = changes
      .filter(({ before, after }) =>
        [before, after].some((row) => row && row.from <= to && (row.to ?? to) >= from),
      )
      .map(({ key, from: since, after }) => {
        const [source] = after?.sources ?? []
        const cited = source === undefined ? '' : ` (${source.title}${source.number ?? ''})`
        return `  ${key} from ${since}${after === undefined ? ': gone' : cited}`
      })
    return texts.length === 0 ? [] : ['The pack differs in:', ...new Set(texts)]
  }
}

const skipTexts: Readonly<Record<SkipReason, string>> = {
  waiting: 'an earlier reassessment waits to be posted. Run it again when the backlog is gone.',
  'dead letter':
    'their reassessment with this pack is a dead letter. See "npm run dead-letters -- list", and retry it after the fix.',
  'not covered': 'the pack does not cover their period. Add the row, or a gap, and run it again.',
  'not offered':
    'with this pack their filing would be refused: a tier, rate, float or service that it lacks, or a chosen base or unit base outside its limits. Add what is missing, or ask for a correction, and run it again.',
  'pack unknown': 'the pack that they were assessed with is not in the journal.',
}

function tableRow(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(9) : cell.padStart(i < 3 ? 13 : 20)))
    .join('')
}
