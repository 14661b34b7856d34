/**
 * Every bound of the engine, named with its unit, and what happens at it. Relations between
 * bounds are asserted below: a change that breaks one stops every process at start.
 */
import assert from 'node:assert/strict'

/** A request body above this is refused with 413. 10,000 lines are about 1.9 MB. */
export const requestBodyBytesMax = 4 * 1024 * 1024
/**
 * Bytes of all bodies that an intake process holds, from their first byte until they are answered: 64 of
 * the largest, or 100,000 ordinary ones. Above it, 503 of the request's class; one filer that holds half
 * of it gets 429, and bodies that are not small have three quarters of it. A setting.
 */
export const bodiesHeldBytesMax = 256 * 1024 * 1024
export const bodiesHeldBytesMin = 32 * 1024 * 1024
/** Up to this, a body is small: a declaration of some 70 lines. */
export const smallBodyBytesMax = 16 * 1024
/** Bytes of a refused body that are read and dropped before the answer; then the socket ends. */
export const bodyReadAwayBytesMax = 64 * 1024 * 1024
/** Who sends nothing of it for so long is not about to read the answer. */
export const bodyReadAwaySilenceMs = 2_000
// Files with many declarations, which come in parts: src/batch.
/** Bytes of one file; above it, 413. 2.5 million lines are some 300 MB. A setting. */
export const uploadBytesMax = 512 * 1024 * 1024
/**
 * Bytes of a file that become durable at once, and that a dead process loses at most. Compressing,
 * sealing and hashing them takes 1 to 2 ms of intake's one thread; 1 MiB would hold up filings for 9.
 */
export const chunkBytesMax = 256 * 1024
/** A slow line's chunk is made durable after so long, if it has so many bytes. */
export const chunkMsMax = 5_000
export const chunkBytesMin = 16 * 1024
/** Chunks of one file; who sends it in more, smaller parts gets 400. The largest file has 2,048. */
export const chunksMax = 40_000
/** A part with a checksum is held until it is verified; above it, 413: such parts are small. */
export const checkedPartBytesMax = 8 * 1024 * 1024
/** Parts being received by one intake process; above it, 503. A setting. */
export const uploadsMax = 64
/** Bytes of files that one intake process holds; above it, 503. */
export const uploadBytesHeldMax = 96 * 1024 * 1024
/** A part of which less than so many bytes came within this has stalled, and is cut. A setting. */
export const uploadStallMsMax = 20_000
export const uploadProgressBytesMin = 1_024
/** A file in a form, from curl or a browser; above it, 413: over a bad line it can't be taken up. */
export const formFileBytesMax = 32 * 1024 * 1024
/** Of the other fields of a form, and of the metadata of an upload. */
export const formFieldBytesMax = 1_024
export const uploadMetadataCharactersMax = 4_096
export const fileNameCharactersMax = 255
/** Files that one filer may have begun and not ended; above it, 429. */
export const uploadsOpenMax = 20
/** Bytes of these files together, by their sizes, or what came where no size was said; above it, 413. */
export const uploadsOpenBytesMax = 4 * 1024 * 1024 * 1024
/** A file of which nothing came for so long is given up, with what came of it. */
export const uploadIdleMsMax = 7 * 86_400_000
export const uploadExpiryEveryMs = 10 * 60_000
/** Files given up at a time. */
export const uploadExpiryPage = 100
/** A statement about files that takes longer fails with 503; what is taken is 256 KiB at a time. */
export const batchStatementMsMax = 8_000
/** The upload command: it waits so long between tries, and gives up after so many without progress. */
export const uploadRetryMsMin = 500
export const uploadRetryMsMax = 30_000
export const uploadTriesMax = 60
/** Where nothing answered yet: an address that is wrong is told within a minute. */
export const uploadFirstTriesMax = 8
/** The upload command asks for a batch's state with such a wait, and pauses so long between. */
export const uploadWaitSeconds = 5
export const uploadLookMs = 300
/** The upload command takes a connection for lost on which nothing moves for so long. */
export const uploadSilenceMsMax = 40_000
/** Batches in one page of a list. */
export const pageBatchesMax = 100
/** Units in one page of what was filed of a file. */
export const pageUnitsMax = 200
/** Streams of a process that tell of batches, and answers that wait for one; above it, 503. */
export const batchWatchersMax = 1_000
/** Of one subject; above it, 429. */
export const batchWatchersOfOneMax = 20
/** How often all of them look, together; looking takes at most this share of the time. */
export const batchWatchEveryMs = 500
export const batchWatchShareMax = 0.2
/** A stream with nothing to tell sends a comment so often: proxies end what is silent for a minute. */
export const batchHeartbeatMs = 15_000
/** A stream ends after so long, and its reader comes again. */
export const batchStreamMsMax = 10 * 60_000
/** What a reader is told to wait before it comes again. */
export const batchStreamRetryMs = 2_000
/** Texts that rows of a written workbook repeat, and their length: more are written in each row. 1 MB. */
export const writtenTextsMax = 500
export const writtenTextCharactersMax = 1_000
/** Errors files that an intake process writes at a time, and for one subject; above it, 503 or 429. */
export const errorsFilesMax = 8
export const errorsFilesOfOneMax = 2
/** Drafts that an intake process writes at a time, and for one subject; above it, 503 or 429. */
export const draftsMax = 32
export const draftsOfOneMax = 4
/** Lines of a draft that are written in one go: some 2 ms. */
export const draftChunkLines = 500
/** Browsers keep 4,096 bytes of a cookie with its name and attributes; what is sealed must fit beside these. */
export const sealedCharactersMax = 3_900
/** A token that a session is opened to, as its parts; a sealed one can't be larger than deflate makes it. */
export const packedTokenBytesMax = 1_048_576
/** Where a sign-in ends, as an address of the portal. */
export const returnToCharactersMax = 512
/** So long somebody may be with the identity provider; then they begin again. */
export const signInMsMax = 600_000
/** A session is renewed for so long after its sign-in. */
export const sessionMsMax = 12 * 3_600_000
/** Requests of a process to the identity provider at a time, and how long each is waited for. */
export const providerRequestsMax = 64
export const providerAnswerMsMax = 10_000
/** What a provider says of itself is read so often. */
export const providerMetadataMs = 600_000
/** The form of the sign-in in development, and the employers that it takes. */
export const developmentFormBytesMax = 4_096
export const developmentEmployersMax = 50
/** All files of the built portal, as they are held in memory. */
export const portalBytesMax = 16_777_216
/** While uploads are given up for what is more urgent, those under way wait so long for each chunk. */
export const uploadGiveWayMs = 500

