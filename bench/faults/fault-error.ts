/** A fault that could not be injected as it is meant. */
export class FaultError extends Error {
  override name = 'FaultError'
}
