/**
 * The findings about a file as a whole, up to a limit.
 */
import { endsReading, type FileFinding } from './file-findings.ts'

/** Beyond this number, further findings repeat the same. */
export const fileFindingsMax = 200

export class FindingList {
  readonly findings: FileFinding[]
  /** Nothing after such a finding is read. */
  ended: boolean

  constructor(before: readonly FileFinding[]) {
    this.findings = [...before]
    this.ended = before.some(endsReading)
  }

  report(finding: FileFinding): void {
    const ends = endsReading(finding)
    this.ended ||= ends
    if (this.findings.length < fileFindingsMax || ends) this.findings.push(finding)
  }

  /** For findings that each worker which continues with the file meets again. */
  reportOnce(finding: FileFinding): void {
    if (!this.findings.some(({ code }) => code === finding.code)) this.report(finding)
  }
}
