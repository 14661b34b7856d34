/** Reads declarations by their ids, one after another, wherever they lie in the journal. */

import assert from 'node:assert/strict'
import type { Part } from '../../declaration/part.ts'
import type { Declaration } from '../../declaration/schema.ts'
import type { EnvelopeKey } from '../envelope.ts'
import {
  type AcceptedDeclaration,
  findPositions,
  type OpenedEnvelope,
  readEnvelope,
} from './read.ts'
import type { Queryable } from './read-pool.ts'

/** Opens envelopes, and keeps the last one open: what follows each other was often filed together. */
export class JournalReader {
  readonly #pool: Queryable
  readonly #keys: readonly EnvelopeKey[]
  #last: OpenedEnvelope | undefined

  constructor(pool: Queryable, keys: readonly EnvelopeKey[]) {
    this.#pool = pool
    this.#keys = keys
  }

  /** @throws AssertionError when nothing was accepted under the id */
  async read(id: string): Promise<Declaration> {
    return (await this.readAccepted(id)).declaration
  }

  /** @throws AssertionError when nothing was accepted under the id */
  async readAccepted(id: string): Promise<AcceptedDeclaration> {
    const number = (await findPositions(this.#pool, [id])).get(id)?.envelope
    assert(number !== undefined, `${id} was accepted`)
    if (this.#last?.number !== number)
      this.#last = await readEnvelope(this.#pool, this.#keys, number)
    const found = this.#last?.accepted.find((one) => one.id === id)
    assert(found !== undefined, `${id} is in envelope ${number}`)
    return found
  }

  /**
   * The ids of the parts before a head, in order. Older heads do not name their parts: these are found by the
   * head's id, which each part names.
   */
  async idsBefore(head: string, { count, unit }: Part): Promise<readonly string[]> {
    if (typeof unit === 'object') return unit.ids
    const { rows } = await this.#pool.query<{ envelope: string }>({
      name: 'find-part-envelopes',
      text: `
        select distinct p.envelope
        from journal.acceptance h
        join journal.acceptance p on p.employer = h.employer and p.period = h.period
        where h.id = $1 and p.envelope <= h.envelope`,
      values: [head],
    })
    const ids = new Map<number, string>()
    for (const { envelope } of rows) {
      const opened = await readEnvelope(this.#pool, this.#keys, BigInt(envelope))
      for (const { id, part } of opened?.accepted ?? [])
        if (part?.of === head && part.number < count) ids.set(part.number, id)
    }
    assert(ids.size === count - 1, `${head} has all of its parts`)
    return [...ids.entries()].sort(([one], [other]) => one - other).map(([, id]) => id)
  }
}
