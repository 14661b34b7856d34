/** Reads declarations by their ids, one after another, wherever they lie in the journal. */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { Declaration } from '../declaration/schema.ts'
import type { EnvelopeKey } from './envelope.ts'
import { findPlaces, type OpenedEnvelope, readEnvelope } from './read.ts'

/** Opens envelopes, and keeps the last one open: what follows each other was often filed together. */
export class JournalReader {
  readonly #pool: pg.Pool
  readonly #keys: readonly EnvelopeKey[]
  #last: OpenedEnvelope | undefined

  constructor(pool: pg.Pool, keys: readonly EnvelopeKey[]) {
    this.#pool = pool
    this.#keys = keys
  }

  /** @throws AssertionError when nothing was accepted under the id */
  async read(id: string): Promise<Declaration> {
    const number = (await findPlaces(this.#pool, [id])).get(id)?.envelope
    assert(number !== undefined, `${id} was accepted`)
    if (this.#last?.number !== number)
      this.#last = await readEnvelope(this.#pool, this.#keys, number)
    const found = this.#last?.accepted.find((one) => one.id === id)
    assert(found !== undefined, `${id} is in envelope ${number}`)
    return found.declaration
  }
}
