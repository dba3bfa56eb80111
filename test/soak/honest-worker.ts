/** The honest application in a thread of its own, so that what the troublemakers' generator is busy with does not count as its latency. */

import { parentPort, workerData } from 'node:worker_threads'
import { HonestApplication } from './honest.ts'

const { url, originator } = workerData as { readonly url: string; readonly originator: string }
const application = await HonestApplication.start(url, originator)
parentPort?.on(
  'message',
  async ({ durationMs, periodMs }: { readonly durationMs: number; readonly periodMs: number }) =>
    parentPort?.postMessage(await application.work(durationMs, periodMs)),
)
parentPort?.postMessage('ready')
