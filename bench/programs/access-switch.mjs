// Preloaded into an intake: SIGWINCH makes it stop, or go on, to note who reads what. For measuring what that
// costs in one process: two of the same program differ by more than it.
import { AccessLog } from '../../src/access/log.ts'

const { note, write } = AccessLog.prototype
let on = true

process.on('SIGWINCH', () => {
  on = !on
})

AccessLog.prototype.note = function (make) {
  if (on) note.call(this, make)
}
AccessLog.prototype.write = function (entry) {
  return on ? write.call(this, entry) : Promise.resolve()
}
