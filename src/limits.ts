/**
 * Every limit of the engine, by room, in the order of the rooms. Each has its unit in its name, and its
 * comment says what happens at it. The assertions below hold the relations between limits: a change that
 * breaks one stops every process at start.
 */
import assert from 'node:assert/strict'

// Declarations: one request, one finding

/** Bytes of a request body; a larger one gets 413. 10,000 lines take about 1.9 MB. */
export const requestBodyBytesMax = 4 * 1024 * 1024
/**
 * Levels of nested lists and objects in a JSON body; a deeper one gets 400. A declaration has 4.
 */
export const jsonDepthMax = 16
/** Keys and list entries in a JSON body; more get 400. 10,000 lines have about 80,000. */
export const jsonItemsMax = 200_000
/** Characters of an Idempotency-Key; a longer one gets 400. */
export const idempotencyKeyCharactersMax = 255
/** Findings listed in one answer; `total` counts the rest. */
export const findingsPerAnswerMax = 200
/** Lines explained in one answer; a client asks for others by their numbers. */
export const explainedLinesMax = 50
/**
 * Lines explained when the client names none. Ten lines take about 100 KB, because every amount cites its
 * sources.
 */
export const explainedLinesUnasked = 10
/**
 * Parts read to explain what another pack makes of the sum of their lines' bases; of more, the explanation
 * says why it stops.
 */
export const explainedPartsMax = 10

// Files: reading and writing CSV, XLSX, XML and NDJSON

/** Rows of a file, twice the largest employers; the reader stops there with a finding. */
export const fileRowsMax = 5_000_000
/** Rows of one worksheet, as many as Excel allows; the reader stops there with a finding. */
export const sheetRowsMax = 1_048_576
/**
 * Rows of an errors file as XLSX, without its header; a larger one is offered as CSV only (406).
 */
export const errorsSheetRowsMax = sheetRowsMax - 1
/** Columns of a row; a row with more stops the reader. A table of contributions has about 20. */
export const fileColumnsMax = 200
/** Characters of a cell; a longer one rejects its row. */
export const cellCharactersMax = 4_000
/**
 * Bytes of one CSV record; a longer one stops the reader, so that no line is held in memory as a whole.
 */
export const csvRecordBytesMax = 64 * 1024
/** Bytes read and passed on together, about a hundred rows. Larger blocks stay in memory longer. */
export const fileBlockBytes = 64 * 1024
/** Bytes of one NDJSON line, which is one declaration; a longer one stops the reader. */
export const ndjsonLineBytesMax = requestBodyBytesMax
/** Rows searched for the header; titles and notes may stand above it. */
export const headerSearchRowsMax = 20
/**
 * Entries of a workbook's archive; more make it unreadable. A workbook of a few sheets has about 20.
 */
export const xlsxEntriesMax = 500
/**
 * Characters in which one part of a workbook names another; more make it unreadable. They are held in
 * memory.
 */
export const xlsxRelationCharactersMax = 8 * 1024
/**
 * Bytes to which all parts of a workbook inflate; more make it unreadable. A million rows of 10 columns
 * take about 500 MB.
 */
export const xlsxInflatedBytesMax = 1024 * 1024 * 1024
/**
 * Inflated bytes for each byte of a workbook; a higher ratio makes it unreadable. Sheets reach 10 to 60.
 */
export const xlsxInflatedRatioMax = 200
/** Inflated bytes of an archive entry to which the ratio does not apply. */
export const xlsxInflatedFreeBytes = 64 * 1024 * 1024
/**
 * Distinct texts of a workbook; more make it unreadable. They are held in memory while it is read.
 */
export const xlsxStringsMax = 4_000_000
/** Bytes of these texts; more make the workbook unreadable. */
export const xlsxStringBytesMax = 64 * 1024 * 1024
/** Characters of one XML tag or text; a longer one makes the workbook unreadable. */
export const xmlTokenCharactersMax = 256 * 1024
/** Levels of nested XML tags; more make the workbook unreadable. A sheet has a dozen at most. */
export const xmlDepthMax = 64
/** Sheets of a workbook that are looked at; further ones are ignored. */
export const xlsxSheetsMax = 50
/** Rows of a sheet passed on together. */
export const xlsxBatchRows = 1_000
/** Characters of these rows: one text may stand in many cells. */
export const xlsxBatchCharacters = 512 * 1024
/** Times that each byte of a workbook is read: once to choose the sheet, once to read it. */
export const xlsxReadingsMax = 2
/**
 * Repeated texts that a written workbook shares between rows; further ones are written into each row. 1 MB.
 */
export const writtenTextsMax = 500
/** Characters of a shared text; a longer one is written into each row. */
export const writtenTextCharactersMax = 1_000

// Journal: groups, envelopes and acceptance

/** Declarations in one envelope; the rest wait for the next commit. */
export const groupDeclarationsMax = 1_000
/** Canonical bytes in one envelope; a declaration that would exceed them opens the next one. */
export const groupBytesMax = 8 * 1024 * 1024
/**
 * Bytes that tell who filed a declaration: issuer and subject (255 characters), token id (128), address and
 * file id. JSON writes some characters as six bytes.
 */
export const attributionBytesMax = 4_096
/** Characters of TOKEN_ISSUER; a process with a longer one does not start. */
export const issuerCharactersMax = 255
/**
 * Bytes of an envelope's head: a policy hash for each region, and each declaration's id and filer. Usually
 * the same few hundred, and about 200 for each declaration.
 */
export const envelopeHeadBytesMax = 192 * 1024 + groupDeclarationsMax * attributionBytesMax
/**
 * Milliseconds that a declaration of five lines adds to a commit, assumed until commits have been measured.
 * Common machines gave this value.
 */
