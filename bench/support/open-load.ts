/** Runs the open-load generator as a process of its own, once. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadOrder, LoadSeen } from '../programs/open-load.ts'

const program = fileURLToPath(new URL('../programs/open-load.ts', import.meta.url))

export async function runOpenLoad(order: LoadOrder): Promise<LoadSeen> {
  const child = fork(program, { serialization: 'advanced' })
  try {
    return await new Promise<LoadSeen>((resolve, reject) => {
      child.on('message', (message: { ready?: boolean; seen?: LoadSeen }) => {
        if (message.ready === true) child.send(order)
        if (message.seen !== undefined) resolve(message.seen)
      })
      child.once('exit', (code) => reject(new Error(`the generator ended with ${code}`)))
    })
  } finally {
    child.removeAllListeners('exit')
    child.kill()
  }
}
