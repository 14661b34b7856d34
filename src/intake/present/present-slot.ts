/**
 * A slot as its filer sees it.
 */
import Type, { type Static } from 'typebox'
import type { Slot } from '../../batch/slots/slot.ts'
import type { SlotWindow } from '../../batch/slots/slot-windows.ts'
import type { Text } from '../../declaration/catalogue/entry.ts'
import { formatInstant } from '../../declaration/period.ts'
import type { Policies } from '../../policy/rules.ts'
import { slotExample } from './examples.ts'
import { batchUrl, slotUrl } from './present-batch.ts'
import { textSchema } from './schemas.ts'

const instant = Type.String({ examples: ['2024-11-25T16:15:00.000000+08:00'] })

export const slotStates = ['reserved', 'used', 'over'] as const

export const slotSchema = Type.Object(
  {
    id: Type.String(),
    state: Type.Enum(slotStates, {
      description: 'used: a file was begun with it; over: it ended without one.',
    }),
    start: instant,
    end: Type.String({ description: 'Until then a file that has it goes first.' }),
    rows: Type.Integer(),
    bytes: Type.Integer({ description: 'A larger file goes on as one without a slot.' }),
    period: Type.String(),
    region: Type.String(),
    employer: Type.Optional(Type.String()),
    deadline: Type.Optional(instant),
    beforeDeadline: Type.Optional(Type.Boolean({ description: 'The slot ends by then.' })),
    peak: Type.Optional(Type.Boolean({ description: 'The time that was asked for was taken.' })),
    next: Type.Optional(
      Type.Array(Type.Object({ start: instant, end: instant }), {
        description: 'At the peak, the next free ones, before the deadline where it can be.',
      }),
    ),
    notice: Type.Optional(textSchema),
    links: Type.Object({ self: Type.String(), batch: Type.Optional(Type.String()) }),
  },
  { title: 'Slot', examples: [slotExample] },
)

export const slotListSchema = Type.Object({ slots: Type.Array(slotSchema) }, { title: 'SlotList' })

type Presenting = { readonly policies: Policies; readonly nowMicros: () => number }
type Presented = Static<typeof slotSchema>

export function presentSlot({ policies, nowMicros }: Presenting, slot: Slot): Presented {
  const { id, rows, bytes, period, region, employer, batch } = slot
  const deadlineMicros = deadlineOf(policies, slot)
  const now = nowMicros()
  const late = deadlineMicros !== undefined && slot.endMicros > deadlineMicros
  return {
    ...{ id, state: stateOf(slot, now), ...presentWindow(slot) },
    ...{ rows, bytes, period, region },
    ...(employer !== undefined && { employer }),
    ...(deadlineMicros !== undefined && {
      deadline: formatInstant(deadlineMicros),
      beforeDeadline: !late,
    }),
    ...(late && now < deadlineMicros && { notice: lateNotice }),
    links: { self: slotUrl(id), ...(batch !== undefined && { batch: batchUrl(batch) }) },
  }
}

/** With what else is free, where the time that was asked for was not. */
export function presentReserved(
  presenting: Presenting,
  { slot, next }: { readonly slot: Slot; readonly next: readonly SlotWindow[] },
  fromMicros: number,
): Presented {
  const presented = presentSlot(presenting, slot)
  const peak = slot.startMicros > fromMicros
  const deadlineMicros = deadlineOf(presenting.policies, slot)
  const inTime = next.filter(({ endMicros }) => endMicros <= (deadlineMicros ?? endMicros))
  const told = presented.beforeDeadline === false ? next : inTime
  return { ...presented, peak, ...(peak && { next: told.map(presentWindow) }) }
}

function presentWindow({ startMicros, endMicros }: SlotWindow): { start: string; end: string } {
  return { start: formatInstant(startMicros), end: formatInstant(endMicros) }
}

function stateOf({ batch, endMicros }: Slot, nowMicros: number): (typeof slotStates)[number] {
  if (batch !== undefined) return 'used'
  return endMicros <= nowMicros ? 'over' : 'reserved'
}

/** Undefined where no pack has the period any more. */
function deadlineOf(policies: Policies, { region, period }: Slot): number | undefined {
  const rules = policies.rulesFor(region, period)
  return rules.kind === 'rules' ? rules.deadlineMicros : undefined
}

const lateNotice: Text = {
  'zh-CN':
    '此时段在申报截止时间之后结束。是否按期只看文件最后一个字节收到的时间：请在截止前上传，不必等到时段开始。',
  en: 'This slot ends after the deadline. The time at which the last byte of the file is received alone decides whether it is on time: send it before the deadline, and do not wait for the slot.',
}