export const commitEachMsExpected = 0.15
/**
 * Declarations that wait for a commit in one intake process; the next gets 503 with Retry-After.
 */
export const waitingDeclarationsMax = 8_000
/** Canonical bytes that wait for a commit in one intake process; more get 503. */
export const waitingBytesMax = 64 * 1024 * 1024
/**
 * A filing waits for its commit at most this many times the target of the limit; then intake sheds it.
 */
export const waitTargetsMax = 3
/**
 * If waits stay above their target for this long, too much waits: intake sheds what waits longest.
 */
export const standingQueueMs = 100
/** Milliseconds for which a group is retried while Postgres is away; then its requests get 503. */
export const groupCommitMsMax = 5_000
/** Statement time-out of the acceptance pool, milliseconds; the group is retried. */
export const acceptStatementMsMax = 4_000
/**
 * Milliseconds from a group's first filing to the start of its commit; an older group is refused. Its
 * process stood still, and the books of its day may be signed by the database's clock, which may differ by
 * clockSkewMsMax.
 */
export const groupStartsWithinMs = 120_000
/**
 * Milliseconds after a configuration is loaded until new standby names count: the checkpointer, by whose
 * copy commits wait, reads the names at a moment of its own.
 */
export const standbysSettleMs = 2_000
/** Milliseconds that a commit is expected to take at most; a group never grows beyond that. */
export const groupCommitMsAim = 0.9 * acceptStatementMsMax
/**
 * Declarations in a process's first group: what a declaration adds to a commit is not known yet.
 */
export const groupFirst = 125
/** Factor by which a group may grow from one commit to the next. */
export const groupGrowth = 4
/**
 * Milliseconds until an envelope that can't be posted is tried again; each further wait doubles.
 */
export const putOffMsMin = 15_000
/** Milliseconds of the longest of these waits. */
export const putOffMsMax = 5 * 60_000
/**
 * Envelopes that may wait for an operator, for example for a missing key, before they count as backlog.
 */
export const stuckEnvelopesMax = 9
/** Microseconds for which an attempt ticket is valid: an outage may last over a weekend. */
export const attemptValidMicros = 7 * 86_400 * 1_000_000
/**
 * Characters of a ticket; a longer one is invalid. The longest subject takes 1,200 bytes of JSON, 1,600 of
 * base64.
 */
export const ticketCharactersMax = 2_400
/**
 * Milliseconds before the newest known denial from which the list is read again: an older row may commit
 * later.
 */
export const denialsOverlapMs = 60_000
/** Denials that a command lists; older ones are left out. */
export const denialsListedMax = 1_000

// Queue: jobs, sweeper, watchdog

/**
 * Milliseconds of a BullMQ lock; a worker that is silent for longer loses its envelope to another.
 */
export const jobLockMs = 8_000
/**
 * Milliseconds between looks for expired locks: a dead worker's envelopes are posted within 15 s.
 */
export const stalledCheckMs = 2_000
/**
 * Envelopes of a lane that one worker process posts at a time: some commit while another is assessed.
 */
export const envelopesAtATime = 4
/**
 * Milliseconds of the longest wait before a posting is retried whose fault time alone fixes. With the lock
 * of a worker that dies next, it is posted within 15 s.
 */
export const transientRetryMsMax = 4_000
/** The same for other faults, which wait for a person and need fewer reports. */
export const postRetryMsMax = 30_000
/** Put-off envelopes that one sweep brings back, so that good ones wait for a bounded time. */
export const putOffPerSweep = 50
/** Milliseconds that an intake in production goes on after SIGTERM, until its load balancer has noticed; and at most. */
export const drainMsUsual = 3_000
export const drainMsMost = 10_000
/** Milliseconds between two warnings that envelopes were left to the sweeper, each with their number since. */
export const leftWarnedEveryMs = 60_000
/** Milliseconds until a queue or worker that did not become ready is built again. */
export const buildAgainMs = 1_000
/** Milliseconds until a worker that was refused its next envelope asks again. */
export const takeAgainMs = 100
/** Milliseconds between an intake's own commits, by which it sees whether commits get through. */
export const commitLookEveryMs = 2_000
/** Milliseconds after which readiness says that commits do not get through: two of its own have failed. */
export const commitDoubtMs = 10_000
/** Milliseconds between checks of the queue's server; connections follow it to where it moved. */
export const queueLookEveryMs = 1_000
/**
 * Milliseconds for which an error of the queue's connections is reported, unless it comes again.
 */
export const queueTroubleMsMax = 10_000
/**
 * Milliseconds of a call to the queue; a longer one counts as failed, and the sweeper takes over.
 */
export const enqueueMsMax = 2_000
/** Enqueue calls under way in one intake process; further envelopes are left to the sweeper. */
export const enqueuesUnderWayMax = 64
/**
 * Share of Redis's maxmemory above which nothing is enqueued, so that workers have room to drain it.
 */
export const redisFullShare = 0.75
/** Jobs of a lane that are enqueued all the same: another program may have filled Redis. */
export const redisFullJobs = 100
/** Milliseconds between looks at Redis's memory. */
export const redisLookEveryMs = 1_000
/** Redis keys that are listed and deleted at a time when a queue is emptied. */
export const queueKeysAtATime = 1_000
/** Milliseconds between a posting worker's looks at acceptance's commit times. */
export const throttleEveryMs = 250
/** Share of the time that posting always has, however slow acceptance's commits are. */
export const throttleShareMin = 0.2
/** Milliseconds that a posting waits before it begins: one slow posting must not stop the rest. */
export const throttlePauseMsMax = 1_000
/** Milliseconds at the smallest share without shorter commits; then something else slows them. */
export const throttleTrialMs = 3_000
/** Milliseconds for which posting then runs at full speed before it yields again. */
export const throttleRestMs = 30_000
/**
 * Milliseconds at the smallest share with shorter commits; then posting tries whether they still need it.
 */
