/** Runs a load generator as a process of its own, once. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BurstOrder, BurstSeen } from '../programs/burst.ts'
import type { LoadOrder, LoadSeen } from '../programs/open-load.ts'
import { reserve } from './unique-filings.ts'

/** As many arrive in a second as chance has it: a few more than on average. */
const filingsMore = (average: number) => 1.1 * average + 1_000

/** Tells the number of the first filing, too. */
export async function runOpenLoad(
  order: Omit<LoadOrder, 'from'>,
): Promise<LoadSeen & { readonly from: number }> {
  const from = reserve(order.filings, filingsMore(order.perSecond * order.seconds))
  const seen = await runGenerator<LoadOrder, LoadSeen>('open-load', { ...order, from })
  return { ...seen, from }
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
