/**
 * The client library: files declarations so that each counts once, whatever the line, the intake and the program
 * do meanwhile. Every call resolves with an outcome of a closed union, told apart by `kind`; it rejects only where
 * it is called wrongly, or where `keep` or a callback throws. Runs in browsers, in Node from 20 on and in React
 * Native, on `fetch`, `crypto`, `TextEncoder`, `AbortController` and timers alone, and brings no package.
 */
import {
  type CheckOptions,
  check,
  status,
  type WaitOptions,
  waitUntilPosted,
} from './declarations.ts'
import type { Connection, Fetch } from './exchange.ts'
import { type FileOptions, file } from './file.ts'
import type { FileDescription } from './file-content.ts'
import { cancelBatch, type FollowOptions, followBatch } from './follow-batch.ts'
import type { FrozenFiling } from './frozen-filing.ts'
import type { CallOptions } from './insist.ts'
import type {
  BatchOutcome,
  CancelOutcome,
  CheckOutcome,
  FilingOutcome,
  PostedOutcome,
  StatusOutcome,
  UploadOutcome,
} from './outcome.ts'
import type { Declaration } from './types.ts'
import { type UploadOptions, uploadFile } from './upload-file.ts'

export type { Batch, BatchStage, FileFinding, KeptUpload } from './batch.ts'
export type { FileDescription } from './file-content.ts'
export { type FrozenFiling, freezeFiling } from './frozen-filing.ts'
export type { AttemptEvent, CallOptions, WaitReason } from './insist.ts'
export type {
  BatchOutcome,
  CancelOutcome,
  CheckOutcome,
  Failure,
  FilingOutcome,
  PostedOutcome,
  StatusOutcome,
  UploadOutcome,
} from './outcome.ts'
export type { AttemptTicket, Finding, Problem, Standing, Text } from './problem.ts'
export type {
  Accepted,
  Amount,
  Assessment,
  Checked,
  Declaration,
  DeclarationStatus,
  Line,
  Receipt,
} from './types.ts'
export {
  type ReceiptKey,
  type ReceiptVerdict,
  type Statement,
  type VerifyOptions,
  verifyReceipt,
  type WhyWrong,
} from './verify-receipt.ts'
export type { CheckOptions, Fetch, FileOptions, FollowOptions, UploadOptions, WaitOptions }

export type ClientOptions = {
  /** Where the intake is: `https://intake.example.org`; empty in a page that comes from it. */
  readonly baseUrl: string
  /**
   * The bearer token, asked for before each attempt, so that it may be renewed. Without it, a browser's cookie
   * signs in, at the page's own origin alone.
   */
  readonly token?: () => string | Promise<string>
  /** The platform's unless given. */
  readonly fetch?: Fetch
  /** From 0 to 1; `Math.random` unless given. */
  readonly random?: () => number
}

/** What is corrected is the whole period; `kind` and `replaces` are filled in. */
export type Correction = Omit<Declaration, 'kind' | 'replaces'>
export type Cancellation = Pick<Declaration, 'employer' | 'region' | 'period'>

export type Client = {
  /** Files a declaration, or one that was frozen before, and tries until it is known what became of it. */
  file(what: Declaration | FrozenFiling, options?: FileOptions): Promise<FilingOutcome>
  /** Files a correction of the declaration `id`, which replaces the whole period. */
  correct(id: string, content: Correction, options?: FileOptions): Promise<FilingOutcome>
  /** Files a cancellation of the declaration `id`: the period is void then. */
  cancel(id: string, of: Cancellation, options?: FileOptions): Promise<FilingOutcome>
  check(declaration: Declaration, options?: CheckOptions): Promise<CheckOutcome>
  status(id: string, options?: CallOptions): Promise<StatusOutcome>
  /** Waits until it is posted, or otherwise no longer merely accepted. */
  waitUntilPosted(id: string, options?: WaitOptions): Promise<PostedOutcome>
  /** Sends a file of many declarations, or goes on with it, and follows it until every row is posted or set aside. */
  uploadFile(file: Blob, about: FileDescription, options?: UploadOptions): Promise<UploadOutcome>
  /** Follows a file whose bytes are all here. */
  followBatch(id: string, options?: FollowOptions): Promise<BatchOutcome>
  /** Cancels a file, until it is being filed. */
  cancelBatch(id: string, options?: CallOptions): Promise<CancelOutcome>
}

export function createClient(options: ClientOptions): Client {
  const connection: Connection = {
    baseUrl: options.baseUrl.replace(/\/+$/, ''),
    token: options.token,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    random: options.random ?? Math.random,
  }
  return {
    file: (what, more) => file(connection, what, more),
    correct: (id, content, more) =>
      file(connection, { ...content, kind: 'correction', replaces: id }, more),
    cancel: (id, { employer, region, period }, more) =>
      file(connection, { employer, region, period, kind: 'cancellation', replaces: id }, more),
    check: (declaration, more) => check(connection, declaration, more),
    status: (id, more) => status(connection, id, more),
    waitUntilPosted: (id, more) => waitUntilPosted(connection, id, more),
    uploadFile: (blob, about, more) => uploadFile(connection, blob, about, more),
    followBatch: (id, more) => followBatch(connection, id, more),
    cancelBatch: (id, more) => cancelBatch(connection, id, more),
  }
}
