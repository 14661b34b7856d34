/**
 * What an operator did with a file, for its sender.
 */
import { error, warning } from '../../declaration/catalogue/entry.ts'

const file = '/file'

export const interventionEntries = {
  FILE_STOPPED: error(file, {
    title: ['文件已由经办人员终止', 'An operator cancelled the file'],
    message: [
      '经办人员终止了本文件的处理（原因：{reason}）；已经申报的内容仍然有效，其余的没有申报。',
      'An operator cancelled this file (reason: {reason}). What was filed of it by then stays filed; the rest is not filed.',
    ],
    fix: [
      '已申报的单位见 links.declarations。请处理上述原因后再次上传该文件；已经申报的单位会被标出，不会重复申报。',
      'See links.declarations for what was filed. Send the file again once the reason is dealt with: rows of what was filed are told then, and are not filed twice.',
    ],
    wrong: ['文件无法处理完毕', 'A file that no worker could finish'],
    right: ['处理原因后再次上传', 'Sent again once the cause is mended'],
  }),
  FILE_RECHECKED: warning(file, {
    title: ['文件由经办人员重新核验', 'An operator has the file checked anew'],
    message: [
      '经办人员将本文件尚未申报的部分重新核验（原因：{reason}）；已经申报的内容仍然有效，不会重复申报。',
      'An operator has what was not filed of this file checked anew (reason: {reason}). What was filed stays filed, and is not filed again.',
    ],
    fix: [
      '无须操作，请等待处理结果；若有被退回的行，请下载错误清单改正。',
      'Nothing is to be done: wait for it to end. If rows are set aside then, mend them in the errors file.',
    ],
    wrong: ['文件停留在 filing', 'A file that stays in filing'],
    right: ['重新核验后继续申报', 'Checked again, then filed on'],
  }),
} as const