/** Findings carried in one answer; `total` counts the rest. */
export const findingsPerAnswerMax = 200
/** Units of a file that a command tells one by one: of more, the sums are told. */
export const unitsToldMax = 20
/** Lines explained in one answer; others are asked for by their number. */
export const explainedLinesMax = 50
/** Unless more are asked for: ten lines are some 100 KB, as every amount cites its sources. */
export const explainedLinesUnasked = 10
/** Parts read for one explanation of what another pack makes of the sum of their lines' bases. */
export const explainedPartsMax = 10
/** A longer Idempotency-Key is refused with 400. */
export const idempotencyKeyCharactersMax = 255
/** A client that sends a request slower than this gets 408: slow bodies must not hold sockets. */
export const requestReceiveMsMax = 30_000

// What one client, or all of them, can hold of a process: defaults of settings (the environment).
/**
 * Connections that wait to be taken; the system may allow fewer (net.core.somaxconn, 4096 on Linux).
 * The next one is dropped unseen, and its client tries again after 1, 3 and 7 seconds.
 */
export const connectionsWaitingMax = 4_096
/** Open connections of a process; the next is closed at once. Idle, each costs some 20 KB. */
export const connectionsMax = 10_000
/**
 * Connections of one address (of one /64 in IPv6); the next is closed at once. Half of all: whoever
 * it is can't shut the others out, while a load balancer, which is one address for all its clients,
 * has room for more than it keeps open. Where clients connect directly, some 200 are enough.
 */
export const connectionsPerAddressMax = 5_000
/** Header lines of a request, with those that proxies add; above it, 431. */
export const headersMax = 100
/** Bytes of a request's headers, its first line included; above it, 431. */
export const headerBytesMax = 16 * 1024
/** From the connection, or the first byte of a request, to the end of its headers; then 408. */
export const headersMsMax = 10_000
/** A connection without a request is kept for so long: longer than load balancers do, 60 s. */
export const idleMsMax = 72_000
/** An answer that its reader doesn't take within this ends the connection. */
export const answerMsMax = 60_000
/** A body where none is asked for is refused with 413 above this. */
export const otherBodyBytesMax = 16 * 1024
/** Bytes out for one byte in when a body is inflated; above it, 413. Declarations reach 8 to 10. */
export const inflatedRatioMax = 100
/** Of the ratio: so many inflated bytes cost nothing and are never refused. */
export const inflatedFreeBytes = 64 * 1024
/** Lists and objects within each other in a body; above it, 400. A declaration has 4. */
export const jsonDepthMax = 16
/** Keys and list entries of a body; above it, 400. 10,000 lines have some 80,000. */
export const jsonItemsMax = 200_000
/** How often connections are looked at: a limit in time is kept to within this. */
export const connectionsCheckMs = 2_000

