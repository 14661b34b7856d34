/** Reads the rows of a workbook. None is read yet: each is refused as of an unknown kind. */
import { fileFinding } from './file-findings.ts'
import type { FileSource, RowBatch, XlsxPosition } from './rows.ts'

export async function* readXlsxRows(
  _source: FileSource,
  _from?: XlsxPosition,
): AsyncGenerator<RowBatch<XlsxPosition>> {
  const next: XlsxPosition = { format: 'xlsx', rowsRead: 0 }
  yield { rows: [], findings: [fileFinding('FILE_KIND_UNKNOWN')], next }
}
