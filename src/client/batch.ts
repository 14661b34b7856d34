/** A file as the intake tells of it, by the names of the API. */
import type { components } from './api.ts'
import { hasTexts } from './problem.ts'

type Schemas = components['schemas']

export type Batch = Schemas['Batch']
/** From `receiving` on a file goes down the list of `stages`; the last eight are ends. */
export type BatchStage = Batch['stage']
export type FileFinding = Schemas['FileFinding']

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