/** Seconds that an answer waits for a status, if asked to (Prefer: wait). */
export const statusWaitSecondsMax = 20
/** Answers of a process that wait for a status; above it, each is given at once. */
export const statusWaitersMax = 5_000
/** Of them, what one filer may have: on one connection, a client may ask without end. */
export const statusWaitersShareMax = 0.1
/** Time from one look at all that is waited for to the next; at first the shorter. */
export const statusLookMsMin = 100
export const statusLookMsMax = 500
/** Looking takes at most this share of the time: slower looks come less often. */
export const statusLookShareMax = 0.2

/** Declarations in one envelope; the rest wait for the next commit. */
export const groupDeclarationsMax = 1_000
/** Canonical bytes in one envelope; the declaration that would exceed it opens the next. */
export const groupBytesMax = 8 * 1024 * 1024
/**
 * Bytes of who filed a declaration: issuer and subject of 255 characters, a token's id of 128, of which JSON
 * writes some as six bytes; an address and a file's id.
 */
export const attributionBytesMax = 4_096
/** Of an issuer, as a setting. */
export const issuerCharactersMax = 255
/**
 * Bytes of an envelope's head: a policy's hash for each region in it, each declaration's id, and who filed it.
 * In general the same few hundred, a declaration's some 200 bytes.
 */
export const envelopeHeadBytesMax = 192 * 1024 + groupDeclarationsMax * attributionBytesMax
/**
 * What a declaration adds to a commit, milliseconds, before commits have shown it: of five lines, as
 * measured on common machines.
 */
export const commitEachMsExpected = 0.15
/** Declarations waiting for a commit in one intake process; at it, 503 with Retry-After. */
export const waitingDeclarationsMax = 8_000
/** Canonical bytes waiting for a commit in one intake process; at it, 503. */
export const waitingBytesMax = 64 * 1024 * 1024
/** A filing waits for its commit at most so many times as long as the limit aims at; then it is shed. */
export const waitTargetsMax = 3
/** Waits that never fall below this for so long: too much waits, and what waits longest is shed. */
export const standingQueueMs = 100
/** How long a group is tried again while Postgres is away; then its requests get 503. */
export const groupCommitMsMax = 5_000
/** Statement time-out of the acceptance pool. */
export const acceptStatementMsMax = 4_000
/**
 * A group whose first filing came longer ago is not committed any more: its process stood still, and the
 * books of its day may be signed, by the database's clock, from which its own may differ by clockSkewMsMax.
 */
export const groupStartsWithinMs = 120_000
/**
 * Names of standbys that were not there before count this long after their configuration was loaded:
 * the checkpointer, by whose copy commits wait, takes it in at a moment of its own.
 */
export const standbysSettleMs = 2_000
/** A group is not so large that its commit is expected to take longer. */
export const groupCommitMsAim = 0.9 * acceptStatementMsMax
/** The first group of a process: what a declaration adds to a commit is not known yet. */
export const groupFirst = 125
/** From one group to the next, it may grow by so many times. */
export const groupGrowth = 4

