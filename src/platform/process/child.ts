/** A supervised process's line to its supervisor; without one, nothing happens. */

/** Tells the supervisor something, such as `{ ready: true }`. */
export function tellParent(message: object): void {
  process.send?.(message)
}

/** Calls back when the supervisor is gone, however it ended: a child must not outlive it. */
export function onParentGone(callback: () => void): void {
  if (process.send !== undefined) process.once('disconnect', callback)
}
