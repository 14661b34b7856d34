/**
 * The stages of a batch and the events that lead from one to another: a table, complete by type. An
 * event that can't happen in a stage is undefined there and leaves the batch as it is.
 */

export const stages = [
  'receiving', // waits for bytes
  'received', // complete; waits for a worker
  'reading', // a worker reads its rows
  'checking', // a worker checks its rows, employer by employer
  'filing', // its declarations are accepted, one after another; its sender can't cancel it any more
  'posting', // all declarations are accepted and wait for posting like any other
  'posted', // all declarations are posted
  'checked', // mode check: all of it is checked, and nothing is filed
  'unreadable', // not a file of declarations; nothing is filed
  'refused', // no row is good, or a row is wrong and mode is all-or-nothing; nothing is filed
  'duplicate', // complete, and the same as an earlier batch, which stands; has no bytes
  'damaged', // complete, but not the announced file; has no bytes
  'cancelled', // cancelled by its sender or an operator; has no bytes; what was filed stays filed
  'expired', // received nothing for days; has no bytes
] as const
export type Stage = (typeof stages)[number]

export type BatchEvent =
  | 'complete'
  | 'recognise'
  | 'mismatch'
  | 'cancel'
  | 'expire'
  | 'begin'
  | 'read'
  | 'give up'
  | 'refuse'
  | 'check'
  | 'conclude'
  | 'file'
  | 'post'
  | 'stop'
  | 'recheck'

export const transitions: Readonly<Record<Stage, Readonly<Record<BatchEvent, Stage | undefined>>>> =
  {
    receiving: {
      ...nothing(),
      complete: 'received',
      recognise: 'duplicate',
      mismatch: 'damaged',
      cancel: 'cancelled',
      expire: 'expired',
    },
    received: { ...nothing(), cancel: 'cancelled', begin: 'reading' },
    reading: {
      ...nothing(),
      cancel: 'cancelled',
      read: 'checking',
      'give up': 'unreadable',
      stop: 'cancelled',
    },
    checking: {
      ...nothing(),
      cancel: 'cancelled',
      check: 'filing',
      conclude: 'checked',
      refuse: 'refused',
      stop: 'cancelled',
    },
    filing: {
      ...nothing(),
      file: 'posting',
      refuse: 'refused',
      stop: 'cancelled',
      recheck: 'checking',
    },
    posting: { ...nothing(), post: 'posted' },
    posted: nothing(),
    checked: nothing(),
    unreadable: nothing(),
    refused: nothing(),
    duplicate: { ...nothing(), cancel: 'cancelled' },
    damaged: nothing(),
    cancelled: nothing(),
    expired: nothing(),
  }

/** Stages in which an event is possible, for the statement that applies it. */
export function stagesBefore(event: BatchEvent): Stage[] {
  return stages.filter((stage) => transitions[stage][event] !== undefined)
}

/** The batch will never be worked on and its bytes are gone; the sender must begin another. */
export function isDiscarded(stage: Stage): boolean {
  return stage === 'damaged' || stage === 'cancelled' || stage === 'expired'
}

/** A worker has the batch or will have it: its filing is not decided or not finished. */
export function isInProgress(stage: Stage): boolean {
  return stage === 'received' || stage === 'reading' || stage === 'checking' || stage === 'filing'
}

/** Nobody works on the batch any more, and nothing more will happen to it. */
export function isEnded(stage: Stage): boolean {
  const { cancel: _, ...onward } = transitions[stage]
  return Object.values(onward).every((next) => next === undefined)
}

function nothing(): Record<BatchEvent, undefined> {
  return {
    complete: undefined,
    recognise: undefined,
    mismatch: undefined,
    cancel: undefined,
    expire: undefined,
    begin: undefined,
    read: undefined,
    'give up': undefined,
    refuse: undefined,
    check: undefined,
    conclude: undefined,
    file: undefined,
    post: undefined,
    stop: undefined,
    recheck: undefined,
  }
}
