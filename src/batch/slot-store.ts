/** Slots, as intake asks for them. */
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

export function createSlotStore(dependencies: ReserveDependencies): SlotStore {
  const { pool } = dependencies
  return {
    reserve: (asked, reservation) => reserveSlot(dependencies, asked, reservation),
    find: (id) => findSlot(pool, id),
    list: (subject) => listSlots(pool, subject),
    release: (id) => releaseSlot(pool, id),
    forget: () => forgetSlots(pool),
  }
}
