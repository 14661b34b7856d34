/** What can go wrong besides findings, and what a filer is told of it, with the next step. */
import { catalogue } from '../../declaration/catalogue/catalogue.ts'
import type { Text } from '../../declaration/catalogue/entry.ts'

export type ProblemKind = { readonly status: number; readonly title: Text; readonly fix: Text }

const text = (zh: string, en: string): Text => ({ 'zh-CN': zh, en })

/** Problems other than findings, by code; `type` resolves to /v1/findings/{code}. */
export const problemKinds = {
  DECLARATION_INVALID: {
    status: 422,
    title: text('申报内容有误，未受理', 'The declaration has faults and was not accepted'),
    fix: text(
      '按 errors 逐条修改后，用新的或原来的 Idempotency-Key 重新申报；errors 最多 200 条，全部问题可用 Accept: text/csv 向 /v1/declarations/check 获取。',
      'Mend what errors lists, then file again with a new or the same Idempotency-Key. It lists 200 at most; POST to /v1/declarations/check with Accept: text/csv for all.',
    ),
  },
  // Of a declaration without other faults; beside others they are findings, by the same codes.
  DECLARATION_STANDS: {
    status: 409,
    title: catalogue.DECLARATION_STANDS.title,
    fix: text(
      '已有的申报见 standing；errors 说明更正、增加人员和作废重报的办法。',
      'What stands is in standing; errors tells how to correct it, to add persons, and to start afresh.',
    ),
  },
  REPLACES_SUPERSEDED: {
    status: 409,
    title: catalogue.REPLACES_SUPERSEDED.title,
    fix: text(
      '现行的申报见 standing；请以它为基础修改，并在 replaces 填写它的编号。',
      'What stands is in standing; start from it, and name it in replaces.',
    ),
  },
  ALREADY_FILED: {
    status: 409,
    title: catalogue.ALREADY_FILED.title,
    fix: text(
      '无需再次申报；回执见 standing.links.receipt。',
      'Nothing is left to do; the receipt is at standing.links.receipt.',
    ),
  },
  IDEMPOTENCY_KEY_MISSING: {
    status: 400,
    title: text('缺少 Idempotency-Key 请求头', 'The Idempotency-Key header is missing'),
    fix: text(
      '为每份申报生成一个唯一的键（如 UUID）并放入请求头；重试时使用同一个键。',
      'Send a unique key for each declaration, such as a UUID, and the same key when you retry.',
    ),
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    title: text('Idempotency-Key 格式不正确', 'The Idempotency-Key is not well-formed'),
    fix: text(
      '请使用 1 至 255 个可见 ASCII 字符，不含空格。',
      'Use 1 to 255 visible ASCII characters without spaces.',
    ),
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: text(
      '该 Idempotency-Key 已用于另一份内容不同的申报',
      'This Idempotency-Key was used for a declaration with other content',
    ),
    fix: text(
      '原申报仍然有效。新的申报请换一个键；重试原申报请发送相同的内容。',
      'The first declaration stands. Use a new key for a new declaration, or send the same content to retry.',
    ),
  },
  BODY_MALFORMED: {
    status: 400,
    title: text('请求体不是有效的 JSON', 'The body is not valid JSON'),
    fix: text('请发送 UTF-8 编码的 JSON 对象。', 'Send one JSON object in UTF-8.'),
  },
  BODY_ENCODING: {
    status: 400,
    title: text('请求体不是 UTF-8 编码', 'The body is not UTF-8'),
    fix: text(
      '请把程序或文件的输出编码设为 UTF-8 后重新发送；姓名等内容以收到的字节为准，系统不猜测其他编码。notUtf8 给出位置。',
      'Set your program, or the file, to write UTF-8 and send it again; names are kept as their bytes say, so no other encoding is guessed. notUtf8 tells the place.',
    ),
  },
  CONTENT_DIGEST_WRONG: {
    status: 400,
    title: text('Content-Digest 与收到的内容不符', 'Content-Digest is not the digest of what came'),
    fix: text(
      '请对实际发送的字节（压缩时为压缩后的字节）计算摘要，写作 Content-Digest: sha-256=:BASE64:（RFC 9530）；也可不带此请求头。',
      'Compute it of the bytes that you send, compressed if they are, as Content-Digest: sha-256=:BASE64: (RFC 9530); or leave the header out.',
    ),
  },
  CHARSET_UNSUPPORTED: {
    status: 415,
    title: text(
      'Content-Type 声明了 UTF-8 以外的字符集',
      'The Content-Type declares another charset than UTF-8',
    ),
    fix: text(
      '请以 UTF-8 编码发送内容，并写 Content-Type: application/json（不必写 charset）。只删去 charset 而不转换内容，会以 BODY_ENCODING 拒绝。',
      'Send it in UTF-8 with Content-Type: application/json; no charset is needed. To leave the charset out without converting is refused as BODY_ENCODING.',
    ),
  },
  JSON_KEY_REPEATED: {
    status: 400,
    title: text('JSON 对象中同一字段出现两次', 'The JSON names a member of an object twice'),
    fix: text(
      '请只保留其中一个：两个值取哪一个不能由系统决定。pointer 给出其位置（字段名不能显示时，为其所在对象）。',
      'Leave one of them: which of two values counts is not for the system to decide. pointer tells where it is, or the object that has it.',
    ),
  },
  PARAMETER_INVALID: {
    status: 400,
    title: text('地址中的参数有误', 'A parameter of the address is not what it may be'),
    fix: text(
      '请把 parameter 所指的参数改为 allowed 所述的值，每个参数只给一次；全部参数见 /documentation。',
      'Give the parameter that is named what allowed says, and once only; /documentation has all of them.',
    ),
  },
  ADDRESS_MALFORMED: {
    status: 400,
    title: text('地址格式不正确', 'The address is not well-formed'),
    fix: text(
      '地址中的特殊字符须按 UTF-8 作百分号编码，且不能含有 %00；请使用返回的 links，不要自行拼接。',
      'Percent-encode special characters as UTF-8, never %00; follow the links of answers instead of making addresses.',
    ),
  },
  TOKEN_MISSING: {
    status: 401,
    title: text('缺少访问令牌', 'The bearer token is missing'),
    fix: text(
      '请在 Authorization 请求头中发送 Bearer 令牌。',
      'Send a token in the header Authorization: Bearer.',
    ),
  },
  SESSION_ENDED: {
    status: 401,
    title: text('登录已失效', 'The sign-in has ended'),
    fix: text(
      '请重新登录；已填写的内容仍在浏览器中。重试申报时使用同一个 Idempotency-Key 和相同的内容。',
      'Sign in again; what was entered is still in the browser. Retry a filing with the same Idempotency-Key and content.',
    ),
  },
  ORIGIN_FOREIGN: {
    status: 403,
    title: text('请求来自其他网站', 'The request comes from another site'),
    fix: text(
      '请在本申报门户的页面中操作；程序请使用 Authorization 请求头中的令牌，不要使用浏览器的登录状态。',
      'Use the pages of this portal. A program sends a token in the header Authorization, never the cookie of a browser.',
    ),
  },
  SIGN_IN_ABSENT: {
    status: 404,
    title: text('此处不能登录', 'There is no sign-in here'),
    fix: text(
      '本服务尚未接入身份服务，或此登录仅限本机试用。请使用经办机构公布的申报门户，或使用访问令牌调用接口。',
      'No identity provider is set up, or this sign-in is for the machine itself. Use the portal that the agency names, or a token with the API.',
    ),
  },
  SIGN_IN_STALE: {
    status: 400,
    title: text('此次登录已过期或已使用', 'This sign-in is too old, or was used already'),
    fix: text(
      '请重新登录；已填写的内容仍在浏览器中。登录须在同一浏览器中于 10 分钟内完成。',
      'Sign in again; what was entered is still in the browser. A sign-in is completed in the browser that began it, within 10 minutes.',
    ),
  },
  SIGN_IN_DECLINED: {
    status: 403,
    title: text('登录已取消或未获同意', 'The sign-in was cancelled, or not allowed'),
    fix: text(
      '如需继续请重新登录；仍不成功时，请向本单位的账号管理员申请使用本服务的权限。',
      'Sign in again to go on. Where that is refused, ask who administers your accounts for access to this service.',
    ),
  },
  SIGN_IN_TOKEN: {
    status: 403,
    title: text('该账号不能用于本服务', 'This account can not be used here'),
    fix: text(
      '账号缺少本服务需要的信息（单位、权限或角色），或已被停用。请把本页内容告知本单位的账号管理员。',
      'It lacks what this service needs to know (employers, scopes or roles), or it was barred. Tell who administers your accounts what this page says.',
    ),
  },
  SIGN_IN_TOO_LARGE: {
    status: 403,
    title: text('该账号包含的单位过多', 'This account names too many employers'),
    fix: text(
      '浏览器无法保存。请账号管理员按本次需要的单位签发，或改用文件和接口申报。',
      'A browser can not keep it. Ask who administers your accounts for fewer employers at a time, or file with files and the API.',
    ),
  },
  SIGN_IN_UNAVAILABLE: {
    status: 503,
    title: text('身份服务暂时无法访问', 'The identity provider can not be reached now'),
    fix: text(
      '请稍后重新登录；已登录的会话和已填写的内容不受影响。',
      'Sign in again in a moment. Sessions that have begun, and what was entered, are not affected.',
    ),
  },
  SIGN_IN_MISCONFIGURED: {
    status: 500,
    title: text(
      '身份服务拒绝了本服务的登录请求',
      'The identity provider refuses what this service asks for',
    ),
    fix: text(
      '这不是您的操作造成的。请告知经办机构的运维人员：原因在 intake 的日志中。',
      'You did nothing wrong. Tell the agency’s operators: the reason is in the log of intake.',
    ),
  },
  DRAFT_ABSENT: {
    status: 404,
    title: text('上月没有生效的申报', 'Nothing is in force for the month before'),
    fix: text(
      '请从空白申报开始填写，或粘贴名单。上月的申报若刚刚受理，入账后（通常数分钟内）即可生成草稿。',
      'Begin with an empty declaration, or paste your list. Where one for the month before was accepted just now, there is a draft once it is posted, mostly within minutes.',
    ),
  },
  DRAFT_TOO_LARGE: {
    status: 409,
    title: text('该申报超过 10,000 行', 'The declaration has more than 10,000 lines'),
    fix: text('请用文件申报：/v1/batches。', 'File it with a file: /v1/batches.'),
  },
  TOKEN_INVALID: {
    status: 401,
    title: text('访问令牌无效', 'The bearer token is not valid'),
    fix: text('请向发放机构重新获取令牌。', 'Get a new token from its issuer.'),
  },
  TOKEN_EXPIRED: {
    status: 401,
    title: text('访问令牌已过期', 'The bearer token has expired'),
    fix: text(
      '请重新获取令牌后用同一个 Idempotency-Key 重试。',
      'Get a new token and retry with the same Idempotency-Key.',
    ),
  },
  TOKEN_LIFETIME: {
    status: 401,
    title: text('访问令牌的有效期过长', 'The bearer token is valid for too long'),
    fix: text(
      '请向发放机构获取有效期更短的令牌：exp 与 iat 之差以及 exp 距现在的时间均不得超过所示秒数。',
      'Get one from its issuer that ends sooner: exp lies no more than these seconds after iat, and from now.',
    ),
  },
  TOKEN_WITHDRAWN: {
    status: 401,
    title: text('访问令牌或其持有人已被停用', 'The bearer token, or its holder, was barred'),
    fix: text(
      '请向发放机构重新获取令牌；新令牌仍被拒绝时，请联系经办机构说明情况。',
      'Get a new token from its issuer; where that is refused, too, ask the agency.',
    ),
  },
  TOKEN_FOR_REHEARSAL: {
    status: 401,
    title: text('该令牌仅用于演练', 'The token is for a rehearsal, which does not run here'),
    fix: text(
      '请把演练请求发送到演练环境的地址。正式申报请使用身份服务签发的令牌。',
      'Send what is rehearsed to the address of the rehearsal. To file what counts, use a token of your identity provider.',
    ),
  },
  SCOPE_MISSING: {
    status: 403,
    title: text('令牌没有此操作的权限', 'The token lacks the scope for this'),
    fix: text(
      '申报需要 declarations:write，查询需要 declarations:read。',
      'Filing needs declarations:write, reading declarations:read.',
    ),
  },
  ROLE_MISSING: {
    status: 403,
    title: text(
      '令牌持有人的角色没有此操作的权限',
      'The role of the token’s holder may not do this',
    ),
    fix: text(
      '申报需要角色 filer；查看明细需要 filer、viewer、auditor 或 supervisor。请向本单位或经办机构的管理员申请角色。',
      'To file takes the role filer; to see what is said of persons, filer, viewer, auditor or supervisor. Ask who administers roles at your employer or agency.',
    ),
  },
  REGION_NOT_YOURS: {
    status: 403,
    title: text('令牌不能为该统筹区申报', 'The token may not file for this region'),
    fix: text(
      '请核对统筹区代码，或取得包含该统筹区的令牌。',
      'Check the code of the region, or get a token that names it.',
    ),
  },
  EMPLOYER_NOT_YOURS: {
    status: 403,
    title: text('令牌不能代表该单位', 'The token may not act for this employer'),
    fix: text(
      '请核对统一社会信用代码，或取得该单位的授权令牌。',
      'Check the social credit code, or get a token for this employer.',
    ),
  },
  NOT_FOUND: {
    status: 404,
    title: text('没有找到', 'Not found'),
    fix: text(
      '请核对地址；未受理的申报没有编号，可用同一个 Idempotency-Key 重新申报。',
      'Check the address. What was not accepted has no record: file it again with the same Idempotency-Key.',
    ),
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: text('不支持该方法', 'This method is not supported here'),
    fix: text(
      '请使用 Allow 响应头列出的方法；各方法的用途见 /documentation。',
      'Use a method that the header Allow lists; /documentation tells what each is for.',
    ),
  },
  BODY_TOO_LARGE: {
    status: 413,
    title: text('请求体过大', 'The body is larger than it may be here'),
    fix: text(
      '上限见 bytesMax，压缩的请求体按解压后计。一份申报最多 10,000 行，去掉缩进约 2 MB：请去除多余空白。人数更多的单位请联系经办机构。',
      'The most is in bytesMax; what comes compressed counts as it inflates. A declaration has at most 10,000 lines, some 2 MB without indentation: send it without white space. With more insured persons, ask the agency.',
    ),
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    title: text('请求体必须是 application/json', 'The body must be application/json'),
    fix: text('请设置 Content-Type: application/json。', 'Set Content-Type: application/json.'),
  },
  // What a connection, a request or a body may not exceed: src/intake/wire/http-limits.ts.
  REQUEST_SLOW: {
    status: 408,
    title: text('请求未在时限内传完', 'The request was not sent in time'),
    fix: text(
      '请一次发送完整的请求；用同一个 Idempotency-Key 重试，不会重复申报。',
      'Send the request without pauses, and retry with the same Idempotency-Key; it can not count twice.',
    ),
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: text('请求头过大', 'The headers are too large'),
    fix: text(
      '请去除不需要的请求头和 Cookie。',
      'Leave out headers and cookies that are not needed.',
    ),
  },
  HEADERS_TOO_MANY: {
    status: 431,
    title: text('请求头过多', 'There are too many headers'),
    fix: text('请去除不需要的请求头。', 'Leave out headers that are not needed.'),
  },
  HTTP_MALFORMED: {
    status: 400,
    title: text('请求不是有效的 HTTP', 'The request is not valid HTTP'),
    fix: text('请使用标准的 HTTP/1.1 客户端。', 'Use a client that speaks HTTP/1.1.'),
  },
  BODY_UNEXPECTED: {
    status: 413,
    title: text('此请求不应带有请求体', 'This request takes no body'),
    fix: text('请去掉请求体后重试。', 'Send it again without a body.'),
  },
  BODY_INFLATES_TOO_FAR: {
    status: 413,
    title: text('请求体解压后膨胀过大', 'The body inflates to too many times its size'),
    fix: text(
      '请不压缩发送，或检查内容是否大量重复。',
      'Send it without compression, or see whether it repeats itself.',
    ),
  },
  CODING_UNSUPPORTED: {
    status: 415,
    title: text('不支持该 Content-Encoding', 'This Content-Encoding is not supported'),
    fix: text(
      '请使用 gzip、deflate 或 br 之一，只压缩一次；或不压缩。',
      'Use one of gzip, deflate and br, once; or none.',
    ),
  },
  CODING_BROKEN: {
    status: 400,
    title: text('请求体无法解压', 'The body can not be inflated'),
    fix: text(
      '请核对 Content-Encoding 与实际压缩方式一致，且内容完整。',
      'Check that the body is whole and compressed as Content-Encoding says.',
    ),
  },
  JSON_TOO_DEEP: {
    status: 400,
    title: text('JSON 嵌套过深', 'The JSON nests too deeply'),
    fix: text(
      '申报最多 4 层嵌套，请对照 /documentation。',
      'A declaration nests 4 deep; see /documentation.',
    ),
  },
  JSON_TOO_MANY_ITEMS: {
    status: 400,
    title: text('JSON 的键和列表项过多', 'The JSON has too many keys and list entries'),
    fix: text(
      '一份申报最多 10,000 行，请对照 /documentation。',
      'A declaration has at most 10,000 lines; see /documentation.',
    ),
  },
  // Files with many declarations: src/intake/batches/batches.ts, tus.ts and forms.ts.
  BATCH_INVALID: {
    status: 422,
    title: text(
      '批量文件的说明有误，未开始接收',
      'What is said of the file has faults; nothing was begun',
    ),
    fix: text(
      '按 errors 逐项修改 employer、period、region、kind、format、mode、size、sha256、slot 后重试。',
      'Mend what errors lists of employer, period, region, kind, format, mode, size, sha256 and slot, and try again.',
    ),
  },
  SLOT_INVALID: {
    status: 422,
    title: text('时段请求有误，未预留', 'The request for a slot has faults; nothing was reserved'),
    fix: text(
      '按 errors 逐项修改 rows（或 bytes）、period、region、employer、notBefore 后重试。',
      'Mend what errors lists of rows (or bytes), period, region, employer and notBefore, and try again.',
    ),
  },
  SLOTS_TOO_MANY_OPEN: {
    status: 409,
    title: text('已预留的时段过多', 'Too many slots are reserved already'),
    fix: text(
      '请先使用或释放（DELETE）已预留的时段：GET /v1/slots 可列出。',
      'Use some of them, or give them back with DELETE: GET /v1/slots lists them.',
    ),
  },
  SLOTS_NONE_FREE: {
    status: 409,
    title: text('近三天内没有空闲时段', 'No slot is free within three days'),
    fix: text(
      '请不带 slot 直接上传文件：处理能力有余时即处理，是否按期只看收到的时间。',
      'Send the file without a slot: it is worked on as capacity allows, and the time of receipt alone decides whether it is on time.',
    ),
  },
  SLOT_UNKNOWN: {
    status: 422,
    title: text('没有该时段', 'There is no such slot of yours'),
    fix: text(
      '请核对 slot：GET /v1/slots 可列出；或不带 slot 上传。',
      'Check slot: GET /v1/slots lists yours; or send the file without one.',
    ),
  },
  SLOT_DIFFERS: {
    status: 422,
    title: text(
      '该时段是为另一单位、费款所属期或统筹区预留的',
      'The slot is for another employer, period or region',
    ),
    fix: text(
      '请为此文件另行预留（POST /v1/slots），或不带 slot 上传。',
      'Reserve one for this file with POST /v1/slots, or send it without one.',
    ),
  },
  SLOT_OVER: {
    status: 409,
    title: text('该时段已有文件使用，或已结束', 'The slot is used by another file, or is over'),
    fix: text(
      '请另行预留（POST /v1/slots），或不带 slot 上传：是否按期只看收到的时间。',
      'Reserve another with POST /v1/slots, or send the file without one: the time of receipt alone decides whether it is on time.',
    ),
  },
  SLOT_IN_USE: {
    status: 409,
    title: text('该时段已有文件使用', 'A file uses the slot'),
    fix: text(
      '取消该批次（DELETE /v1/batches/{id}）即释放其时段。',
      'Cancel its batch with DELETE /v1/batches/{id}, and its slot is free.',
    ),
  },
  SUBJECT_MISSING: {
    status: 403,
    title: text('令牌没有主体（sub）', 'The token names no subject'),
    fix: text(
      '批量文件归令牌的主体所有：请使用带有 sub 的令牌。',
      'A file belongs to the subject of a token: get one with sub.',
    ),
  },
  UPLOADS_TOO_MANY_OPEN: {
    status: 409,
    title: text('未传完的文件过多', 'Too many files are begun and not ended'),
    fix: text(
      '请先传完或取消（DELETE）已开始的文件：GET /v1/batches 可列出。',
      'End some that were begun, or cancel them with DELETE: GET /v1/batches lists them.',
    ),
  },
  UPLOADS_TOO_MANY_BYTES: {
    status: 413,
    title: text(
      '未传完的文件合计过大',
      'The files that are begun and not ended are too large together',
    ),
    fix: text(
      '同一发送人未传完的文件合计不得超过 4 GiB：请先传完或取消（DELETE）已开始的文件，GET /v1/batches 可列出；之后再发送本文件。',
      'Those of one sender may have 4 GiB together: end some that were begun, or cancel them with DELETE, and then send this one. GET /v1/batches lists them.',
    ),
  },
  UPLOAD_TOO_LARGE: {
    status: 413,
    title: text('文件过大', 'The file is too large'),
    fix: text(
      '请按单位或部门拆分为几个文件。上限见 OPTIONS /v1/batches 的 Tus-Max-Size；表单上传的上限为 32 MiB，更大的文件请用 npm run upload 或任一 tus 客户端。修改后的错误清单可删去“问题”“如何修改”各列后再发送。',
      'Split it, by employer or department. OPTIONS /v1/batches tells the most (Tus-Max-Size); a form takes 32 MiB, and npm run upload or any tus client takes the rest. Of a mended errors file, the columns that tell problems and remedies may be left out.',
    ),
  },
  UPLOAD_SIZE_INVALID: {
    status: 400,
    title: text(
      'Upload-Length 缺失或与先前不符',
      'Upload-Length is missing, or another than before',
    ),
    fix: text(
      '请发送文件的字节数（大于 0）；尚不知道时发送 Upload-Defer-Length: 1。',
      "Send the file's size in bytes, more than 0; or Upload-Defer-Length: 1 while it is not known.",
    ),
  },
  UPLOAD_METADATA_INVALID: {
    status: 400,
    title: text('Upload-Metadata 格式不正确', 'Upload-Metadata is not well-formed'),
    fix: text(
      '格式为以逗号分隔的“键 Base64 值”，如 period MjAyNC0xMQ==；值须为 UTF-8 文本。',
      'Send pairs of a key and a value, text of UTF-8 in Base64, with commas between: period MjAyNC0xMQ==.',
    ),
  },
  UPLOAD_OFFSET_INVALID: {
    status: 400,
    title: text('Upload-Offset 缺失或格式不正确', 'Upload-Offset is missing or not a number'),
    fix: text(
      '请发送这一部分在文件中的起始字节；HEAD 可查询已收到多少。',
      'Send the place of this part in the file, in bytes; HEAD tells how many are here.',
    ),
  },
  UPLOAD_OFFSET_CONFLICT: {
    status: 409,
    title: text('起始位置与已收到的不符', 'This is not where the file goes on'),
    fix: text(
      '请用 HEAD 查询 Upload-Offset，从该字节继续；已收到的无需重传。',
      'Ask with HEAD for Upload-Offset and go on from there; nothing that is here need be sent again.',
    ),
  },
  UPLOAD_OVERTAKEN: {
    status: 409,
    title: text('另一个请求正在上传此文件', 'Another request sends this file now'),
    fix: text(
      '后开始的请求继续，此请求停止。若两者都是您的程序，请只保留一个；否则用 HEAD 查询后继续。',
      'The later one goes on and this one ends. If both are yours, end one; or ask with HEAD and go on.',
    ),
  },
  UPLOAD_BEYOND_SIZE: {
    status: 413,
    title: text('内容超过申明的文件大小', 'There is more than the size that was said'),
    fix: text(
      '请核对 Upload-Length：超出的部分未保留。大小有误时请取消后重新开始。',
      'Check Upload-Length: what is beyond was not kept. If the size is wrong, cancel and begin again.',
    ),
  },
  UPLOAD_MEDIA_TYPE: {
    status: 415,
    title: text('不支持该 Content-Type', 'This Content-Type is not supported here'),
    fix: text(
      '开始上传：application/json 或 multipart/form-data；上传内容：application/offset+octet-stream。',
      'Begin with application/json or multipart/form-data; send bytes as application/offset+octet-stream.',
    ),
  },
  UPLOAD_CHECKSUM_INVALID: {
    status: 400,
    title: text(
      'Upload-Checksum 格式或算法不支持',
      'Upload-Checksum is not well-formed or of an algorithm that is known',
    ),
    fix: text(
      '请使用 sha256 或 sha1，后跟空格和 Base64 摘要，并发送 Content-Length。',
      'Use sha256 or sha1, a space and the digest in Base64, and send Content-Length.',
    ),
  },
  UPLOAD_CHECKSUM_MISMATCH: {
    status: 460,
    title: text(
      '这一部分与其校验和不符，未保留',
      'This part is not what its checksum says; nothing of it was kept',
    ),
    fix: text('请从同一位置重传这一部分。', 'Send the part again, from the same place.'),
  },
  UPLOAD_PART_TOO_LARGE: {
    status: 413,
    title: text('带校验和的部分超过 8 MiB', 'A part with a checksum is larger than 8 MiB'),
    fix: text(
      '请分成更小的部分；或不带 Upload-Checksum，改用整个文件的 sha256。',
      'Send smaller parts; or none with Upload-Checksum, and sha256 of the whole file instead.',
    ),
  },
  UPLOAD_PARTS_TOO_MANY: {
    status: 400,
    title: text('文件被分成过多的小部分', 'The file came in too many small parts'),
    fix: text(
      '请取消后重新开始，每部分至少 64 KiB。',
      'Cancel it and begin again, with parts of 64 KiB or more.',
    ),
  },
  UPLOAD_STALLED: {
    status: 408,
    title: text(
      '上传停顿过久，已中断；已收到的保留',
      'The upload stood still and was cut; what came is kept',
    ),
    fix: text(
      '请用 HEAD 查询 Upload-Offset，从该字节继续。',
      'Ask with HEAD for Upload-Offset and go on from there.',
    ),
  },
  UPLOAD_BROKEN: {
    status: 400,
    title: text('文件未传完，未保留', 'The file did not come to its end; nothing was kept'),
    fix: text(
      '请重新发送。线路不稳时请用 npm run upload 或任一 tus 客户端，中断后可以续传。',
      'Send it again. Over a bad line use npm run upload or any tus client, which go on where they stopped.',
    ),
  },
  UPLOAD_DAMAGED: {
    status: 422,
    title: text(
      '文件与申明的 SHA-256 不符，未采用',
      'The file is not what its SHA-256 says and was not taken',
    ),
    fix: text(
      '文件可能在上传期间被修改或损坏：请核对后用新的 Idempotency-Key 重新上传。',
      'It may have been changed or damaged on the way: check it, and begin again with a new Idempotency-Key.',
    ),
  },
  UPLOAD_ENDED: {
    status: 410,
    title: text(
      '此文件已取消或过期，不再接收',
      'This file was cancelled or has expired; no more is taken',
    ),
    fix: text(
      '请重新开始一个批次：POST /v1/batches，使用新的 Idempotency-Key。',
      'Begin another batch: POST /v1/batches with a new Idempotency-Key.',
    ),
  },
  BATCH_UNDER_WAY: {
    status: 409,
    title: text(
      '该批次已开始处理，不能取消',
      'The batch is being worked on and can not be cancelled',
    ),
    fix: text(
      '请等待处理完成；需要更改时请提交更正或作废申报。',
      'Wait until it is done; then file corrections or cancellations.',
    ),
  },
  ERRORS_FILE_NOT_YET: {
    status: 409,
    title: text(
      '文件尚未核验完毕，还没有错误清单',
      'The file is not checked yet: there is no errors file',
    ),
    fix: text(
      '请等待批次进入 filing、posted 或 refused：GET /v1/batches/{id} 可用 Prefer: wait=20 等待，links.errors 出现后再下载。',
      'Wait until the batch is filing, posted or refused: GET /v1/batches/{id} with Prefer: wait=20 waits, and links.errors is there when the file is.',
    ),
  },
  ERRORS_FILE_ABSENT: {
    status: 404,
    title: text(
      '没有被搁置的行，因此没有错误清单',
      'No row was set aside: there is no errors file',
    ),
    fix: text(
      '整个文件的问题见 GET /v1/batches/{id} 的 findings；文件无法读取时请按其中的说明修改后重新上传。',
      'What is wrong with the file as a whole is in findings of GET /v1/batches/{id}; where it could not be read, mend it as they say and send it again.',
    ),
  },
  ERRORS_FILE_FORGOTTEN: {
    status: 410,
    title: text(
      '错误清单已超过保存期限，已删除',
      'The errors file was kept for its time, and is deleted',
    ),
    fix: text(
      '批次结束 90 天后，被搁置的行会被删除。请重新上传文件，以获得新的错误清单。',
      'Rows that were set aside are deleted 90 days after their batch ended. Send the file again to have them checked again.',
    ),
  },
  ERRORS_FORMAT_OTHER: {
    status: 406,
    title: text('错误清单没有这种格式', 'The errors file is not written in this format'),
    fix: text(
      'NDJSON 文件的错误清单为 format=ndjson；CSV、TSV、XLSX 文件的为 format=csv 或 xlsx。也可以不写 format。',
      'Of NDJSON it is format=ndjson; of CSV, TSV and XLSX, format=csv or xlsx. Or leave format out.',
    ),
  },
  ERRORS_SHEET_FULL: {
    status: 406,
    title: text(
      '错误清单的行数超过一张工作表的上限',
      'The errors file has more rows than a sheet can have',
    ),
    fix: text(
      '请用 format=csv 获取；修改后可以按原样或拆分成几个文件发回。',
      'Take it with format=csv. Mended, it may be sent back as it is or in several files.',
    ),
  },
  BATCH_RECEIPT_ABSENT: {
    status: 404,
    title: text('该批次没有回执', 'There is no receipt of this batch'),
    fix: text(
      '文件全部到达后才有回执：请继续上传；内容与先前批次相同的，回执在 links.sameAs 所指的批次。',
      'There is one once the whole file is here: send the rest. Of a file that was sent before, the batch in links.sameAs has it.',
    ),
  },
  STREAMS_TOO_MANY: {
    status: 429,
    title: text(
      '同时打开的事件流或下载过多',
      'Too many streams or downloads of yours are open at once',
    ),
    fix: text(
      '请关闭不再需要的连接，在 Retry-After 秒后重试；也可以改用 GET /v1/batches/{id} 查询。',
      'Close those that are not needed and retry after Retry-After seconds; or ask with GET /v1/batches/{id}.',
    ),
  },
  TUS_VERSION_UNSUPPORTED: {
    status: 412,
    title: text('不支持该 Tus-Resumable 版本', 'This version of Tus-Resumable is not supported'),
    fix: text('请使用 1.0.0。', 'Use 1.0.0.'),
  },
  FORM_INVALID: {
    status: 400,
    title: text('表单格式不正确', 'The form is not well-formed'),
    fix: text(
      '先发送各字段（period、region、kind、mode 等），最后发送一个名为 file 的文件。',
      'Send the fields first (period, region, kind, mode, …) and one file last, named file.',
    ),
  },
  FORM_ENCODING: {
    status: 400,
    title: text(
      '表单的字段或文件名不是 UTF-8 编码',
      'A field of the form, or the name of its file, is not UTF-8',
    ),
    fix: text(
      '请用 UTF-8 编码发送；命令行中可以给文件取一个英文名，如 curl -F "file=@工资.csv;filename=wages.csv"。',
      'Send it in UTF-8; on a command line, give the file a plain name: curl -F "file=@工资.csv;filename=wages.csv".',
    ),
  },
  TICKET_INVALID: {
    status: 422,
    title: text('申报尝试凭证无效', 'The attempt ticket does not serve for this filing'),
    fix: text(
      '凭证仅限本人、原 Idempotency-Key、原内容使用一次，且须在有效期内；凭 Content-Digest 取得的凭证须逐字节发送原内容。请核对后重试；也可不带 Attempt-Ticket 申报，按现在的时间受理。',
      'It serves once, for its filer, Idempotency-Key and content, while it is valid; one that was given for a Content-Digest, for the same bytes. Check these; or file without Attempt-Ticket, to be accepted with the time of now.',
    ),
  },
  SHARE_EXCEEDED: {
    status: 429,
    title: text(
      '申报过于密集，此次请求未受理',
      'Too many filings of yours at once; this one was not accepted',
    ),
    fix: text(
      '系统繁忙时各单位均分受理能力。请减少并发，在 Retry-After 秒后用同一个 Idempotency-Key 重试，不会重复申报。超出本单位份额不发给申报尝试凭证。',
      'While many file, each has an equal share. Send fewer at a time, and retry after Retry-After seconds with the same Idempotency-Key; it can not count twice. There is no attempt ticket for what exceeds your own share.',
    ),
  },
  BUSY: {
    status: 503,
    title: text('系统繁忙，此次请求未受理', 'The system is busy; this request was not accepted'),
    fix: text(
      '请在 Retry-After 秒后用同一个 Idempotency-Key 重试，不会重复申报。若附有 attemptTicket，请在重试时放入 Attempt-Ticket 请求头，按本次尝试的时间认定是否按期；申报时带 Content-Digest 请求头（RFC 9530），内容未及读取时也发给凭证。',
      'Retry after Retry-After seconds with the same Idempotency-Key; it can not count twice. Where there is an attemptTicket, send it then in the header Attempt-Ticket, and this attempt decides whether you were on time. A filing that names its content in the header Content-Digest (RFC 9530) gets one also where it was not read.',
    ),
  },
  OUTCOME_UNKNOWN: {
    status: 503,
    title: text('暂时无法确认是否受理', 'It is not known whether this was accepted'),
    fix: text(
      '请用同一个 Idempotency-Key 重试：已受理则返回原回执，未受理则重新受理。若附有 attemptTicket，请在重试时放入 Attempt-Ticket 请求头，按本次尝试的时间认定是否按期。',
      'Retry with the same Idempotency-Key: you get the original receipt if it was accepted, or it is accepted then. Where there is an attemptTicket, send it then in the header Attempt-Ticket, and this attempt decides whether you were on time.',
    ),
  },
  UNAVAILABLE: {
    status: 503,
    title: text('服务暂时不可用', 'The service is not available for the moment'),
    fix: text('请在 Retry-After 秒后重试。', 'Retry after Retry-After seconds.'),
  },
  INTERNAL: {
    status: 500,
    title: text('系统内部错误', 'An internal error'),
    fix: text(
      '请用同一个 Idempotency-Key 重试；若仍然失败，请向管理机构提供 traceId。',
      'Retry with the same Idempotency-Key; if it fails again, tell the agency the traceId.',
    ),
  },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof problemKinds