export const throttleHoldMs = 30_000
/** Milliseconds between the sweeper's looks for accepted and unposted envelopes. */
export const sweepEveryMs = 2_000
/** Age in milliseconds below which the sweeper leaves an envelope alone: it is on its way. */
export const sweepAgeMsMin = 5_000
/**
 * Milliseconds between two statements of a sweep; a sweeper that stands still for longer loses its lock.
 */
export const sweepStillMsMax = 8_000
/** Envelopes that one page of a sweep puts back on the queue. */
export const sweepPageEnvelopes = 500
/** Pages of one sweep; the next sweep goes on behind them. */
export const sweepPagesMax = 4
/** Milliseconds between the watchdog's looks at progress. */
export const watchEveryMs = 4_000
/**
 * Milliseconds for which a worker takes nothing while envelopes wait; then it is stuck and is replaced
 * within 30 s.
 */
export const stuckIdleMs = 15_000
/**
 * Milliseconds for which an envelope or a group's commit is under way; then its process is stuck, because
 * all its statements time out before.
 */
export const stuckUnderWayMs = 20_000

// Ledger: posting, books, reassessment

/**
 * Statement time-out of the posting pool, milliseconds; the posting is retried. The largest declaration
 * takes half a second.
 */
export const postStatementMsMax = 6_000
/**
 * Statement time-out of the books, milliseconds: they read the whole ledger once, which takes minutes where
 * it is large.
 */
export const booksStatementMsMax = 15 * 60_000
/** Milliseconds between a worker's looks whether a day can be closed. */
export const closeEveryMs = 15 * 60_000
/**
 * Milliseconds after a day's end until it is closed: what was accepted in its last second commits later.
 */
export const closeAfterMs = 5 * 60_000
/**
 * Milliseconds that closing waits for commits that began before it; those that wait for a standby are left
 * for the next look.
 */
export const closeWaitMsMax = 2_000
/** Milliseconds between looks at these commits. */
export const closeWaitEveryMs = 20
/** Days back for which open days are closed. */
export const closeDaysMax = 31
/** Declarations that one statement looks up when a region is reassessed. */
export const outdatedPageMax = 500
/** Ledger rows that one of these statements reads: 0.15 s where they are cached. */
export const outdatedRowsMax = 50_000
/**
 * Statement time-out of a reassessment, milliseconds: it reads these rows, or stores an envelope of orders.
 */
export const reassessStatementMsMax = 60_000
/**
 * Reassessment orders in one envelope, of bulkEnvelopeLinesMax lines; the rest go into the next.
 */
export const reassessmentsPerEnvelope = 250
/**
 * Envelopes that posting these orders opens again; more orders go into the next. 250 orders out of 20
 * envelopes of 2.9 MB take 1.4 s.
 */
export const reassessedEnvelopesMax = 20
/** Distinct persons that a reassessment's report counts; above it, the report says "more than". */
export const reassessedPersonsMax = 5_000_000
/**
 * Declarations that a reassessment's report names for each reason to leave them alone; all are counted.
 */
export const skippedNamedMax = 10

// Audit

/** Envelopes that the auditor reads at a time, about 25 MiB where groups are full. */
export const auditedEnvelopesPage = 50
/** Offenders named for each invariant; all are counted. */
export const offendersNamedMax = 20

// Batch: uploads

/** Bytes of one file; a larger one gets 413. 2.5 million lines take about 300 MB. A setting. */
export const uploadBytesMax = 512 * 1024 * 1024
/**
 * Bytes of a file that become durable together, and that a dying process loses at most. Compressing,
 * sealing and hashing them takes 1 to 2 ms of intake's one thread; 1 MiB would hold up filings for 9.
 */
export const chunkBytesMax = 256 * 1024
/** Milliseconds after which a slow line's chunk becomes durable, if it has chunkBytesMin. */
export const chunkMsMax = 5_000
/** Bytes that such a chunk has at least. */
export const chunkBytesMin = 16 * 1024
/** Chunks of one file; a sender of more, smaller parts gets 400. The largest file has 2,048. */
export const chunksMax = 40_000
/**
 * Bytes of a part with a checksum; a larger one gets 413. It is held in memory until it is verified.
 */
export const checkedPartBytesMax = 8 * 1024 * 1024
/** Parts that one intake process receives at a time; the next gets 503. A setting. */
export const uploadsMax = 64
/** Bytes of files that one intake process holds; more get 503. */
export const uploadBytesHeldMax = 96 * 1024 * 1024
/** Milliseconds in which a part must make progress; a part that stalls is cut. A setting. */
export const uploadStallMsMax = 20_000
/** Bytes that count as progress. */
export const uploadProgressBytesMin = 1_024
/**
 * Bytes of a file in a form, from curl or a browser; a larger one gets 413, because it can't be resumed
 * over a bad line.
 */
export const formFileBytesMax = 32 * 1024 * 1024
/** Bytes of the other fields of a form; a form with more is refused. */
export const formFieldBytesMax = 1_024
/** Characters of an upload's metadata; longer metadata is invalid. */
export const uploadMetadataCharactersMax = 4_096
/** Characters of a file's name; a longer one is refused. */
export const fileNameCharactersMax = 255
/** Files that one filer may have begun and not ended; the next gets 429. */
export const uploadsOpenMax = 20
/**
 * Bytes of these files together, by their sizes, or received so far where no size was given; more get 413.
 */
