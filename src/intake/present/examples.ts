/** Real answers, shortened where they are long: the examples of the OpenAPI document. */

const id = '202508-x0rkv5cdr1k52s0adw1c8k9qrr'
const self = `/v1/declarations/${id}`
const acceptedAt = '2025-09-12T10:04:31.218204+08:00'
const deadline = '2025-09-26T00:00:00.000000+08:00'
const employer = '91350100M000100Y43'
const [period, region] = ['2025-08', '340100']
const hash = '7bc9f804d3d1ca0147dba17c9aabc4c9be983a12526ea9a05853825aa508ac64'

const statement = {
  ...{ acceptedAt, deadline },
  digest: 'salted-sha256:b8482c4ec4d7d4726ffb2a5ee3e8896f412e457538295411ba98609913a8c6b6',
  ...{ employer, environment: 'test', id, kind: 'regular', onTime: true, period },
}

/** Its statement is another one's: an example that anybody could verify would be a receipt. */
export const acceptedExample = {
  ...{ id, status: 'accepted', acceptedAt, deadline, onTime: true },
  receipt: {
    statement,
    salt: 'gCNBdEv7McIlmXJoJya_wKKu2CL2NoAvFQx6oy43wGc',
    proof: { index: 0, size: 1, hashes: [] },
    signedRoot:
      'eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoiMGRiZmYwYTcwYzI1IiwidHlwIjoic3BpbGx3YXktcm9vdCtqd3MifQ.eyJjb250ZW50IjoibmlLOVJPRTdVNU85Y0p2dHo0WUhKNzZlZi1KZmRCczRIRXVmMjVvLTYwdyIsImVudmVsb3BlIjoiMiIsInNpemUiOjF9.pIlaX5cAGr4BswPCqL0U8ADkr5MDlK01Lc3hRHdhBZY41zJSGDuiTUlhI46CUx4XTpQPFyod1fqCHtq9O_zoBA',
  },
  links: { self, receipt: `${self}/receipt` },
}

const assessment = {
  policy: { region, hash, provisional: false },
  amounts: [
    { insurance: 'pension', base: '6500.00', employer: '1040.00', employee: '520.00' },
    { insurance: 'medical', base: '6500.00', employer: '416.00', employee: '130.00' },
    { insurance: 'unemployment', base: '6500.00', employer: '32.50', employee: '32.50' },
    { insurance: 'work-injury', base: '6500.00', employer: '13.00', employee: '0.00' },
  ],
  total: { employer: '1501.50', employee: '682.50' },
  lines: 1,
}

export const statusExample = {
  ...{ id, status: 'posted', employer, period, region, kind: 'regular' },
  ...{ acceptedAt, deadline, onTime: true, assessment },
  links: { self, receipt: `${self}/receipt`, explanation: `${self}/explanation` },
}

export const checkedExample = {
  valid: true,
  total: 1,
  findings: [
    {
      pointer: '/lines/0/wage',
      code: 'WAGE_BELOW_FLOOR',
      severity: 'warning',
      message: {
        'zh-CN': '申报工资低于下限，按下限 4227.00 元作为缴费基数（2024-01起执行）。',
        en: 'The wage is below the floor; the base is the floor of 4227.00 yuan, in force from 2024-01.',
      },
      fix: {
        'zh-CN': '如工资填写无误，无需处理。',
        en: 'Nothing to do where the wage is right.',
      },
    },
  ],
}

const batch = '0b5f6c1e-8a1d-4f0e-9c55-6d0b8f3a2e71'

export const batchExample = {
  ...{ id: batch, stage: 'receiving', employer, period, region, kind: 'regular' },
  ...{ format: 'csv', mode: 'check', size: 182_034, received: 0, percent: 0 },
  createdAt: '2025-09-12T10:01:07.552391+08:00',
  expiresAt: '2025-09-19T10:01:07.552391+08:00',
  progress: { percent: 0 },
  links: {
    self: `/v1/batches/${batch}`,
    file: `/v1/batches/${batch}/file`,
    events: `/v1/batches/${batch}/events`,
  },
}

const slot = 'ffa28e52-cd53-4ff1-99e3-0dcf6605da46'

export const slotExample = {
  ...{ id: slot, state: 'reserved', rows: 120_000, bytes: 30_000_000, period, region },
  start: '2025-09-24T16:15:00.000000+08:00',
  end: '2025-09-24T16:30:00.000000+08:00',
  ...{ deadline, beforeDeadline: true, peak: false },
  links: { self: `/v1/slots/${slot}` },
}
