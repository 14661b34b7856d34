/**
 * Test files that take longest begin first: one that begins last keeps everybody waiting with one worker
 * idle. Those that are not named follow as Vitest has them. Files of one project follow each other, as a
 * worker process goes on with files of its project only.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { projects } from './projects.ts'

/** Those of more than ten seconds on two quiet cores, the longest first. */
const long = [
  'start',
  'batch/following',
  'bench/rehearsal',
  'queue/engine',
  'batch/lanes',
  'intake/overload/retry-storm',
  'batch/uploads/upload-tus',
  'bench/rehearsal-dry-run',
  'intake/overload/http-limits',
  'queue/redis-loss',
  'bench/report',
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

const order: readonly string[] = projects

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rankOf = ({ moduleId, project }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(name))
      const inProject = at < 0 ? long.length : at
      return order.indexOf(project.name) * 1_000 + inProject
    }
    return sorted.sort((one, other) => rankOf(one) - rankOf(other))
  }
}
