/** Confirming, sending, waiting, the receipt and progress. */
export const filing = {
  confirmTitle: { 'zh-CN': '核对后申报', en: 'Check your answers, then file' },
  confirmNot: {
    'zh-CN': '现在还没有申报。按下面的按钮才会提交。',
    en: 'Nothing is filed yet. It is sent when you press the button below.',
  },
  employer: { 'zh-CN': '单位', en: 'Employer' },
  period: { 'zh-CN': '费款所属期', en: 'Period' },
  kind: { 'zh-CN': '申报类型', en: 'Kind' },
  persons: { 'zh-CN': '人数', en: 'Persons' },
  changes: { 'zh-CN': '变动', en: 'Changes' },
  edit: { 'zh-CN': '修改', en: 'Change' },
  warnings: { 'zh-CN': '申报后仍会保留的提醒', en: 'Warnings that stay' },
  file: { 'zh-CN': '确认并申报 {month}', en: 'File {month} now' },
  lateWarning: {
    'zh-CN': '已过截止时间，回执会注明逾期。',
    en: 'The deadline has passed: the receipt will say late.',
  },
  sendingTitle: { 'zh-CN': '正在提交', en: 'Sending' },
  sendingText: {
    'zh-CN': '正在等待受理回执，请不要重复提交。',
    en: 'Waiting for the receipt. There is no need to press anything.',
  },
  unknownTitle: { 'zh-CN': '还不知道是否已受理', en: 'Not known yet whether it was accepted' },
  unknownText: {
    'zh-CN':
      '提交已经发出，但没有收到答复。页面会用同一份内容、同一个编号继续询问：无论发送几次，只算一次。得到答复前不能修改。',
    en: 'It was sent and no answer came. This page goes on sending the same content with the same number: it counts once, however often it is sent. It can’t be changed until there is an answer.',
  },
  waitTitle: { 'zh-CN': '现在申报的人很多', en: 'Many file at this moment' },
  waitText: {
    'zh-CN': '页面会按时自动重新提交。重复点击不会更快，离开后再来也可以。',
    en: 'This page sends it again by itself. Pressing again gains nothing; you may leave and come back.',
  },
  shareText: {
    'zh-CN': '您的单位同时提交的申报超过了一份的份额，稍候会自动继续。',
    en: 'More is being filed for you at once than your share; it goes on by itself shortly.',
  },
  countdown: { 'zh-CN': '{time} 后自动重新提交', en: 'Sent again in {time}' },
  countdownNow: { 'zh-CN': '正在重新提交……', en: 'Sending again…' },
  attempts: { 'zh-CN': '已尝试 {count} 次', en: '{count} attempts so far' },
  ticketTitle: { 'zh-CN': '申报尝试凭证', en: 'Attempt ticket' },
  ticketText: {
    'zh-CN':
      '系统已签发凭证，证明您在 {at} 尝试申报。在 {until} 前受理的，按这个时间判断是否逾期。',
    en: 'The service signed proof that you tried at {at}. If it is accepted before {until}, that instant decides whether it is on time.',
  },
  ticketNumber: { 'zh-CN': '凭证编号', en: 'Ticket number' },
  pageNumber: { 'zh-CN': '提交编号', en: 'Filing number' },
  saveContent: { 'zh-CN': '保存提交内容', en: 'Save what was sent' },
  otherTab: {
    'zh-CN': '另一个窗口正在提交这份申报，这里会显示结果。',
    en: 'Another window is sending this declaration. Its outcome is shown here, too.',
  },
  signInTitle: { 'zh-CN': '需要重新登录', en: 'Sign in again' },
  signInText: {
    'zh-CN': '登录已过期，提交内容保存在本机。重新登录后会用同一份内容继续。',
    en: 'Your session has ended. What was sent is kept on this device, and goes on with the same content when you have signed in.',
  },
  signInSharedText: {
    'zh-CN':
      '登录已过期。这是公用电脑，内容只在本页内存中：请在新窗口登录，然后回到这里继续，不要关闭本页。',
    en: 'Your session has ended. As this is a shared computer, the content is in this page only: sign in in a new window, come back here, and do not close this page.',
  },
  goOnSending: { 'zh-CN': '继续提交', en: 'Go on' },
  foreign: {
    'zh-CN': '答复不是来自申报服务（可能是网络登录页或代理）。请检查网络，页面会继续尝试。',
    en: 'The answer is not from this service; a network’s sign-in page or a proxy may be in the way. Check the network; this page goes on trying.',
  },
  refusedTitle: {
    'zh-CN': '未受理，请改正后再申报',
    en: 'Not accepted: please fix it and file again',
  },
  refusedText: {
    'zh-CN': '服务器发现 {count} 处错误，没有保存任何内容。',
    en: 'The server found {count} errors and kept nothing.',
  },
  backToEdit: { 'zh-CN': '返回修改', en: 'Go back and fix it' },
  standingTitle: { 'zh-CN': '本月已经申报过', en: 'This month has been filed already' },
  standingText: {
    'zh-CN': '{at} 受理的申报有效。要修改请提交更正，不会重复计算。',
    en: 'The declaration accepted at {at} stands. To change it, file a correction; nothing is counted twice.',
  },
  standingSame: {
    'zh-CN': '内容与 {at} 受理的申报完全相同，不需要再申报。',
    en: 'It is the same as what was accepted at {at}; there is nothing to file.',
  },
  toStanding: { 'zh-CN': '查看已受理的申报', en: 'Look at what was accepted' },
  correctInstead: { 'zh-CN': '作为更正提交', en: 'File this as a correction' },
  forbiddenTitle: { 'zh-CN': '没有权限', en: 'Not allowed' },
  receiptTitle: { 'zh-CN': '已受理', en: 'Accepted' },
  receiptOnTime: { 'zh-CN': '按期申报', en: 'On time' },
  receiptLate: { 'zh-CN': '逾期申报', en: 'Late' },
  receiptAttempted: {
    'zh-CN': '按首次尝试时间 {at} 判断',
    en: 'Decided by the first attempt at {at}',
  },
  receiptNumber: { 'zh-CN': '受理编号', en: 'Receipt number' },
  acceptedAt: { 'zh-CN': '受理时间', en: 'Accepted at' },
  deadline: { 'zh-CN': '截止时间', en: 'Deadline' },
  digest: { 'zh-CN': '内容摘要', en: 'Digest of the content' },
  qr: {
    'zh-CN': '二维码含完整回执，扫描后可以核验，不用联网查询。',
    en: 'The code holds the whole receipt: scan it to verify it, offline.',
  },
  print: { 'zh-CN': '打印', en: 'Print' },
  save: { 'zh-CN': '保存回执文件', en: 'Save the receipt' },
  verify: { 'zh-CN': '核验这份回执', en: 'Verify this receipt' },
  correct: { 'zh-CN': '更正', en: 'Correct' },
  cancelIt: { 'zh-CN': '作废', en: 'Cancel it' },
  next: { 'zh-CN': '接下来', en: 'What happens next' },
  nextPosted: {
    'zh-CN': '申报会自动入账，不用再做任何操作。发现有误时可以随时更正。',
    en: 'It is posted by itself; there is nothing more to do. If something is wrong, correct it any time.',
  },
  progress: { 'zh-CN': '办理进度', en: 'Progress' },
  progressAccepted: { 'zh-CN': '已受理', en: 'Accepted' },
  progressPosted: { 'zh-CN': '已入账', en: 'Posted' },
  progressWaiting: { 'zh-CN': '等待入账', en: 'Waiting to be posted' },
  progressSuperseded: { 'zh-CN': '已被更正替代', en: 'Replaced by a correction' },
  progressCancelled: { 'zh-CN': '已作废', en: 'Cancelled' },
  toReplacing: { 'zh-CN': '查看替代它的申报', en: 'Look at what replaced it' },
  environment: {
    'zh-CN': '此回执来自 {environment} 环境，没有法律效力。',
    en: 'This receipt is of the {environment} environment and has no legal effect.',
  },
} as const
