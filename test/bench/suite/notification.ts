/** How long it takes from sending a CREATE until the notification of it has arrived at a subscriber. */

import {
  type Benchmark,
  createAe,
  createContainer,
  createInstance,
  startBrokerAndCse,
  startGateway,
} from '../benchmark.ts'
import { MqttLoad } from '../load.ts'
import type { Side } from '../side.ts'
import { median, quantile } from '../table.ts'

async function measure(side: Side, count: number): Promise<Float64Array> {
  let arrived = () => {}
  const watcher = await MqttLoad.open({ port: side.mqttPort, originator: 'Cwatch', onNotification: () => arrived() })
  const writer = await MqttLoad.open({ port: side.mqttPort })
  const took = new Float64Array(count)
  for (let index = 0; index < count; index++) {
    const startedMs = performance.now()
    const notified = new Promise<void>((resolve) => {
      arrived = () => {
        took[index] = performance.now() - startedMs
        resolve()
      }
    })
    await Promise.all([writer.ask(createInstance('onem2m/bench/watched')), notified])
  }
  watcher.close()
  writer.close()
  return took.sort()
}

async function furnish(side: Side): Promise<void> {
  const writer = await MqttLoad.open({ port: side.mqttPort })
  await writer.ask(createAe('bench'))
  await writer.ask(createContainer('onem2m/bench', 'watched'))
  const subscription = { 'm2m:sub': { nu: ['Cwatch'], enc: { net: [3] } } }
  const watcher = await MqttLoad.open({ port: side.mqttPort, originator: 'Cwatch' })
  await watcher.ask(createAe('watch'))
  await writer.ask({ op: 1, to: 'onem2m/bench/watched', ty: 23, pc: subscription })
  writer.close()
  watcher.close()
}

export const notification: Benchmark = {
  name: 'notification',
  about: 'CREATE sent to notification received, one at a time',
  async run(context) {
    const sides = [
      await startGateway(context.directory('ours')),
      await startBrokerAndCse(context.directory('broker-and-cse')),
    ].filter((side) => side !== undefined)
    const rounds = new Map<Side, Float64Array[]>(sides.map((side) => [side, []]))
    try {
      for (const side of sides) await furnish(side)
      for (let round = -1; round < context.rounds; round++)
        for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
          context.progress(`${side.name}, round ${round + 1} of ${context.rounds}`)
          const took = await measure(side, Math.round(context.scale * 500))
          if (round >= 0) rounds.get(side)?.push(took)
        }
    } finally {
      for (const side of sides) await side.stop()
    }
    return [
      {
        title: 'CREATE to notification',
        columns: [
          { name: 'p50 ms', digits: 2 },
          { name: 'p99 ms', digits: 2 },
        ],
        rows: [...rounds].map(([{ name }, all]) => ({
          name,
          cells: [0.5, 0.99].map((part) => median(all.map((took) => quantile(took, part)))),
        })),
      },
    ]
  },
}
