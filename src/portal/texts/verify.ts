/** Texts of the page that proves receipts. */
export const verify = {
  title: { 'zh-CN': '核验回执', en: 'Verify a receipt' },
  lead: {
    'zh-CN': '扫描回执上的二维码，选择保存的回执文件，或粘贴其内容。核验在本机进行，内容不会发送。',
    en: 'Scan the code on a receipt, choose the file that was saved, or paste what is in it. It is verified on this device; nothing of it is sent.',
  },
  choose: { 'zh-CN': '回执文件', en: 'The file of a receipt' },
  paste: { 'zh-CN': '或粘贴回执内容', en: 'Or paste the receipt' },
  check: { 'zh-CN': '核验', en: 'Verify' },
  checking: { 'zh-CN': '正在核验…', en: 'Verifying …' },
  genuine: {
    'zh-CN': '回执真实：由本服务签发，内容未被改动。',
    en: 'Genuine: this service signed it, and nothing of it was changed.',
  },
  ofRehearsal: {
    'zh-CN': '这是演练环境的回执，没有法律效力，不能证明已经申报。',
    en: 'This is a receipt of a rehearsal. It counts for nothing and proves no filing.',
  },
  unknownKey: {
    'zh-CN': '签名所用的密钥不是本服务的。请确认回执来自哪个机构，到该机构的网站核验。',
    en: 'It is signed with a key that is not of this service. Find out which agency gave it, and verify it there.',
  },
  malformed: {
    'zh-CN': '这不是完整的回执。请重新扫描，或使用保存的原文件。',
    en: 'This is not a whole receipt. Scan it again, or use the file as it was saved.',
  },
  changed: {
    'zh-CN': '回执不真实：内容与签名不符。请向申报单位索取原回执，或拨打 12366 查询受理编号。',
    en: 'Not genuine: what it says is not what was signed. Ask the employer for the original, or call 12366 with the receipt number.',
  },
  unsupported: {
    'zh-CN': '这个浏览器不能核验（需要支持 Ed25519 并通过 https 打开）。请升级浏览器后再试。',
    en: 'This browser cannot verify it: it needs Ed25519 and a page that came by https. Try a newer browser.',
  },
  noKeys: {
    'zh-CN': '没有取到本服务的公钥。请联网后再试，不需要重新选择回执。',
    en: 'The public keys of this service did not come. Try again with a network; the receipt stays here.',
  },
} as const
