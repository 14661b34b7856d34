/**
 * Accepts the declarations of a file group by group. If a group takes as long as a statement may, or
 * Postgres refuses it for its size, it is halved, and so are the next ones until commits are fast
 * again. Otherwise the same group would fail at each try, and the file would stay in filing.
 *
 * If the process dies between two halves, the next worker files the same again; what is accepted
 * already is a replay.
 */
import assert from 'node:assert/strict'
import type { AcceptGroup, GroupResult } from '../../journal/accept.ts'
import type { Filing } from '../../journal/filing.ts'
import { acceptStatementMsMax, groupDeclarationsMax } from '../../limits.ts'

/**
 * SQLSTATE classes 53 (insufficient resources) and 54 (program limit exceeded), and statement time-out.
 */
const refusedForSize = /^(?:53|54|57014$)/
/** Groups double while a commit takes less than this. */
const growBelowMs = acceptStatementMsMax / 4

export class AcceptInHalves {
  readonly #acceptGroup: AcceptGroup
  #groupMax = groupDeclarationsMax

  constructor(acceptGroup: AcceptGroup) {
    this.#acceptGroup = acceptGroup
  }

  /**
   * @returns the result of each group, in order
   * @throws the error of a group that can't be halved, or that halving doesn't resolve
   */
  async accept(filings: readonly Filing[]): Promise<GroupResult[]> {
    const results: GroupResult[] = []
    // If a part meets a declaration in force, the further parts of its declaration are not filed.
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

  /** Undefined: retry in halves. */
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

/** If an id was accepted with other content, nothing of the group may be recorded as filed. */
function assertSame(group: readonly Filing[], { acceptances, standing }: GroupResult): void {
  for (const { id, digest } of group) {
    if (standing.has(id)) continue
    const accepted = acceptances.get(id)
    assert(accepted?.isOf(digest), `${id} was accepted with other content than the file has`)
  }
}