export const uploadsOpenBytesMax = 4 * 1024 * 1024 * 1024
/** Milliseconds without any byte after which a file expires; its bytes are deleted. */
export const uploadIdleMsMax = 7 * 86_400_000
/** Milliseconds between looks for such files. */
export const uploadExpiryEveryMs = 10 * 60_000
/** Files that expire at a time. */
export const uploadExpiryPage = 100
/**
 * Statement time-out for files, milliseconds; the request gets 503. Files are stored 256 KiB at a time.
 */
export const batchStatementMsMax = 8_000

// Batch: slots, lanes and leases

/** Bytes of a small file, about 25,000 rows; small files never wait for larger ones. */
export const smallBatchBytesMax = 2 * 1024 * 1024
/** Bytes of a medium file, about 400,000 rows; medium files never wait for larger ones. */
export const mediumBatchBytesMax = 32 * 1024 * 1024
/**
 * Of this many files that a size lane claims, one is the oldest, with or without a slot; the others go by
 * slots. So slots may promise all capacity but one of these parts.
 */
export const claimsPerTurn = 3
/** Slots that one filer may have ahead; the next gets 409. */
export const slotsOpenMax = 5
/** Slots in a list: all that a filer has ahead, and some past ones. */
export const slotsListedMax = 50
/** Milliseconds ahead for which slots are offered; where none is free, 409. */
export const slotsAheadMs = 3 * 86_400_000
/** Milliseconds after its end until an unused slot is deleted. */
export const slotKeptMs = 30 * 86_400_000
/** Other free slots that a refusal names at the peak. */
export const slotsOfferedMax = 3
/** Reservations that an intake process makes at a time; the next gets 503. */
export const reservationsMax = 2
/** The same for one filer; the next gets 429. */
export const reservationsOfOneMax = 1
/** Bytes of a row, to convert a slot that is asked for in bytes. */
export const rowBytesExpected = 60
/** Bytes that no row has on average; a slot of few rows holds no file that has more. */
export const rowBytesMax = 250
/**
 * Rows a second of one batch worker that has not measured its rate: a third of what two cores gave.
 */
export const rowsPerSecondUnmeasured = 10_000
/** Milliseconds of work that a rate needs at least. */
export const rateWorkMsMin = 2_000
/** Milliseconds of work after which an older measure counts half. */
export const rateWorkMsHalved = 10 * 60_000
/** Milliseconds between a process's reports of its rate. */
export const rateReportEveryMs = 5_000
/** Milliseconds without a report after which a process counts as gone. */
export const rateReportMsMax = 60_000
/** Milliseconds for which rates of gone processes count where there is no other. */
export const rateKeptMs = 86_400_000
/** Milliseconds between a worker's looks for batches, and for batches that are posted. */
export const batchLookMs = 500
/**
 * Milliseconds of a lease; a worker that writes nothing of a batch for longer loses it to another.
 */
export const batchLeaseMs = 30_000
/**
 * Workers that may end on a batch without writing anything of it; then it waits, twice as long each time.
 */
export const batchTriesMax = 3
/** Milliseconds of the longest of these waits. */
export const batchTryWaitMsMax = 3_600_000
/** Milliseconds until a failed batch is tried again. */
export const batchRetryMs = 5_000
/** What `nice` adds to a batch worker: a tenth of another process's share of a busy core. */
export const batchNice = 10

// Batch: steps

/** Rows of a file that are buffered in memory before they are written. */
export const bufferedRowsMax = 5_000
/** Characters of these rows. */
export const bufferedCharactersMax = 2 * 1024 * 1024
/** Bytes of rows that a check without a server holds in memory; more go to a temporary file. */
export const spoolMemoryBytesMax = 32 * 1024 * 1024
/** Bytes of one sealed piece of staged rows; a larger one does not open. */
export const pieceBytesMax = 64 * 1024 * 1024
/** Bytes of sealed pieces that one statement reads; they are opened one by one. */
export const piecesHeldBytesMax = 1024 * 1024
/** Units that are checked before their results are written. */
export const unitsAtATime = 500
/** Rows of these units, with their findings. */
export const checkedRowsAtATime = 5_000
/** Rows rejected during filing that one step writes: about a second of a busy machine. */
export const lateRowsAtATime = 5_000
/** Rows of a file whose findings are in memory at a time while rejected rows are picked from it. */
export const rejectedStretchRows = 10_000
/** The same for a file of declarations, each with as many findings as an answer lists. */
export const rejectedStretchDeclarations = 100
/** Rejected rows in one piece: opening it takes 1 ms of intake's one thread. */
export const errorPieceRows = 200
/** Characters of such a piece. */
export const errorPieceCharacters = 128 * 1024
/** Milliseconds after a batch's end until its rejected rows are deleted. */
export const errorsKeptMs = 90 * 86_400_000
/** Sealed pieces of an ended batch that one transaction deletes; the largest has a million. */
export const deletedAtATime = 2_000
/**
 * Days of platform workers in an employer's fixed rows, held in memory while they are added to days filed
 * before (60 MB). Further rows are told to come in another file.
 */
export const amendedDaysMax = 200_000
/** Microseconds within which fixed rows count from the time when the first file came. */
export const amendmentCountsMicros = attemptValidMicros

// Batch: parts of declarations

/** Lines of a part; a declaration with more travels in several parts. */
export const partLinesMax = 5_000
/** Bytes of a part's lines: a platform worker's line has up to a hundred days. */
export const partBytesMax = 5 * 1024 * 1024
/** Bytes that a line without days never reaches, so that only lines with days are measured. */
export const plainLineBytesMax = 1_024
/**
 * Bytes of a part beside its lines: its header, and a head's sums and ids of the parts before it.
 */
