import { expect, test } from 'vitest'
import { queueErrorCode } from '../../src/queue/error-code.ts'

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })

test.each([
  [reply('NOAUTH Authentication required.'), 'NOAUTH'],
  [reply('WRONGPASS invalid username-password pair or user is disabled.'), 'WRONGPASS'],
  [reply("NOPERM User x has no permissions to run the 'eval' command"), 'NOPERM'],
  [reply("ERR unknown command 'EVAL', with args beginning with: 'return'"), 'ERR unknown command'],
  [reply('ERR max number of clients reached'), 'ERR max number of clients reached'],
  [reply('something else'), 'ReplyError'],
  [
    Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    'DEPTH_ZERO_SELF_SIGNED_CERT',
  ],
  [new TypeError('no code, and a text that may quote'), 'TypeError'],
])('%s is called %s', (error, code) => {
  expect(queueErrorCode(error)).toBe(code)
})