/** A worker that writes nothing of a batch for so long loses it to another. */
export const batchLeaseMs = 30_000
/** So many workers may end on a batch without writing anything of it; then it waits, twice as long each time. */
export const batchTriesMax = 3
export const batchTryWaitMsMax = 3_600_000
/** Sealed pieces of an ended batch that are deleted in one transaction; of the largest there are a million. */
export const forgottenAtATime = 2_000
/** Rows of a file, or text of them, kept in memory before they are written down; bytes of a piece. */
export const gatheredRowsMax = 5_000
export const gatheredCharactersMax = 2 * 1024 * 1024
/** Rows of a file that is checked without a server, held as text: more of them go to a temporary file. */
export const spoolMemoryBytesMax = 32 * 1024 * 1024
export const pieceBytesMax = 64 * 1024 * 1024
/** Bytes of pieces that one statement reads, sealed; they are opened one by one. */
export const piecesHeldBytesMax = 1024 * 1024
/** Units checked before the verdicts are written down; and their rows, and what is wrong with them. */
export const unitsAtATime = 500
export const checkedRowsAtATime = 5_000
/** Rows that are set aside in one step when they were met while they were filed: about a second of a busy machine. */
export const lateRowsAtATime = 5_000
/** Rows of a file whose findings are in memory at a time, while those set aside are picked from it. */
export const setAsideStretchRows = 10_000
/** The same of a file of declarations, each of which has as many findings as an answer shows. */
export const setAsideStretchDeclarations = 100
/** Such rows in one piece, or so much text: opening one takes intake 1 ms of its one thread. */
export const errorPieceRows = 200
export const errorPieceCharacters = 128 * 1024
/** Rows that were set aside can be fetched for so long after their batch ended; then they are deleted. */
export const errorsKeptMs = 90 * 86_400_000
/**
 * Rows of an employer's mended file that are days of platform workers, held while they are added to the
 * days filed before; more are told to be of persons who were filed, and come in another file: 60 MB.
 */
export const amendedDaysMax = 200_000
/** Lines of a part; a declaration with more travels in several. */
export const partLinesMax = 5_000
/**
 * Bytes of a part's lines: a platform's worker has up to a hundred days. All other lines have less than
 * `plainLineBytesMax`, so that only those with days are measured.
 */
export const partBytesMax = 5 * 1024 * 1024
export const plainLineBytesMax = 1_024
/** What a part has beside its lines: its header, and of a head the sums and ids of the parts before. */
export const partHeadBytesMax = 1024 * 1024
/** Lines of an envelope that a file's declarations travel in: posting must give way soon. */
export const bulkEnvelopeLinesMax = 5_000
/** Files up to these sizes never wait for larger ones: some 25,000 and 400,000 rows. */
export const smallBatchBytesMax = 2 * 1024 * 1024
export const mediumBatchBytesMax = 32 * 1024 * 1024
/**
 * Of so many files that a place of a batch worker takes, one is the next by its time of receipt, whether
 * or not it has a slot, and the others go by slots; so slots may have all capacity but one of so many parts.
 */
export const claimsPerTurn = 3
/** Slots that one filer may have before it; above it, 409. */
export const slotsOpenMax = 5
/** Slots in a list: all that one filer has before it, and some that are over. */
export const slotsListedMax = 50
/** How far ahead slots are given; where none is free so long, 409. */
export const slotsAheadMs = 3 * 86_400_000
/** One that nobody used is forgotten so long after its end. */
export const slotKeptMs = 30 * 86_400_000
/** Other free ones that are told of at the peak. */
export const slotsToldMax = 3
/** Reservations that an intake process makes at a time, and for one filer; above it, 503 or 429. */
export const reservationsMax = 2
export const reservationsOfOneMax = 1
/** Bytes of a row, where a slot is asked for in bytes; and what no row of a file has on average. */
export const rowBytesExpected = 60
export const rowBytesMax = 250
/** Rows a second of one batch worker, before one has measured: a third of what was seen on two cores. */
export const rowsPerSecondUnmeasured = 10_000
/** Work that a measure needs at least; what is older counts half after so much more of it. */
export const rateWorkMsMin = 2_000
export const rateWorkMsHalved = 10 * 60_000
/** How often a process tells its rate; one that told none for so long is gone. */
export const rateTellEveryMs = 5_000
export const rateToldMsMax = 60_000
/** Measures of processes that are gone count for so long where there is no other. */
export const rateKeptMs = 86_400_000
/** How often a worker looks for batches, and whether what was filed is posted. */
export const batchLookMs = 500
/** What `nice` adds to a process that works on files: a tenth of another's share of a busy core. */
export const batchNice = 10
/** After a failure, a batch is tried again when so long has passed. */
export const batchRetryMs = 5_000

/** An outage is over when nothing was refused for so long. */
export const outageQuietMs = 30_000
/** So many filers must be refused within that time before what load brings about is an outage. */
export const outageFilersMin = 3
/**
 * Tokens that are verified in a second for filings that were refused, 0.2 ms each, and such filings that wait
 * for it; above it, a filing whose token was not verified before is refused without a ticket.
 */