export const partHeadBytesMax = 1024 * 1024
/**
 * Lines in an envelope of a file's declarations; the rest go into the next, so that posting soon yields.
 */
export const bulkEnvelopeLinesMax = 5_000

// Batch: status, results and their readers

/** Batches in one page of a list. */
export const pageBatchesMax = 100
/** Filed units in one page. */
export const pageUnitsMax = 200
/** Units of a file that a command lists one by one; of more it prints the sums. */
export const unitsListedMax = 20
/** Files that a command lists. */
export const batchesListedMax = 500
/** Characters of an operator's name and reason when a file is taken out of filing. */
export const interventionTextMax = 200
/** Event streams and waiting answers for batches in one process; the next gets 503. */
export const batchWatchersMax = 1_000
/** The same for one subject; the next gets 429. */
export const batchWatchersOfOneMax = 20
/** Milliseconds between looks at all watched batches together. */
export const batchWatchEveryMs = 500
/** Share of the time that these looks may take. */
export const batchWatchShareMax = 0.2
/** Milliseconds between comments on a silent stream: proxies end what is silent for a minute. */
export const batchHeartbeatMs = 15_000
/** Milliseconds after which a stream ends; its reader connects again. */
export const batchStreamMsMax = 10 * 60_000
/** Milliseconds that a reader is told to wait before it connects again. */
export const batchStreamRetryMs = 2_000
/** Errors files that an intake process writes at a time; the next gets 503. */
export const errorsFilesMax = 8
/** The same for one subject; the next gets 429. */
export const errorsFilesOfOneMax = 2

// Access log

/**
 * Milliseconds that an entry of a filer's read waits to be written; a dying process loses so much.
 */
export const accessWriteEveryMs = 1_000
/** Entries of a group: sealing 500 takes 2 ms of intake's one thread. */
export const accessGroupEntries = 500
/** Bytes to which a group inflates: its entries, and one for what was lost. */
export const accessGroupBytesMax = (accessGroupEntries + 2) * 6 * 1024
/**
 * Entries in memory while the log can't be written, about 10 MB; further ones are counted as lost, and
 * their reads answered all the same.
 */
export const accessEntriesHeldMax = 20_000
/** Milliseconds that an answer to staff waits for its entry; then 503. */
export const accessWaitMsMax = 3_000
/** Statement time-out of the access log, milliseconds. */
export const accessStatementMsMax = 2_500
/** Milliseconds of the first wait between tries while the log can't be written. */
export const accessRetryMsMin = 100
/** Milliseconds of the longest of these waits. */
export const accessRetryMsMax = 5_000
/** Times that a group is sealed again at once because others took its number. */
export const accessTriesMax = 10
/** Groups read at a time. */
export const accessGroupsPage = 50

// Intake: connections and bodies

/**
 * Connections that wait to be taken; the system may allow fewer (net.core.somaxconn, 4096 on Linux).
 * Further ones are dropped unseen, and their clients try again after 1, 3 and 7 seconds.
 */
export const connectionsWaitingMax = 4_096
/**
 * Open connections of a process; the next is closed at once. An idle one costs about 20 KB. A setting.
 */
export const connectionsMax = 10_000
/**
 * Connections of one address (one /64 in IPv6), half of all; the next is closed at once. So nobody shuts
 * the others out, and a load balancer, which is one address, has room. Where clients connect directly,
 * about 200 are enough. A setting.
 */
export const connectionsPerAddressMax = 5_000
/** Milliseconds between checks of connections: a limit in time holds to within this. */
export const connectionsCheckMs = 2_000
/** Header lines of a request, with those that proxies add; more get 431. A setting. */
export const headersMax = 100
/** Bytes of a request's headers with its first line; more get 431. A setting. */
export const headerBytesMax = 16 * 1024
/**
 * Milliseconds from a connection, or a request's first byte, to the end of its headers; then 408. A
 * setting.
 */
export const headersMsMax = 10_000
/**
 * Milliseconds that a connection without a request is kept: longer than load balancers do (60 s). A
 * setting.
 */
export const idleMsMax = 72_000
/** Milliseconds in which a reader must take its answer; then the connection ends. A setting. */
export const answerMsMax = 60_000
/**
 * Milliseconds in which a client must send its request; then 408. Slow bodies must not hold sockets.
 */
export const requestReceiveMsMax = 30_000
/** Bytes of a body where none is asked for; more get 413. A setting. */
export const otherBodyBytesMax = 16 * 1024
/**
 * Inflated bytes for each byte of a compressed body; a higher ratio gets 413. Declarations reach 8 to 10. A
 * setting.
 */
export const inflatedRatioMax = 100
/** Inflated bytes to which the ratio does not apply. */
export const inflatedFreeBytes = 64 * 1024
/**
 * Bytes of all bodies that an intake process holds until they are answered: 64 of the largest, or 100,000
 * ordinary ones. More get 503 of their request's class; a filer that holds half gets 429; bodies that are
 * not small may hold three quarters. A setting.
 */
export const bodiesHeldBytesMax = 256 * 1024 * 1024
/** The smallest value of that setting. */
export const bodiesHeldBytesMin = 32 * 1024 * 1024
/** Bytes of a small body: a declaration of about 70 lines. */
export const smallBodyBytesMax = 16 * 1024
/** Bytes of a refused body that are read and dropped before the answer; then the socket ends. */
export const bodyReadAwayBytesMax = 64 * 1024 * 1024
/**
 * Milliseconds of silence after which the sender of a refused body is not about to read the answer; the
 * socket ends.
 */
