/** What is found about a file as a whole, up to as many findings as are kept. */
import { endsReading, type FileFinding } from './file-findings.ts'

/** The rest is as many again of the same. */
export const fileFindingsMax = 200

export class FindingList {
  readonly findings: FileFinding[]
  /** Nothing after that was read. */
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

  /** What is found by each worker that goes on with it. */
  reportOnce(finding: FileFinding): void {
    if (!this.findings.some(({ code }) => code === finding.code)) this.report(finding)
  }
}