export const refusedVerifiedPerSecondMax = 100
export const refusedVerifyingMax = 500
/** ... and for so long, as keys may have to be fetched. */
export const refusedVerifyMsMax = 500
/**
 * Filers whose attempts wait to be written in one intake process, each with its count; those of more
 * filers are in their tickets alone.
 */
export const attemptsRememberedMax = 20_000
/** Envelopes that wait for an operator, as with a key that is missing, and tell nothing of how posting goes. */
export const stuckEnvelopesMax = 9
/** How often outages and attempts are written. */
export const outageWriteEveryMs = 5_000
/**
 * Seconds that the oldest unposted envelope may wait: at bulk's share of it (SHED_AT), files get 503. A
 * setting. And how often it is looked at.
 */
export const backlogSecondsMax = 300
export const backlogAgeLookMs = 2_000
/** How often the backlog is looked at for the public status, which may be cached for a few seconds. */
export const backlogLookMs = 5_000
export const statusCacheSeconds = 5
/** What was refused for findings gets the same again for so long, for so many at a time. */
export const refusedLatelyMs = 30_000
export const refusedLatelyMax = 200
/** How long an attempt ticket serves: some days, as an outage may last over a weekend. */
export const attemptValidMicros = 7 * 86_400 * 1_000_000
/** Rows that were set aside of a file count from when it came, if they come mended within as long. */
export const amendmentCountsMicros = attemptValidMicros
/** Of a token's subject (OpenID Connect Core 1.0, 2): a token with a longer one is invalid. */
export const subjectCharactersMax = 255
/** Of a token's `jti`: of a longer one, the hash is kept. */
export const tokenIdCharactersMax = 128
/** Who has a longer one gets no ticket. */
export const ticketSubjectCharactersMax = 200
/** A longer ticket is none: a subject of that length is 1,200 bytes of JSON at most, 1,600 of base64. */
export const ticketCharactersMax = 2_400

/**
 * How far clocks of intake processes may be apart: tokens are taken so long before and after they are
 * valid, and a ticket serves where its attempt lies so far in the future. Beyond it, 401 and 422 are
 * answered that are not due. A clock that is 5 s off the database's is told of long before: DURABILITY.
 */
export const clockSkewMsMax = 60_000

/** Filings under way in one intake process: what is found from commits stays between these. */
export const filingsUnderWayMax = 8_000
export const filingsUnderWayMin = 16
/**
 * How long a filing may wait for its answer, where commits allow it: answers within a second, with what
 * reading, checking and answering take beside the wait.
 */
export const answerTargetMs = 900
/** Where they don't, as they take longer: groups so large that the journal brings so much of its most. */
export const goodputShare = 0.95
/** Seconds that somebody who is refused is told to wait, at most. */
export const retrySecondsMax = 120
/** ... and where no line gets shorter by waiting: a class is never let in, a disk is full, posting is late. */
export const retrySecondsElse = 20
/** Filings that were told to come back and are remembered until then. */
export const turnedAwayMax = 50_000
/** Of them, those of one filer; its others come back after these, and nobody waits for them. */
export const turnedAwayOfOneMax = 1_000
/** Seconds over which those are spread whose filers are not known yet. */
export const unknownRetrySecondsMax = 10
/**
 * From this share of the limit on, filings crowd, and each filer has its share at most. What one may take
 * beyond its share makes commits larger for all: at half of the limit, others waited three times as long.
 */
export const crowdedShare = 0.25
/** Who filed within this time, or the one before it, has a share. */
export const sharesWindowMs = 1_000
/** How often intake processes tell each other, and of how many filers: those with most under way. */
export const sharesExchangeEveryMs = 1_000
export const sharesToldMax = 200
/** What a process told longer ago than this counts no more: it is gone, or its store is. */
export const sharesToldMsMax = 5_000
/** Filers counted in one such time; more have the same share. */
export const sharesRememberedMax = 20_000
/** Requests of all kinds under way in one intake process; above it, 503. */
export const requestsUnderWayMax = 10_000
/** A crowd that lasts longer, and has more requests, is an overload of this process. */
export const crowdMsMax = 100
export const burstFilings = 200
/** A turn of the event loop with more of requests is crowded; then they have so much of each slice. */
export const turnMsMax = 20
export const turnSliceMs = 60
/** So much of it, at most, is used by one pause. */
export const turnPauseMsMax = 8
/** Of the heap that V8 may use; above it, 503. */
export const heapShareMax = 0.85
/** Free space of DATA_DIR's disk, where Postgres is embedded; below it, nothing is accepted. */
export const diskFreeBytesMin = 512 * 1024 * 1024
/** How often memory and disk are looked at; and how often the event loop is. */
export const signalsEveryMs = 1_000
export const loopLookEveryMs = 10