export const bodyReadAwaySilenceMs = 2_000
/** Milliseconds that uploads under way wait before each chunk while new uploads are shed. */
export const uploadGiveWayMs = 500

// Intake: tokens and clocks

/**
 * Characters of a token's `sub` (OpenID Connect Core 1.0, 2); a token with a longer one is invalid.
 */
export const subjectCharactersMax = 255
/** Characters of a token's `jti`; of a longer one, the hash is kept. */
export const tokenIdCharactersMax = 128
/** Characters of a subject that gets attempt tickets; a longer one gets none. */
export const ticketSubjectCharactersMax = 200
/**
 * Milliseconds by which clocks of intake processes may differ. Tokens are accepted so long before and after
 * they are valid, and a ticket whose attempt lies so far in the future. Beyond it, 401 and 422 are answered
 * wrongly. A clock 5 s off the database's is reported long before: DURABILITY.
 */
export const clockSkewMsMax = 60_000
/** Verified tokens in memory; the oldest leaves. */
export const verifiedTokensMax = 20_000
/** Milliseconds until a token is verified again, and as soon as a key of tokens is withdrawn. */
export const verifiedTokenMsMax = 5 * 60_000
/** Seconds from a token's `iat` to its `exp`, and from now; a longer life gets 401. A setting. */
export const tokenSecondsMax = 48 * 3_600
/** The largest value of that setting. */
export const tokenSecondsMost = 30 * 86_400
/** Commands that change keys wait for each other for so long; one takes some milliseconds. */
export const keyringLockMsMax = 10_000
/** Between two tries to take that lock. */
export const keyringLockPauseMs = 20
/** Milliseconds between an intake process's looks for added or withdrawn token keys. */
export const tokenKeysLookMs = 5_000
/** Milliseconds in which a provider must publish its keys; then it is asked at the next look. */
export const tokenKeysFetchMsMax = 2_000
/**
 * Milliseconds for which the last published keys count while the provider can't be asked; then 503.
 */
export const publishedKeysMsMax = 10 * 60_000
/** Milliseconds between two questions to a provider about unknown keys. */
export const unknownKeyFetchMs = 5_000
/** Milliseconds between an intake process's looks at the list of denials. */
export const denialsLookMs = 2_000
/** Milliseconds between an open event stream's looks whether its token is still valid. */
export const streamTokenLookMs = 1_000
/** Milliseconds between two log lines for the same reason to refuse tokens. */
export const refusedTokensLogMs = 10_000

// Intake: sign-in, sessions and drafts

/**
 * Characters of a sealed cookie: browsers keep 4,096 bytes of one, with its name and attributes.
 */
export const sealedCharactersMax = 3_900
/** Bytes of a token that a session keeps as it is; a larger one is compressed. With one employer it has some 400. */
export const plainTokenBytesMax = 1_500
/** Bytes to which the token of a session inflates; a larger one does not open. */
export const packedTokenBytesMax = 1_048_576
/** Characters of the portal's address to which a sign-in returns. */
export const returnToCharactersMax = 512
/**
 * Milliseconds that somebody may spend with the identity provider; then the sign-in begins again.
 */
export const signInMsMax = 600_000
/** Milliseconds after sign-in for which a session is renewed. */
export const sessionMsMax = 12 * 3_600_000
/** Requests of a process to the identity provider at a time. */
export const providerRequestsMax = 64
/** Milliseconds that each of them waits for its answer. */
export const providerAnswerMsMax = 10_000
/** Milliseconds between two reads of a provider's metadata. */
export const providerMetadataMs = 600_000
/** Bytes of the sign-in form in development. */
export const developmentFormBytesMax = 4_096
/** Employers that this form takes. */
export const developmentEmployersMax = 50
/** Bytes of all files of the built portal, which are held in memory. */
export const portalBytesMax = 16_777_216
/** Drafts that an intake process writes at a time; the next gets 503. */
export const draftsMax = 32
/** The same for one subject; the next gets 429. */
export const draftsOfOneMax = 4
/** Lines of a draft that are written at once, in about 2 ms. */
export const draftChunkLines = 500

// Intake: overload and admission

/**
 * Upper bound of the filings under way in one intake process that the limiter finds from commits.
 */
export const filingsUnderWayMax = 8_000
/** Lower bound of the same. */
export const filingsUnderWayMin = 16
/**
 * Milliseconds that a filing may wait for its answer where commits allow it: with reading, checking and
 * answering, answers come within a second.
 */
export const answerTargetMs = 900
/**
 * Share of its best throughput that the journal must reach where commits take longer than that; groups grow
 * until it does.
 */
export const goodputShare = 0.95
/** Largest Retry-After of a refused filing, seconds. */
export const retrySecondsMax = 120
/**
 * Retry-After where waiting shortens no line, seconds: a class is never let in, a disk is full, posting is
 * late.
 */
export const retrySecondsElse = 20
/** Refused filings that are remembered until they are to come back; others are not. */
export const turnedAwayMax = 50_000
/** The same for one filer; its other filings come back after these, and nobody waits for them. */
export const turnedAwayOfOneMax = 1_000
/** Seconds over which the retries of unknown filers are spread. */
export const unknownRetrySecondsMax = 10
/**
 * Share of the limit from which each filer gets only its share. What one takes beyond it makes commits
 * larger for all: at half of the limit, others waited three times as long.
 */
export const crowdedShare = 0.25
/** Milliseconds of a window; who filed in this one or the one before has a share. */
export const sharesWindowMs = 1_000
/** Milliseconds between exchanges of intake processes about their busiest filers. */
export const sharesExchangeEveryMs = 1_000
/** Filers in one exchange: those with most filings under way. */
export const sharesReportedMax = 200
/**
 * Milliseconds after which another process's report no longer counts: it is gone, or its store is.
 */
