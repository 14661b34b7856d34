/**
 * SHA-256 whose state can be written down after any byte and taken up by another process. Parts of a
 * file come to any intake process, and its digest must be known to the transaction that takes the
 * last of them: then there is no moment in which a file is whole and nobody knows which. Node's own
 * hash can't be written down. Hashing the file again at its end would read all of it back, in the
 * process whose one thread takes filings, and need a stage of its own for a death on the way. This one
 * takes 140 MiB/s where Node's takes 500, and the other way some 150 with reading and opening.
 */
import { createSHA256 } from 'hash-wasm'

/** 116 bytes; up to 63 of them are the file's own. Undefined: of nothing yet. */
export type DigestState = Uint8Array | undefined

export type RunningDigest = {
  /** The state after some more bytes. Throws on a state that another version of the package wrote. */
  extend(state: DigestState, bytes: Uint8Array): Uint8Array
  /** The SHA-256 of all that was taken. */
  digest(state: DigestState): Buffer
}

export async function openRunningDigest(): Promise<RunningDigest> {
  const hasher = await createSHA256()
  const takeUp = (state: DigestState) => {
    if (state === undefined) hasher.init()
    else hasher.load(state)
  }
  return {
    extend: (state, bytes) => {
      takeUp(state)
      hasher.update(bytes)
      return hasher.save()
    },
    digest: (state) => {
      takeUp(state)
      return Buffer.from(hasher.digest('binary'))
    },
  }
}
