/**
 * An entry of the access log: who read what, when, and with which answer. It names rows by id, never
 * their content; for a list, the employer asked for and the first and last row.
 */
import type { FiledByCommand, FiledByToken } from '../journal/attribution.ts'

/** Who reads. */
export type Reader = (FiledByToken & { readonly roles?: readonly string[] }) | FiledByCommand

/** What was read, beyond the address. */
export type ReadTarget = {
  /** Id of a declaration, an order, a batch or a slot. */
  readonly id?: string
  readonly employer?: string
  readonly period?: string
  readonly region?: string
  /** Of a list: its length, and its first and last row, by id or by envelope and position. */
  readonly count?: number
  readonly from?: string
  readonly to?: string
}

export type AccessEntry = ReadTarget & {
  /** Milliseconds since 1970, by the clock of the process that answered. */
  readonly at: number
  readonly who: Reader
  /** The route, as `/v1/declarations/:id`, or the command with its arguments. */
  readonly read: string
  /** Status of the answer; none for a command. */
  readonly status?: number
}

/** Reads that were answered while the log could not be written, and could not be stored. */
export type LostEntry = { readonly at: number; readonly lost: number; readonly until: number }

/** The log ended before where this writer had seen it end: somebody cut it. */
export type CutEntry = { readonly at: number; readonly cut: string }

export type Entry = AccessEntry | LostEntry | CutEntry

/**
 * The writer of a group and the group's number for it. Two groups with the same number are the same,
 * sent twice.
 */
export type Writer = { readonly writer: string; readonly nth: number }

/** JSON lines: the writer, then the entries. */
export function writeEntries(writer: Writer, entries: readonly Entry[]): Buffer {
  return Buffer.from([writer, ...entries].map((one) => JSON.stringify(one)).join('\n'))
}

export function readEntries(bytes: Buffer): { writer: Writer; entries: Entry[] } {
  const [writer, ...entries] = bytes.toString().split('\n')
  return {
    writer: JSON.parse(writer ?? '') as Writer,
    entries: entries.map((line) => JSON.parse(line) as Entry),
  }
}
