/** A worker process of the peer that PEER names. */
import { contextOf, peerOf } from './context.ts'

await peerOf(process.env).startWorker?.(contextOf(process.env))
process.send?.({ ready: true })
process.once('SIGTERM', () => process.exit())
process.once('disconnect', () => process.exit())
