/** Runs a load generator as a process of its own, once. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BurstOrder, BurstSeen } from '../programs/burst.ts'
import type { LoadOrder, LoadSeen } from '../programs/open-load.ts'

export function runOpenLoad(order: LoadOrder): Promise<LoadSeen> {
  return runGenerator('open-load', order)
}

export function runBurst(order: BurstOrder): Promise<BurstSeen> {
  return runGenerator('burst', order)
}

async function runGenerator<Order, Seen>(name: string, order: Order): Promise<Seen> {
  const program = fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url))
  const child = fork(program, { serialization: 'advanced' })
  try {
    return await new Promise<Seen>((resolve, reject) => {
      child.on('message', (message: { ready?: boolean; seen?: Seen }) => {
        if (message.ready === true) child.send(order as object)
        if (message.seen !== undefined) resolve(message.seen)
      })
      child.once('exit', (code) => reject(new Error(`the generator ended with ${code}`)))
    })
  } finally {
    child.removeAllListeners('exit')
    child.kill()
  }
}
