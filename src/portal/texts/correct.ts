/** What stands of a month, correcting and cancelling it, and the history of all that was filed. */
export const correct = {
  standingTitle: { 'zh-CN': '本月已申报', en: 'This month is filed' },
  standingText: {
    'zh-CN': '下面这份申报有效。不用再报；内容有变请更正，更正会替换整份申报，不会重复计算。',
    en: 'The declaration below stands; there is nothing to file again. If something changed, correct it: a correction replaces all of it, and nothing counts twice.',
  },
  otherRegion: {
    'zh-CN': '这个月在地区 {regions} 已经申报。下面的表格属于另一个地区 {region}。',
    en: 'This month is filed for region {regions}. The table below is for another region, {region}.',
  },
  openReceipt: { 'zh-CN': '查看回执', en: 'Open the receipt' },
  correct: { 'zh-CN': '更正', en: 'Correct it' },
  withDraft: { 'zh-CN': '用已填写的内容更正', en: 'Correct it with what I entered' },
  withDraftHint: {
    'zh-CN': '本机还有没有提交的草稿（{persons}），显示在下面。',
    en: 'There is a draft on this device that was not filed ({persons}); it is shown below.',
  },
  beginTitle: { 'zh-CN': '更正 {month} 申报', en: 'Correct {month}' },
  draftFound: {
    'zh-CN': '本机有一份 {month} 的草稿，{persons}，没有提交。从哪一份开始更正？',
    en: 'A draft for {month} with {persons} is on this device and was not filed. What should the correction begin with?',
  },
  fromDraft: { 'zh-CN': '用草稿的内容', en: 'With the draft' },
  fromInForce: {
    'zh-CN': '用生效的内容（{persons}），放弃草稿',
    en: 'With what is in force ({persons}); discard the draft',
  },
  replacedTitle: { 'zh-CN': '这份申报已被替代', en: 'This declaration was replaced' },
  replacedText: {
    'zh-CN': '之后又有一份申报受理并生效。更正应以那一份为准，以免覆盖别人的修改。',
    en: 'Another one was accepted since and stands. Correct that one, so that nobody’s changes are overwritten.',
  },
  voidText: {
    'zh-CN': '这份申报已作废，本月没有生效的申报。请重新申报。',
    en: 'This declaration was cancelled, and nothing stands for the month. File it anew.',
  },
  cancelLater: {
    'zh-CN': '没有提交作废：本月另有一份申报还没有得到答复。等它有了结果再作废。',
    en: 'The cancellation was not sent: another filing of this month has no answer yet. Cancel once it has.',
  },
  cancelReplaced: {
    'zh-CN': '没有提交作废：之后又有一份申报受理并生效。要作废本月的申报，请打开那一份。',
    en: 'The cancellation was not sent: another declaration was accepted since and stands. To cancel the month, open that one.',
  },
  voidBefore: {
    'zh-CN': '没有提交作废：这份申报已经作废，本月没有生效的申报。',
    en: 'The cancellation was not sent: this declaration is cancelled already, and nothing stands for the month.',
  },
  toSending: { 'zh-CN': '查看正在提交的申报', en: 'Look at the filing that is under way' },
  supersededText: {
    'zh-CN': '没有受理：之后又有一份申报于 {at} 受理并生效。请以那一份为准，以免覆盖别人的修改。',
    en: 'It was not accepted: another declaration was accepted at {at} since, and stands. Go on from that one, so that nobody’s changes are overwritten.',
  },
  openStanding: { 'zh-CN': '查看生效的申报', en: 'Look at what stands' },
  correctStanding: {
    'zh-CN': '改为更正那一份，保留我的内容',
    en: 'Correct that one, with what I entered',
  },
  fileAnew: { 'zh-CN': '重新申报', en: 'File anew' },
  inForce: { 'zh-CN': '生效工资', en: 'In force' },
  counts: {
    'zh-CN': '共 {rows} 人 · 与生效的申报相比：新增 {added}，删除 {removed}，修改 {changed}',
    en: '{rows} persons · against what is in force: {added} added, {removed} removed, {changed} changed',
  },
  same: {
    'zh-CN': '共 {rows} 人 · 与生效的申报相同',
    en: '{rows} persons · the same as what is in force',
  },
  removeLine: { 'zh-CN': '从申报中删除', en: 'Remove from the declaration' },
  difference: {
    'zh-CN': '与生效的申报相比：{amount} 元',
    en: 'Against what is in force: {amount} yuan',
  },
  confirmTitle: { 'zh-CN': '核对更正后提交', en: 'Check the correction, then file' },
  confirmNot: {
    'zh-CN': '更正还没有提交，生效的仍是原来的申报。按下面的按钮后，更正替换整份申报。',
    en: 'The correction is not filed yet, and the declaration before still stands. The button below files it; it then replaces all of that one.',
  },
  replaces: { 'zh-CN': '替换', en: 'Replaces' },
  persons: { 'zh-CN': '人员的变化', en: 'What changes, by person' },
  amounts: { 'zh-CN': '金额的变化', en: 'What changes, in yuan' },
  amountsAfter: { 'zh-CN': '更正后应缴金额', en: 'Contributions after the correction' },
  added: { 'zh-CN': '新增', en: 'Added' },
  removed: { 'zh-CN': '删除', en: 'Removed' },
  changed: { 'zh-CN': '修改', en: 'Changed' },
  summary: {
    'zh-CN': '新增 {added} 人，删除 {removed} 人，修改 {changed} 人',
    en: '{added} added, {removed} removed, {changed} changed',
  },
  morePersons: { 'zh-CN': '还有 {count} 人', en: '{count} more' },
  nothingToCorrect: {
    'zh-CN': '内容与生效的申报相同，没有要更正的。',
    en: 'It is the same as what is in force: there is nothing to correct.',
  },
  file: { 'zh-CN': '提交 {month} 的更正', en: 'File the correction of {month}' },
  cancelTitle: { 'zh-CN': '作废 {month} 的申报？', en: 'Cancel the declaration for {month}?' },
  cancelWhole: {
    'zh-CN': '整份申报作废，{persons}，这个月的应缴金额变为 0。',
    en: 'All of it becomes void, {persons}, and nothing is due for the month any more.',
  },
  cancelWholeAmount: {
    'zh-CN': '整份申报作废，{persons}，应缴 {amount} 元变为 0。',
    en: 'All of it becomes void, {persons}: {amount} yuan become 0.',
  },
  cancelNoRevival: {
    'zh-CN': '被它更正过的申报不会恢复，这个月就没有生效的申报。',
    en: 'What it replaced does not come back: then nothing stands for the month.',
  },
  cancelAnew: {
    'zh-CN': '要再报须重新申报，按那时的时间判断是否逾期。',
    en: 'To declare the month after all, file it anew; that instant decides whether it is on time.',
  },
  cancelInstead: {
    'zh-CN': '只是人员或工资有误时，请用更正，不要作废。',
    en: 'If only persons or wages are wrong, correct it instead.',
  },
  cancelReceipt: {
    'zh-CN': '作废也会得到受理回执，原来的回执和记录都会保留。',
    en: 'The cancellation has a receipt of its own; the first receipt and the history remain.',
  },
  cancelNow: { 'zh-CN': '确认作废', en: 'Cancel the declaration' },
  cancelNot: { 'zh-CN': '不作废', en: 'Keep it' },
  cancelled: {
    'zh-CN': '{month} 现在没有生效的申报。',
    en: 'Nothing stands for {month} now.',
  },
  discard: { 'zh-CN': '放弃更正', en: 'Discard this correction' },
  draftWaits: {
    'zh-CN': '本机有这个月没有提交的草稿，继续填写',
    en: 'A draft for this month on this device was not filed: go on with it',
  },
  statusVoid: { 'zh-CN': '已作废，没有生效的申报', en: 'Cancelled; nothing stands' },
  statusReplaced: { 'zh-CN': '已被之后的申报替代', en: 'Replaced by a later one' },
  toCancelling: { 'zh-CN': '查看作废的回执', en: 'Look at the cancellation' },
  backToReceipt: { 'zh-CN': '返回回执', en: 'Back to the receipt' },
  historyTitle: { 'zh-CN': '申报记录', en: 'History' },
  historyText: {
    'zh-CN': '全部申报，最近受理的在前。作废和被替代的也保留。',
    en: 'All declarations, latest first. Cancelled and replaced ones remain.',
  },
  month: { 'zh-CN': '费款所属期', en: 'Month' },
  kind: { 'zh-CN': '类型', en: 'Kind' },
  acceptedAt: { 'zh-CN': '受理时间', en: 'Accepted at' },
  personsCount: { 'zh-CN': '人数', en: 'Persons' },
  total: { 'zh-CN': '应缴合计（元）', en: 'Total (yuan)' },
  status: { 'zh-CN': '状态', en: 'Status' },
  replacedBy: { 'zh-CN': '替代它的申报', en: 'Replaced by' },
  cancelledBy: { 'zh-CN': '作废它的申报', en: 'Cancelled by' },
  more: { 'zh-CN': '更早的申报', en: 'Earlier ones' },
  allShown: { 'zh-CN': '共 {count} 份，已全部显示', en: '{count} in all' },
  someShown: { 'zh-CN': '已显示 {count} 份', en: '{count} shown' },
  allHistory: { 'zh-CN': '全部申报记录', en: 'All declarations' },
} as const