export const shareReportMsMax = 5_000
/** Filers counted in one window; further ones count as none. */
export const sharesRememberedMax = 20_000
/** Requests of all kinds under way in one intake process; more get 503. */
export const requestsUnderWayMax = 10_000
/**
 * Milliseconds of a crowd. One that lasts longer, with more than burstFilings, is an overload of this
 * process.
 */
export const crowdMsMax = 100
/**
 * Requests of a crowd. One with more, that lasts longer than crowdMsMax, is an overload of this process.
 */
export const burstFilings = 200
/**
 * Milliseconds that requests may take in one event-loop turn; a longer turn is crowded, and requests then
 * have this much of each slice.
 */
export const turnMsMax = 20
/** Milliseconds of a slice. */
export const turnSliceMs = 60
/** Milliseconds that one pause between reads counts at most. */
export const turnPauseMsMax = 8
/** Share of V8's heap limit; above it, requests get 503. */
export const heapShareMax = 0.85
/**
 * Free bytes on the disk of DATA_DIR, where Postgres is embedded; below it, nothing is accepted.
 */
export const diskFreeBytesMin = 512 * 1024 * 1024
/** Milliseconds between looks at memory and disk. */
export const signalsEveryMs = 1_000
/** Milliseconds between looks at the event loop. */
export const loopLookEveryMs = 10
/**
 * Seconds that the oldest unposted envelope may wait; at bulk's share of it (SHED_AT), files get 503. A
 * setting.
 */
export const backlogSecondsMax = 300
/** Milliseconds between looks at that age. */
export const backlogAgeLookMs = 2_000
/** Milliseconds for which a body that was refused for findings gets the same answer again. */
export const refusedLatelyMs = 30_000
/** Such answers remembered; the oldest leaves. */
export const refusedLatelyMax = 200

// Intake: outages and attempts

/** Milliseconds without a refusal after which an outage is over. */
export const outageQuietMs = 30_000
/** Filers refused within that time from which load counts as an outage. */
export const outageFilersMin = 3
/**
 * Tokens of refused filings verified in a second, 0.2 ms each; beyond it, a filing whose token is not known
 * is refused without a ticket.
 */
export const refusedVerifiedPerSecondMax = 100
/** Refused filings that wait for that; beyond it, the same. */
export const refusedVerifyingMax = 500
/** Milliseconds that they wait, because keys may have to be fetched; then the same. */
export const refusedVerifyMsMax = 500
/**
 * Filers whose attempts wait to be written in one intake process, each with a count; those of further
 * filers are in their tickets only.
 */
export const attemptsRememberedMax = 20_000
/** Milliseconds between writes of outages and attempts. */
export const outageWriteEveryMs = 5_000

// Intake: status and lookups

/** Seconds that an answer waits for a status, if asked to (Prefer: wait). */
export const statusWaitSecondsMax = 20
/** Answers of a process that wait for a status; further ones are given at once. */
export const statusWaitersMax = 5_000
/** Share of these that one filer may have: a client may ask without end on one connection. */
export const statusWaitersShareMax = 0.1
/** Milliseconds until the next look at all awaited statuses after one that found news. */
export const statusLookMsMin = 100
/** Milliseconds to which this wait grows while nothing changes. */
export const statusLookMsMax = 500
/** Share of the time that these looks may take; slower looks come less often. */
export const statusLookShareMax = 0.2
/** Statement time-out of a lookup of a status, receipt or list, milliseconds; then 503. */
export const readStatementMsMax = 3_000
/** Declarations in one page of a list. */
export const pageDeclarationsMax = 100
/** Milliseconds between looks at the backlog for the public status. */
export const backlogLookMs = 5_000
/** Seconds for which the public status may be cached. */
export const statusCacheSeconds = 5
/**
 * Milliseconds for which read metrics are given again: however many ask, the database is asked once.
 */
export const metricsKeptMs = 1_000
/** Distance of the operators' port of an intake from its public one, where none is set. */
export const operatorsPortDistance = 1_000

// Platform: connections to Postgres, processes

/**
 * Milliseconds after its time-out until a statement is cancelled at the server: no time-out of Postgres
 * ends a commit's wait for its standbys.
 */
export const cancelAfterMs = 500
/**
 * Milliseconds after the server should have given up a statement until its connection is dropped.
 */
export const halfOpenMs = 1_000
/** Milliseconds of a request to cancel; then it is given up. */
export const cancelRequestMsMax = 1_000
/** Milliseconds until it is sent again, until the server takes it. */
export const cancelAgainMs = 200
/**
 * Milliseconds that a connection which broke under a statement keeps its place in the pool: the server ends
 * a backend whose client is gone after 15 s (tcp_user_timeout), unless it waits for a standby.
 */
export const slotHeldMsMax = 20_000
/** Milliseconds between a thread's looks whether its process's event loop takes turns. */
export const stillLookEveryMs = 1_000
/** Looks without a turn after which the process is ended. */
export const stillLooksMax = 20
/**
 * What `nice` adds to each process of a rehearsal: a third of a live one's share of a busy core.
 */
export const rehearsalNice = 5
/** Milliseconds that a rehearsal's removal waits for connections of ended processes. */
export const rehearsalLeaveMsMax = 2_000
/** Milliseconds that it waits for each lock. */
export const rehearsalLockMs = 2_000
/** Times that it tries each lock. */
export const rehearsalLockTriesMax = 15
/** Milliseconds from SIGTERM to exit; then the process ends at once. */
export const stopMsMax = 25_000

// Commands

