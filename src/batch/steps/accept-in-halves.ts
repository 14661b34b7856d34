/**
 * Acceptance of what a file files, group by group. A group that took as long as a statement may, or that
 * Postgres refused for its size, goes in halves, and so do the next ones until commits are quick again:
 * as large as before it would fail at each try, and the file would stay in filing.
 *
 * If the process dies between two halves, the next worker files the same again; what is accepted already
 * is a replay.
 */
import assert from 'node:assert/strict'
import type { AcceptGroup, GroupResult } from '../../journal/accept.ts'
import type { Filing } from '../../journal/filing.ts'
import { acceptStatementMsMax, groupDeclarationsMax } from '../../limits.ts'

/** SQLSTATE classes 53 (insufficient resources) and 54 (program limit exceeded), and statement time-out. */
const refusedForSize = /^(?:53|54|57014$)/
/** Groups grow again, twice as large each time, while a commit takes less than this. */
const growBelowMs = acceptStatementMsMax / 4

export class AcceptInHalves {
  readonly #acceptGroup: AcceptGroup
  #groupMax = groupDeclarationsMax

  constructor(acceptGroup: AcceptGroup) {
    this.#acceptGroup = acceptGroup
  }

  /**
   * @returns what became of each group, in order
   * @throws what the smallest group met that can't be halved, or what size doesn't mend
   */
  async accept(filings: readonly Filing[]): Promise<GroupResult[]> {
    const results: GroupResult[] = []
    // A declaration of which a part met something that stands has no further parts.
    const stopped = new Set<string>()
    for (let at = 0; at < filings.length; ) {
      const taken = filings.slice(at, at + this.#groupMax)
      const group = taken.filter((filing) => !stopped.has(declarationOf(filing)))
      const result = await this.#acceptOrHalve(group)
      if (result === undefined) continue
      assertSame(group, result)
      for (const filing of group)
        if (result.standing.has(filing.id)) stopped.add(declarationOf(filing))
      results.push(result)
      at += taken.length
    }
    return results
  }

  /** Undefined: it is to be tried in halves. */
  async #acceptOrHalve(group: readonly Filing[]): Promise<GroupResult | undefined> {
    const startedAt = performance.now()
    try {
      const result = await this.#acceptGroup(group)
      if (performance.now() - startedAt < growBelowMs)
        this.#groupMax = Math.min(2 * this.#groupMax, groupDeclarationsMax)
      return result
    } catch (error) {
      const tookTooLong = performance.now() - startedAt >= acceptStatementMsMax
      const forSize = tookTooLong || refusedForSize.test(String((error as { code?: unknown }).code))
      if (!forSize || group.length === 1) throw error
      this.#groupMax = Math.ceil(group.length / 2)
      return undefined
    }
  }
}

function declarationOf({ id, partOf = id }: Filing): string {
  return partOf
}

/** What another filing was accepted as is not what the file says: nothing of it may be noted as filed. */
function assertSame(group: readonly Filing[], { acceptances, standing }: GroupResult): void {
  for (const { id, digest } of group) {
    if (standing.has(id)) continue
    const accepted = acceptances.get(id)
    assert(accepted?.isOf(digest), `${id} was accepted with other content than the file has`)
  }
}
