/**
 * Points between two lines at which a process can be made to die, so that what then happens is seen
 * and not only thought about. Nothing in normal use names one.
 */

export const crashPoints = [
  'after-commit', // of intake: a group is durable, nobody was answered, nothing is on the queue
  'after-enqueue', // of intake: the queue has it, whether its filers were answered or not
  'after-reply', // of intake: a filer has its receipt; what the queue knows, nobody can tell
  'mid-posting', // of a worker: the transaction is under way
  'after-posting', // of a worker: committed, and the job is not completed
  'mid-sweep', // of a worker: unposted envelopes are on the queue again, the lock is still held
] as const
export type CrashPoint = (typeof crashPoints)[number]

/** Passing a point; the process is gone when it is the one named. */
export function passes(crashAt: CrashPoint | undefined, point: CrashPoint): void {
  if (crashAt === point) process.kill(process.pid, 'SIGKILL')
}
