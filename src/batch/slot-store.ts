/** Slots, as intake asks for them; what it is told of them is durable. */
import type { Confirm } from '../journal/durable.ts'
import {
  type Reservation,
  type ReserveDependencies,
  type ReserveOutcome,
  reserveSlot,
} from './reserve-slot.ts'
import {
  findSlot,
  forgetSlots,
  listSlots,
  releaseSlot,
  type Slot,
  type SlotRequest,
} from './slot.ts'

export type SlotStore = {
  reserve(asked: SlotRequest, reservation: Reservation): Promise<ReserveOutcome>
  find(id: string): Promise<Slot | undefined>
  list(subject: string): Promise<Slot[]>
  release(id: string): Promise<boolean>
  forget(): Promise<void>
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
    find: (id) => findSlot(pool, id),
    list: (subject) => listSlots(pool, subject),
    release: async (id) => {
      const released = await releaseSlot(pool, id)
      await confirm()
      return released
    },
    forget: () => forgetSlots(pool),
  }
}
