/** The sensor adapters of a gateway, each with a client of the CSE in the same process. */

import { AdapterHost } from '../../adapters/adapter-host.ts'
import { adapters } from '../../adapters/index.ts'
import type { Broker } from '../../broker/broker.ts'
import { OneM2MClient } from '../../client/client.ts'
import { LocalTransport } from '../../client/local-transport.ts'
import type { Cse } from '../../cse/cse.ts'
import { surveyInChild } from '../machine-survey.ts'
import { RecentLog } from '../recent-log.ts'
import { version } from '../version.ts'
import type { PartContext } from './part.ts'

/** Nobody waits for the adapters: a device that takes its time does not keep the gateway from being ready. */
export function startAdapters(context: PartContext, cse: Cse, broker: Broker): void {
  const { settings, dataDirectory, clock, randomId, onStop } = context
  const transport = new LocalTransport({ cse, patienceMs: settings.store.readingPatienceMs })
  const timeoutMs = 10_000 + settings.store.readingPatienceMs
  const clientFor = (originator: string) =>
    new OneM2MClient({ transport, originator, newRequestIdentifier: randomId, timeoutMs })
  const recentLog = new RecentLog(context.log)
  const host = new AdapterHost({
    adapters,
    settings: settings.adapters,
    clientFor,
    messages: {
      subscribe: (filter, call) =>
        broker.subscribe(filter, (topic, payload, isInternal) => call({ topic, payload, isInternal })),
      publish: ({ payload, ...message }) => broker.publish({ ...message, payload: Buffer.from(payload) }),
    },
    gateway: {
      client: clientFor(settings.cse.id),
      cseId: settings.cse.id,
      version,
      recentLog: () => recentLog.lines,
      clients: () => broker.clientIds,
      survey: surveyInChild,
    },
    cseBaseName: settings.cse.name,
    dataDirectory,
    clock,
    log: recentLog,
    random: Math.random,
  })
  cse.use(host.inbox)
  const started = host.start()
  onStop(async () => {
    await host.stop()
    await started
  })
}
