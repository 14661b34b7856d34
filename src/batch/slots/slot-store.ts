/**
 * Slots for intake; every answer is durable.
 */
import type { Confirm } from '../../journal/durable.ts'
import type { Owner } from '../state/owner.ts'
import {
  type Reservation,
  type ReserveDependencies,
  type ReserveOutcome,
  reserveSlot,
} from './reserve-slot.ts'
import {
  deleteUnusedSlots,
  findSlot,
  listSlots,
  releaseSlot,
  type Slot,
  type SlotRequest,
} from './slot.ts'

export type SlotStore = {
  reserve(asked: SlotRequest, reservation: Reservation): Promise<ReserveOutcome>
  /** Finds only the owner's slots. */
  find(id: string, owner: Owner): Promise<Slot | undefined>
  list(owner: Owner): Promise<Slot[]>
  release(slot: Slot): Promise<boolean>
  deleteUnused(): Promise<void>
}

export function createSlotStore(
  dependencies: ReserveDependencies & { readonly confirm: Confirm },
): SlotStore {
  const { pool, confirm } = dependencies
  return {
    reserve: async (asked, reservation) => {
      const outcome = await reserveSlot(dependencies, asked, reservation)
      await confirm()
      return outcome
    },
    find: (id, owner) => findSlot(pool, id, owner),
    list: (owner) => listSlots(pool, owner),
    release: async (slot) => {
      const released = await releaseSlot(pool, slot)
      await confirm()
      return released
    },
    deleteUnused: () => deleteUnusedSlots(pool),
  }
}
