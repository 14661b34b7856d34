/**
 * Files that come to an intake process, and the slots reserved for them. What nobody goes
 * on with is given up after its time.
 */
import type pg from 'pg'
import { createSlotStore, type SlotStore } from '../batch/slots/slot-store.ts'
import { createReceiptOf, type ReceiptDependencies } from '../batch/uploads/batch-receipts.ts'
import { openRunningDigest } from '../batch/uploads/running-digest.ts'
import { createUploadStore, type UploadStore } from '../batch/uploads/upload-store.ts'
import type { Confirm } from '../journal/durable.ts'
import { uploadExpiryEveryMs } from '../limits.ts'
import { signerOf } from '../platform/config/key-store.ts'
import type { Installation } from '../platform/installation/installation.ts'
import { inTransaction } from '../platform/postgres/postgres.ts'
import type { Logger } from '../platform/process/logger.ts'
import type { Stops } from '../platform/process/stops.ts'

export type FilesDependencies = Omit<ReceiptDependencies, 'signer'> & {
  readonly pool: pg.Pool
  readonly confirm: Confirm
  readonly onReceived: (bytes: number) => void
  readonly logger: Logger
}

type Stores = { readonly uploads: UploadStore; readonly slots: SlotStore }

export async function openFiles(
  { keyring }: Installation,
  { pool, confirm, onReceived, logger, ...signing }: FilesDependencies,
  stops: Stops,
): Promise<Stores> {
  const uploads = createUploadStore({
    pool,
    confirm,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    salts: keyring.salts,
    runningDigest: await openRunningDigest(),
    nowMicros: () => Date.now() * 1_000,
    onReceived,
    receiptOf: createReceiptOf({ ...signing, signer: signerOf(keyring) }),
  })
  const stores = { uploads, slots: createSlotStore({ pool, confirm, inTransaction }) }
  const expiry = setInterval(expire, uploadExpiryEveryMs, stores, logger).unref()
  stops.add(() => clearInterval(expiry))
  return stores
}

/** Any number of processes may do it at once; what one could not do now, it does next time. */
async function expire({ uploads, slots }: Stores, logger: Logger): Promise<void> {
  try {
    const expired = await uploads.expire()
    if (expired > 0) logger.info({ expired }, 'uploads were given up')
    await slots.deleteUnused()
  } catch (err) {
    logger.warn({ err }, 'uploads could not be given up, or slots forgotten')
  }
}