/**
 * A statement is cancelled at the server so long after its time-out there: what no time-out of Postgres
 * ends, as a commit's wait for its standbys.
 */
export const cancelAfterMs = 500
/** How long after the server should have given up a statement its connection is given up. */
export const halfOpenMs = 1_000
/** A request to cancel is given up after this, and sent again until the server has taken it. */
export const cancelRequestMsMax = 1_000
export const cancelAgainMs = 200
/**
 * A connection that broke under a statement keeps its place in the pool so long at most: the server ends
 * a backend whose client is gone after 15 s (tcp_user_timeout), unless it waits for a standby.
 */
export const slotHeldMsMax = 20_000

/** Metrics that were read are given again for so long: however many ask, the database is asked once. */
export const metricsKeptMs = 1_000
/** The operators' port of an intake lies so far from its public one, where none is set. */
export const operatorsPortDistance = 1_000

/** A reason for which tokens are refused is logged at most once in so long. */
export const refusedTokensToldMs = 10_000

// The access log: src/access.
/** How long an entry of a filer's read waits at most to be written: what a process that dies may lose. */
export const accessWriteEveryMs = 1_000
/** Entries of a group: sealing one of 500 takes 2 ms of intake's one thread. */
export const accessGroupEntries = 500
/** What a group inflates to at most: its entries, and one of what was lost. */
export const accessGroupBytesMax = (accessGroupEntries + 2) * 6 * 1024
/**
 * Entries in memory while the log can't be written, some 10 MB; more are counted as lost, and their reads
 * answered all the same.
 */
export const accessEntriesHeldMax = 20_000
/** An answer to staff waits so long for its entry; then 503. */
export const accessWaitMsMax = 3_000
export const accessStatementMsMax = 2_500
/** Between tries while it can't be written. */
export const accessRetryMsMin = 100
export const accessRetryMsMax = 5_000
/** A group that others overtake is sealed anew so often at once. */
export const accessTriesMax = 10
/** Groups read at a time. */
export const accessGroupsPage = 50

/** A lookup of a status, receipt or list that takes longer fails with 503. */
export const readStatementMsMax = 3_000
/** Declarations in one page of a list. */
export const pageDeclarationsMax = 100
/** Verified tokens kept in memory; the oldest leaves. */
export const verifiedTokensMax = 20_000
/** A verified token is verified again after this, and as soon as a key that tokens are verified with is withdrawn. */
export const verifiedTokenMsMax = 5 * 60_000
/** From `iat` to `exp` of a token, and from now; with more, 401. A setting, and the most that it can be. */
export const tokenSecondsMax = 48 * 3_600
export const tokenSecondsMost = 30 * 86_400
/** How often an intake process looks whether keys of tokens were added or withdrawn. */
export const tokenKeysLookMs = 5_000
/** A provider that does not publish its keys within this is asked again at the next look. */
export const tokenKeysFetchMsMax = 2_000
/** Keys that were published last count for so long while the provider can't be asked; then 503. */
export const publishedKeysMsMax = 10 * 60_000
/** A token whose key is not known has the provider asked at most once in so long. */
export const unknownKeyFetchMs = 5_000
/** How often an intake process looks whom and what the list of denials has. */
export const denialsLookMs = 2_000
/** A look reads the denials of so long before the newest that it knows: one may have been committed later. */
export const denialsOverlapMs = 60_000
/** Denials that a command lists. */
export const denialsListedMax = 1_000
/** An open stream of events looks so often whether its token still holds. */
export const streamTokenLookMs = 1_000

/** BullMQ lock: a worker that is silent for this long loses its envelope to another. */
export const jobLockMs = 8_000
/** How often workers look for jobs whose lock ran out: a dead worker's are posted within 15 s. */
export const stalledCheckMs = 2_000
/** Envelopes of a lane that a worker process posts at a time: some commit while one is assessed. */
export const envelopesAtATime = 4
/** Statement time-out of the posting pool: the largest declaration takes half a second. */
export const postStatementMsMax = 6_000
/**
 * Retries of one posting wait at most this long where time mends it: with the lock of a worker that
 * dies on it next, it is posted within 15 s. Others wait for somebody, and tell of it less often.
 */
