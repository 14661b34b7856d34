/**
 * Test files that take longest begin first: one that begins last keeps everybody waiting with one worker
 * idle. Those that are not named follow as Vitest has them.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Those of more than ten seconds on two quiet cores, the longest first. */
const long = [
  'start',
  'batch/uploads/upload-tus',
  'queue/engine',
  'bench/rehearsal-dry-run',
  'bench/rehearsal',
  'batch/following',
  'intake/overload/http-limits',
  'batch/lanes',
  'bench/report',
  'queue/redis-loss',
  'intake/waiting',
  'batch/uploads/upload-forms',
  'batch/mode-check',
  'batch/table/declared-files',
  'batch/amendment',
  'batch/table/bad-files',
  'intake/clocks',
  'ledger/books',
  'intake/bad-input',
  'queue/first-query',
  'queue/put-off',
  'audit/audit',
  'queue/redis-failover',
].map((name) => `/tests/${name}.test.ts`)

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const place = ({ moduleId }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(name))
      return at < 0 ? long.length : at
    }
    return sorted.sort((one, other) => place(one) - place(other))
  }
}