/** Milliseconds of the upload command's first wait between tries. */
export const uploadRetryMsMin = 500
/** Milliseconds of its longest wait. */
export const uploadRetryMsMax = 30_000
/** Tries without progress after which it gives up. */
export const uploadTriesMax = 60
/** The same where nothing has answered yet: a wrong address is reported within a minute. */
export const uploadFirstTriesMax = 8
/** Seconds that it asks the server to wait for a change of a batch. */
export const uploadWaitSeconds = 5
/** Milliseconds that it pauses between two such requests. */
export const uploadLookMs = 300
/** Milliseconds without any byte after which it takes a connection for lost. */
export const uploadSilenceMsMax = 40_000
/** Dead letters that one statement looks up. */
export const deadLettersPageMax = 500

assert(cancelAfterMs < halfOpenMs, 'a statement that is cancelled must have time to say so')
assert(postStatementMsMax < jobLockMs, 'a posting statement must end before its job lock does')
assert(
  2 * (commitLookEveryMs + readStatementMsMax) <= commitDoubtMs,
  'two commits of the watch must be able to fail before readiness is due to say so',
)
assert(acceptStatementMsMax < groupCommitMsMax, 'a commit must be able to fail before its deadline')
assert(
  groupCommitMsMax + acceptStatementMsMax < stuckUnderWayMs,
  'a commit gives up before it is stuck',
)
assert(stuckUnderWayMs + 2 * watchEveryMs < 30_000, 'what is stuck is replaced within 30 s')
assert(stillLooksMax * stillLookEveryMs < 30_000, 'a loop that gives no turn is ended within 30 s')
assert(
  6 * (issuerCharactersMax + subjectCharactersMax + tokenIdCharactersMax) + 200 <
    attributionBytesMax,
  'who filed something is told, whoever it is',
)
assert(csvRecordBytesMax <= fileBlockBytes, 'a block must be able to hold a record')
assert(
  partLinesMax * plainLineBytesMax <= partBytesMax,
  'lines without days are cut by their number alone',
)
assert(partBytesMax + partHeadBytesMax <= groupBytesMax, 'a part must fit into an envelope')
assert(groupDeclarationsMax <= waitingDeclarationsMax)
assert(turnedAwayOfOneMax <= turnedAwayMax / 10, 'one filer must not hold the line')
assert(filingsUnderWayMax <= waitingDeclarationsMax, 'who is let in may wait')
assert(filingsUnderWayMax < requestsUnderWayMax, 'filings leave room for other requests')
assert(requestBodyBytesMax <= groupBytesMax, 'one declaration must fit into an envelope')
assert(groupBytesMax <= waitingBytesMax)
assert(uploadBytesHeldMax < bodiesHeldBytesMax, 'files must leave room for filings')
assert(
  connectionsMax * smallBodyBytesMax < bodiesHeldBytesMax,
  'who says that small bodies come, and sends nothing, must not use up what all hold',
)
assert(
  Math.max(groupBytesMax, checkedPartBytesMax) + 2 * chunkBytesMax <= bodiesHeldBytesMin / 2,
  'the largest body must fit into the half that one filer may hold',
)
assert(
  throttlePauseMsMax + postStatementMsMax < jobLockMs,
  'giving way must not cost a job its lock',
)
assert(3 * enqueueMsMax < sweepStillMsMax, 'a sweep of all lanes must be able to time out')
assert(slotsOpenMax < slotsListedMax, 'a filer must see all slots that are to come')
assert(3 * rateReportEveryMs < rateReportMsMax, 'a process that is busy must not be taken for gone')
assert(enqueueMsMax < sweepAgeMsMin, 'the sweeper must not race an enqueue under way')
assert(
  uploadsMax * 2 * chunkBytesMax + checkedPartBytesMax <= uploadBytesHeldMax,
  'all uploads must be able to hold a chunk while another is sealed',
)
assert(uploadBytesMax <= uploadsOpenBytesMax, 'one file of the largest must be welcome')
assert(uploadBytesMax / chunkBytesMax < chunksMax, 'the largest file must fit into its chunks')
assert(uploadStallMsMax < answerMsMax, 'a part stalls before its silent connection is ended')
assert(uploadStallMsMax < uploadSilenceMsMax, 'intake tells of a stall before its client goes')
assert(chunkMsMax < uploadStallMsMax, 'a slow line must be able to make progress')
assert(headersMsMax <= requestReceiveMsMax, 'headers are a part of the request')
assert(requestReceiveMsMax + connectionsCheckMs < 35_000, 'a slow body is cut within 35 s')
assert(headersMsMax + connectionsCheckMs < 15_000, 'slow headers are cut within 15 s')
assert(connectionsPerAddressMax < connectionsMax, 'one address must not take all connections')
assert(statusWaitersMax < connectionsMax, 'who waits must leave connections to who files')
assert(batchHeartbeatMs < answerMsMax, 'a stream must not be taken for silent')
assert(
  tokenKeysLookMs + tokenKeysFetchMsMax + batchHeartbeatMs < 60_000,
  'a token whose key is withdrawn stops within a minute, and what it reads ends',
)
assert(streamTokenLookMs < batchHeartbeatMs, 'a stream ends soon after its token')
assert(batchWatchersMax < connectionsMax, 'who watches must leave connections to who files')
assert(statusWaitSecondsMax * 1_000 < answerMsMax, 'a wait must end before its connection does')
assert(
  groupCommitMsMax + acceptStatementMsMax + clockSkewMsMax < groupStartsWithinMs,
  'a group must be able to commit by a clock that differs',
)
assert(
  groupStartsWithinMs + clockSkewMsMax < closeAfterMs,
  'a day must not be closed while its last filings can still commit',
)