export const transientRetryMsMax = 4_000
export const postRetryMsMax = 30_000
/** An envelope that can't be posted is tried again so long after, then after twice as long, up to a most. */
export const putOffMsMin = 15_000
export const putOffMsMax = 5 * 60_000
/** So many of them are brought back in one sweep: what good ones wait for them is bounded. */
export const putOffPerSweep = 50
/** A queue or a worker that does not become ready is built anew so long after. */
export const buildAgainMs = 1_000
/** A worker that was refused its next envelope asks again so long after. */
export const takeAgainMs = 100
/** How often the queue's server is looked at; its connections follow it to where it moved. */
export const queueLookEveryMs = 1_000
/** An error of the queue's connections is told of for so long, unless it comes again. */
export const queueTroubleMsMax = 10_000
/** A call to the queue that takes longer counts as failed; the sweeper takes over. */
export const enqueueMsMax = 2_000
/** Enqueue calls under way in one intake process; above it, envelopes are left to the sweeper. */
export const enqueuesUnderWayMax = 64

/** Of Redis's maxmemory: above it, nothing is enqueued, so that workers have room to drain it. */
export const redisFullShare = 0.75
/** So many jobs of a lane go in all the same: what fills Redis may be another's. */
export const redisFullJobs = 100
export const redisLookEveryMs = 1_000
/** How often a worker that posts looks how long acceptance's commits take. */
export const giveWayEveryMs = 250
/** Posting never has less than this share of the time, however slow acceptance's commits are. */
export const giveWayShareMin = 0.2
/** A posting waits at most this long before it begins: one slow posting must not stop the rest. */
export const giveWayPauseMsMax = 1_000
/** Giving way in full for so long without shorter commits: something else slows them. */
export const giveWayTrialMs = 3_000
/** Then posting goes on at full speed for so long, before it tries again. */
export const giveWayRestMs = 30_000
/** Giving way in full for so long with shorter commits: it tries whether they still need it. */
export const giveWayHoldMs = 30_000

/** How often the sweeper looks for envelopes that were accepted and not posted. */
export const sweepEveryMs = 2_000
/** An envelope younger than this is on its way; the sweeper leaves it alone. */
export const sweepAgeMsMin = 5_000
/** A sweep between two statements for longer than this loses its lock: its process stands still. */
export const sweepStillMsMax = 8_000
/** Envelopes put back on the queue in one page, and pages in one sweep. */
export const sweepPageEnvelopes = 500
export const sweepPagesMax = 4

/** Envelopes read at a time by the auditor: some 25 MiB where groups are full. */
export const auditedEnvelopesPage = 50
/** Offenders named for each invariant; all are counted. */
export const offendersNamedMax = 20
/** Files that are told of at a time; characters of who took one out of its way, and of why. */
export const batchesListedMax = 500
export const interventionTextMax = 200
/** Dead letters looked up in one statement. */
export const deadLettersPageMax = 500
/** Declarations looked up in one statement when a region is reassessed. */
export const outdatedPageMax = 500
/** Rows of the ledger that one of these statements goes through: 0.15 s where they are cached. */
export const outdatedRowsMax = 50_000
/** A statement of a reassessment: it goes through these rows, or stores an envelope of orders. */
export const reassessStatementMsMax = 60_000
/** Reassessments ordered in one envelope, of bulkEnvelopeLinesMax lines. */
export const reassessmentsPerEnvelope = 250
/** Envelopes that posting these opens again: 1.4 s for 250 orders out of 20 envelopes of 2.9 MB each. */
export const reassessedEnvelopesMax = 20
/** Distinct persons counted in a reassessment's report; above it, it says "more than". */
export const reassessedPersonsMax = 5_000_000
/** Declarations named in a reassessment's report for each reason why they are left alone; all are counted. */
export const skippedNamedMax = 10

/** How often progress is looked at. */
export const watchEveryMs = 4_000
/** A worker that takes nothing for so long, while envelopes wait, is stuck: replaced within 30 s. */
export const stuckIdleMs = 15_000
/** An envelope, or a group's commit, under way for so long is stuck: all its statements time out. */
export const stuckUnderWayMs = 20_000

/** How often a thread looks whether its process's loop takes turns, and how often it may find none. */
export const stillLookEveryMs = 1_000
export const stillLooksMax = 20

