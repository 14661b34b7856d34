/**
 * How processes are started, so that none that files go through grows beyond 250 MiB, whatever the file:
 * they make much that is soon garbage, and left alone V8 keeps up to 128 MiB for it and lets old garbage
 * grow for as long as the machine has memory, of which glibc keeps more for each thread. No hard limit: an
 * envelope as large as they come may need more, and a process that dies of it would die again.
 *
 * Measured, worker: with a file of 300,000 rows 420 → 210 MiB for the batch worker, 330 → 165 for the
 * posting worker, for a fifth to a third more of their CPU. Intake: 370 → 200 MiB with filings as many as
 * it can take, 340 → 200 while it writes an errors file, for no more CPU; with the workers' 8 MiB it is
 * no smaller and takes a fifth more.
 */
export const workerMemory = {
  execArgv: ['--max-semi-space-size=8', '--heap-growing-percent=50'],
  env: { MALLOC_ARENA_MAX: '2' },
} as const

export const intakeMemory = {
  execArgv: ['--max-semi-space-size=16', '--heap-growing-percent=50'],
  env: { MALLOC_ARENA_MAX: '2' },
} as const
