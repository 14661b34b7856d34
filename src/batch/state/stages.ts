/**
 * The stages of a batch, and what leads from one to another: a table, complete by type. What can't
 * happen in a stage is undefined there, and leaves the batch as it is.
 */

export const stages = [
  'receiving', // some of its bytes may be here
  'received', // all of them are: it waits to be worked on
  'reading', // its rows are read
  'checking', // its rows are checked, employer by employer
  'filing', // its declarations are accepted, one after another: too late to cancel for its sender
  'posting', // all of them are accepted; they are posted like any other
  'posted', // all of them are
  'checked', // all of it is checked, and that was all that was asked for: nothing is filed
  'unreadable', // it is no file of declarations: nothing is filed
  'refused', // nothing in it is right, or something is wrong and all or nothing was asked for: nothing is filed
  'duplicate', // all of them came, and were here before: the first batch stands, this one has no bytes
  'damaged', // all of them came, and are not the file that was announced: it has no bytes
  'cancelled', // by who sent it, or by an operator: it has no bytes; what was filed of it stays filed
  'expired', // nothing came for days: it has no bytes
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

/** Stages from which an event leads somewhere, for the statement that takes it there. */
export function stagesBefore(event: BatchEvent): Stage[] {
  return stages.filter((stage) => transitions[stage][event] !== undefined)
}

/** It will never be worked on, and its bytes are gone; another batch must be begun. */
export function isDiscarded(stage: Stage): boolean {
  return stage === 'damaged' || stage === 'cancelled' || stage === 'expired'
}

/** A worker has it, or will: what is filed of it is not decided, or not filed, yet. */
export function isInProgress(stage: Stage): boolean {
  return stage === 'received' || stage === 'reading' || stage === 'checking' || stage === 'filing'
}

/** Nobody works on it any more, and nothing more is to be waited for. */
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