/** The books of a day look through the whole ledger once: minutes, where it is large. */
export const booksStatementMsMax = 15 * 60_000
/** How often a worker looks whether a day can be closed. */
export const closeEveryMs = 15 * 60_000
/** A day is closed so long after its end: what was accepted in its last second commits later. */
export const closeAfterMs = 5 * 60_000
/** Commits that began before it are waited for; those that wait for a standby, next time. */
export const closeWaitMsMax = 2_000
export const closeWaitEveryMs = 20
/** How many days back. */
export const closeDaysMax = 31

// Files of declarations: what one may have; findings tell where one has more.
/** Twice the largest employers there are; reading ends there. A workbook has what a sheet may have. */
export const fileRowsMax = 5_000_000
export const sheetRowsMax = 1_048_576
/** Rows of an errors file as XLSX, below its header; of more, it is given out as CSV alone: 406. */
export const errorsSheetRowsMax = sheetRowsMax - 1
/** A row that has more ends the reading: a table of contributions has some 20. */
export const fileColumnsMax = 200
/** A cell that has more leaves out its row. */
export const cellCharactersMax = 4_000
/** A record of CSV that has more ends the reading, so that no line is held whole. */
export const csvRecordBytesMax = 64 * 1024
/** Read and handed on together; a batch of some hundred rows. Larger ones stay longer in memory. */
export const fileBlockBytes = 64 * 1024
/** A line of NDJSON is a declaration, which has the limit of a request's body. */
export const ndjsonLineBytesMax = requestBodyBytesMax
/** Rows looked at for the header: above it there may be titles and notes. */
export const headerSearchRowsMax = 20
/** Entries of its archive; a workbook of a few sheets has some 20. */
export const xlsxEntriesMax = 500
/** Characters of what one part says of another: names and the like, which are held. */
export const xlsxRelationCharactersMax = 8 * 1024
/** Bytes that all its parts inflate to: a million rows of 10 columns are some 500 MB. */
export const xlsxInflatedBytesMax = 1024 * 1024 * 1024
/** Bytes out for one byte in; sheets reach 10 to 60. */
export const xlsxInflatedRatioMax = 200
/** Of the ratio: so many inflated bytes of an entry cost nothing and are never refused. */
export const xlsxInflatedFreeBytes = 64 * 1024 * 1024
/** Distinct texts of a workbook, and their bytes: they are held in memory while it is read. */
export const xlsxStringsMax = 4_000_000
export const xlsxStringBytesMax = 64 * 1024 * 1024
/** Characters of one tag or of one piece of text in XML; more is no spreadsheet's. */
export const xmlTokenCharactersMax = 256 * 1024
/** Of tags within each other, in XML; a sheet has a dozen at most. */
export const xmlDepthMax = 64
/** Sheets of a workbook; more are not looked at. */
export const xlsxSheetsMax = 50
/** Rows of a sheet that are handed on together; or so much text of them, as one text may be in many cells. */
export const xlsxBatchRows = 1_000
export const xlsxBatchCharacters = 512 * 1024
/** Of the bytes of a workbook as it is kept: each is read twice at most, to choose the sheet and to read it. */
export const xlsxReadingsMax = 2

/** What `nice` adds to each process of a rehearsal: a third of a live one's share of a busy core. */
export const rehearsalNice = 5
/** A removal waits so long for connections of processes that ended, and so long for each lock, some times. */
export const rehearsalLeaveMsMax = 2_000
export const rehearsalLockMs = 2_000
export const rehearsalLockTriesMax = 15
/** Keys of the queue looked at, and taken out, at a time. */
export const queueKeysAtATime = 1_000

/** SIGTERM to exit; then the process ends at once. */
export const stopMsMax = 25_000

assert(cancelAfterMs < halfOpenMs, 'a statement that is cancelled must have time to say so')
assert(postStatementMsMax < jobLockMs, 'a posting statement must end before its job lock does')
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
  giveWayPauseMsMax + postStatementMsMax < jobLockMs,
  'giving way must not cost a job its lock',
)
assert(3 * enqueueMsMax < sweepStillMsMax, 'a sweep of all lanes must be able to time out')
assert(slotsOpenMax < slotsListedMax, 'a filer must see all slots that are to come')
assert(3 * rateTellEveryMs < rateToldMsMax, 'a process that is busy must not be taken for gone')
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
