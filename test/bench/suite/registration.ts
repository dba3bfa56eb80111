/** A thousand AEs that register at once. */

import { type Benchmark, startBrokerAndCse, startGateway } from '../benchmark.ts'
import { MqttLoad } from '../load.ts'
import { median } from '../table.ts'

const aes = 1000

export const registration: Benchmark = {
  name: 'registration',
  about: `registration of ${aes} AEs, 16 in flight`,
  async run(context) {
    const sides = [
      await startGateway(context.directory('ours')),
      await startBrokerAndCse(context.directory('broker-and-cse')),
    ].filter((side) => side !== undefined)
    const rows = []
    try {
      const taken = new Map(sides.map((side) => [side, { perSecond: [] as number[], cpuUs: [] as number[] }]))
      for (let round = 0; round < context.rounds; round++)
        for (const [side, { perSecond, cpuUs }] of taken) {
          context.progress(`${side.name}, round ${round + 1} of ${context.rounds}`)
          const load = await MqttLoad.open({ port: side.mqttPort })
          const before = side.cpuUs
          const { wallMs } = await load.run(aes, 16, (index) => ({
            op: 1,
            to: 'onem2m',
            fr: 'C',
            ty: 2,
            pc: { 'm2m:ae': { rn: `ae-${round}-${index}`, api: 'Nbench', rr: false, srv: ['3'] } },
          }))
          perSecond.push((aes * 1000) / wallMs)
          cpuUs.push((side.cpuUs - before) / aes)
          load.close()
        }
      for (const [{ name }, { perSecond, cpuUs }] of taken)
        rows.push({ name, cells: [median(perSecond), median(cpuUs)] })
    } finally {
      for (const side of sides) await side.stop()
    }
    return [
      { title: `Registration of ${aes} AEs`, columns: [{ name: 'per second', digits: 0 }, { name: 'CPU us' }], rows },
    ]
  },
}
