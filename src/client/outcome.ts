/** How a call can end, as closed unions: to be told apart by `kind`, none is thrown. */
import type { Batch, KeptUpload } from './batch.ts'
import type { FrozenFiling } from './frozen-filing.ts'
import type { WaitReason } from './insist.ts'
import type { AttemptTicket, Finding, Problem, Standing } from './problem.ts'
import type { Accepted, Checked, DeclarationStatus } from './types.ts'

/**
 * `unauthenticated`: sign in and try again; `forbidden`: not with this token; `refused`: the request is at fault,
 * the problem tells where; `foreign`: who answered is no intake, so the address is wrong or a proxy is in the way;
 * `unavailable`: given up before there was an answer, or stopped.
 */
export type Failure =
  | { readonly kind: 'unauthenticated'; readonly problem?: Problem }
  | { readonly kind: 'forbidden'; readonly problem: Problem }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly findings: readonly Finding[] }
  | { readonly kind: 'foreign'; readonly status: number }
  | {
      readonly kind: 'unavailable'
      readonly why: WaitReason | 'stopped'
      readonly problem?: Problem
      readonly resumesAtMs?: number
    }

/** Its receipt is `answer.receipt`; `text` is the answer to the byte, to be kept. */
type WithReceipt = { readonly answer: Accepted; readonly text: string }

/** Not accepted, or not known to be; `filing` is what to hand in again: the same bytes, key and ticket. */
type WithFiling = { readonly filing: FrozenFiling }
/** `mayBeAccepted`: an attempt before this answer may have been accepted; hand it in again to know. */
type Uncertain = WithFiling & { readonly mayBeAccepted: boolean }

export type FilingOutcome =
  /** Accepted now. */
  | ({ readonly kind: 'accepted' } & WithReceipt)
  /** Accepted before, by an earlier attempt: the original receipt. */
  | ({ readonly kind: 'replayed' } & WithReceipt)
  /** A declaration of the employer, period and region stands: correct or cancel that one. */
  | ({
      readonly kind: 'standing'
      readonly standing: Standing
      readonly findings: readonly Finding[]
      readonly problem: Problem
    } & WithFiling)
  /** At fault; nothing was kept of it. `total` counts all findings, `findings` has the first 200. */
  | ({
      readonly kind: 'refused'
      readonly problem: Problem
      readonly findings: readonly Finding[]
      readonly total: number
    } & WithFiling)
  /** The key was used for other content, which stands: see `problem.instance`. Freeze it with a new key. */
  | ({ readonly kind: 'keyReused'; readonly problem: Problem } & WithFiling)
  | ({ readonly kind: 'unauthenticated'; readonly problem?: Problem } & Uncertain)
  | ({ readonly kind: 'forbidden'; readonly problem: Problem } & Uncertain)
  | ({ readonly kind: 'foreign'; readonly status: number } & Uncertain)
  /** Given up or stopped, and each attempt was told that there is no room: it is not accepted. */
  | ({
      readonly kind: 'notAccepted'
      readonly why: WaitReason | 'stopped'
      readonly ticket?: AttemptTicket
      readonly problem?: Problem
      readonly resumesAtMs?: number
    } & WithFiling)
  /** Given up or stopped, and an attempt had no answer: it may be accepted. Hand it in again to know. */
  | ({
      readonly kind: 'unknown'
      readonly why: WaitReason | 'stopped'
      readonly ticket?: AttemptTicket
      readonly problem?: Problem
      readonly resumesAtMs?: number
    } & WithFiling)

export type StatusOutcome =
  | { readonly kind: 'found'; readonly declaration: DeclarationStatus }
  /** There is none with this id that the caller may see. */
  | { readonly kind: 'notFound' }
  | Failure

export type PostedOutcome =
  /** It is no longer merely accepted: `declaration.status` says how it stands. */
  | { readonly kind: 'settled'; readonly declaration: DeclarationStatus }
  /** Given up or stopped; it is accepted, and will be posted. */
  | { readonly kind: 'stillAccepted'; readonly declaration: DeclarationStatus }
  | { readonly kind: 'notFound' }
  | Failure

export type CheckOutcome = { readonly kind: 'checked'; readonly checked: Checked } | Failure

export type BatchOutcome =
  /**
   * Every row is in the ledger or set aside (`posted`), or all is checked (`checked`). Rows set aside are counted by
   * `batch.progress.rows.setAside`, and are at `batch.links.errors`.
   */
  | { readonly kind: 'filed'; readonly batch: Batch }
  /** Nothing of it is filed: not read (`unreadable`), or all of it set aside (`refused`). `batch.findings` say why. */
  | { readonly kind: 'notFiled'; readonly batch: Batch }
  /** Cancelled, expired, or not the file that was announced: its bytes are gone. */
  | { readonly kind: 'discarded'; readonly batch: Batch }
  /** Given up or stopped: the file is here and worked on. Follow `batch.id`. */
  | { readonly kind: 'underWay'; readonly batch: Batch }
  /** There is none with this id that the caller may see. */
  | { readonly kind: 'notFound' }
  | Failure

export type UploadOutcome =
  | BatchOutcome
  /** Given up or stopped with bytes missing. The same file goes on where it stopped, with `upload` or without. */
  | {
      readonly kind: 'interrupted'
      readonly why: WaitReason | 'stopped'
      readonly upload: KeptUpload
      readonly received: number
      readonly problem?: Problem
      readonly resumesAtMs?: number
    }
  /** The file is not the one that `kept` is of, or it is sent as something else. */
  | { readonly kind: 'otherFile'; readonly kept: KeptUpload }

export type CancelOutcome =
  | { readonly kind: 'cancelled' }
  /** It is being filed, or has ended. */
  | { readonly kind: 'tooLate'; readonly problem: Problem }
  | { readonly kind: 'notFound' }
  | Failure
