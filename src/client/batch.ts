/** A file as the intake tells of it, by the names of the API. */
import { hasTexts, type Text } from './problem.ts'

/** From `receiving` on a file goes down this list; the last eight are ends. */
export type BatchStage =
  | 'receiving'
  | 'received'
  | 'reading'
  | 'checking'
  | 'filing'
  | 'posting'
  | 'posted'
  | 'checked'
  | 'unreadable'
  | 'refused'
  | 'duplicate'
  | 'damaged'
  | 'cancelled'
  | 'expired'

export type FileFinding = {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'hint'
  readonly place: {
    readonly sheet?: string
    readonly row?: number
    readonly column?: string
    readonly pointer?: string
    readonly cell?: string
  }
  readonly message: Text
  readonly fix: Text
  readonly suggestion?: string
}

export type Batch = {
  readonly id: string
  readonly stage: BatchStage
  readonly employer?: string
  readonly period: string
  readonly region: string
  readonly kind: 'regular' | 'correction' | 'cancellation' | 'addition'
  readonly mode: 'all-or-nothing' | 'accept-good' | 'check'
  readonly format?: string
  readonly filename?: string
  readonly size?: number
  /** Bytes that are durable: the file goes on there. */
  readonly received: number
  readonly createdAt: string
  readonly receivedAt?: string
  readonly expiresAt?: string
  readonly receipt?: {
    readonly statement: Readonly<Record<string, unknown>>
    readonly signed: string
  }
  readonly progress: {
    readonly percent?: number
    readonly rows?: Readonly<Record<'read' | 'good' | 'setAside' | 'filed' | 'posted', number>>
    readonly declarations?: number
    readonly deadLetters?: number
    readonly estimatedEnd?: string
  }
  readonly wouldFile?: {
    readonly declarations: number
    readonly lines: number
    readonly total: { readonly employer: string; readonly employee: string }
  }
  readonly findings?: readonly FileFinding[]
  readonly links: Readonly<
    { self: string } & Partial<
      Record<
        'receipt' | 'file' | 'amends' | 'sameAs' | 'events' | 'declarations' | 'errors' | 'slot',
        string
      >
    >
  >
}

/** An upload as it can be stored: plain data, and nothing that is in the file. */
export type KeptUpload = {
  /** The tus address that takes the bytes. */
  readonly address: string
  readonly id: string
  /** What the file is known by. */
  readonly content: string
  readonly size: number
}

export type Stages = Readonly<Record<BatchStage, 'under way' | 'filed' | 'notFiled' | 'discarded'>>

/**
 * What each stage is to who sent the file. `filed`: what it was sent for is done; `notFiled`: it was read, and nothing
 * of it is filed; `discarded`: its bytes are gone.
 */
export const stages: Stages = {
  receiving: 'under way',
  received: 'under way',
  reading: 'under way',
  checking: 'under way',
  filing: 'under way',
  posting: 'under way',
  posted: 'filed',
  checked: 'filed',
  duplicate: 'filed',
  unreadable: 'notFiled',
  refused: 'notFiled',
  damaged: 'discarded',
  cancelled: 'discarded',
  expired: 'discarded',
}

export function isBatch(content: object): content is Batch {
  const { stage, received } = content as Partial<Batch>
  return (
    hasTexts<Batch>(content, ['id', 'stage']) &&
    typeof received === 'number' &&
    typeof stage === 'string' &&
    Object.hasOwn(stages, stage)
  )
}
