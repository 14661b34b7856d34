/**
 * The first step of a file: reads its rows once, in order, and stages them by employer and period;
 * NDJSON declarations one by one. A file that amends a batch claims it before the first row. At
 * intervals, the rows and the reading position are written in one transaction: a process that dies
 * costs at most the rows since then, which are read again.
 */
import { type AmendmentClaim, claimAmended } from '../amending/claim-amended.ts'
import { fileFinding } from '../findings/file-findings.ts'
import { FindingList } from '../findings/finding-list.ts'
import { advanceStage, type LeasedBatch, writeStep } from '../lease/batch-lease.ts'
import { RowBuffer } from '../staging/row-buffer.ts'
import { insertStagedPieces } from '../staging/staged-rows.ts'
import type { FileBatch } from '../table/file-batch.ts'
import { isNdjsonPosition } from '../table/file-rows.ts'
import { columnsRead, type Header } from '../table/header.ts'
import { type ReadDependencies, readLeasedRows } from '../table/leased-rows.ts'
import { openProgress, saveProgress } from '../table/read-progress.ts'

/** Reads a file to its end, from the stored position. */
export async function readFile(
  dependencies: ReadDependencies,
  work: LeasedBatch,
): Promise<LeasedBatch> {
  const { keys } = dependencies
  const { batch } = work
  const before = openProgress(keys, work)
  const found = new FindingList(before.findings)
  const buffer = new RowBuffer(work)
  let position = before.position
  let claimed: AmendmentClaim | undefined
  const flush = () => {
    const { rows, pieces } = buffer.take()
    const { findings } = found
    return writeStep(dependencies, work, { rows_read: rows }, async (client) => {
      await insertStagedPieces(client, keys, batch, pieces)
      await saveProgress(client, keys, batch, { ...(position && { position }), findings })
      await client.query('update batch.work set pieces = $2, rows_mended = $3 where batch = $1', [
        ...[batch, buffer.pieces, claimed?.amendedRows?.bytes],
      ])
    })
  }
  const claim = async (header: Header | undefined) => {
    const outcome = await claimAmended(dependencies, work, header)
    if (outcome.finding !== undefined) found.reportOnce(outcome.finding)
    return outcome
  }
  // Rows of NDJSON are full declarations: there is nothing to add to.
  const refuseAddition = (read: FileBatch) => {
    if (work.kind === 'addition' && read.header === undefined && hasLayout(read))
      found.reportOnce(fileFinding('ADDITION_OF_TABLES'))
  }
  const reading = found.ended ? [] : readLeasedRows(dependencies, work, position)
  for await (const read of reading) {
    refuseAddition(read)
    if (hasLayout(read) && !found.ended) claimed ??= await claim(read.header)
    if (found.ended) break
    for (const row of read.rows) buffer.add(claimed?.amendedRows?.take(row) ?? row)
    position = read.next
    for (const finding of read.findings) found.report(finding)
    if (read.header !== undefined) found.reportOnce(columnsRead(read.header))
    if (buffer.isFull) await flush()
  }
  if (!found.ended) claimed ??= await claim(undefined)
  await flush()
  return advanceStage(dependencies, work, found.ended ? 'give up' : 'read')
}

/** Whether the batch that the file amends is known by now. */
function hasLayout({ header, next }: FileBatch): boolean {
  return header !== undefined || (next !== undefined && isNdjsonPosition(next))
}
