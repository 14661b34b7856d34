/**
 * How worker processes are started, so that one that posts or reads a file of any size stays below
 * 250 MiB: they make much that is soon garbage, and left alone V8 keeps 128 MiB for it and lets old
 * garbage grow for as long as the machine has memory, of which glibc keeps more for each thread. No
 * hard limit: an envelope as large as they come may need more, and a process that dies of it would die
 * again.
 *
 * Measured with a file of 300,000 rows: 420 → 210 MiB for the batch worker, 330 → 165 for the posting
 * worker, for a fifth to a third more of their CPU.
 */
export const workerMemory = {
  execArgv: ['--max-semi-space-size=8', '--heap-growing-percent=50'],
  env: { MALLOC_ARENA_MAX: '2' },
} as const
