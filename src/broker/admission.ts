/** Whether a CONNECT is let in, as whom, and under whose name no session is taken that is somebody else's. MQTT 3.1.1 section 3.2.2.3. */

import type { Log } from '../onem2m/log.ts'
import type { BrokerAuthority, ConnectAttempt } from './authority.ts'
import type { BrokerState } from './broker-state.ts'
import type { Connection } from './connection.ts'
import type { BrokerStatistics } from './statistics.ts'

interface AdmissionFacts {
  readonly authority: BrokerAuthority
  readonly state: BrokerState
  readonly statistics: BrokerStatistics
  readonly log: Log
}

/** Undefined lets the client in; a return code of CONNACK does not. */
export type Admitted = (returnCode: 2 | 4 | 5 | undefined) => void

export class Admission {
  readonly #facts: AdmissionFacts

  constructor(facts: AdmissionFacts) {
    this.#facts = facts
  }

  decide(connection: Connection, shown: Pick<ConnectAttempt, 'username' | 'password'>, admitted: Admitted): void {
    const { authority } = this.#facts
    const { remoteAddress, isLocal } = connection.origin
    const clientId = connection.id
    const { certificateUris = [] } = connection.client.conn as { readonly certificateUris?: readonly string[] }
    authority.authenticate({ clientId, ...shown, remoteAddress, isLocal, certificateUris }, (verdict) => {
      if ('returnCode' in verdict) {
        this.#refuse(clientId, remoteAddress, verdict.reason)
        admitted(verdict.returnCode)
        return
      }
      const owner = verdict.principal?.name ?? ''
      const session = this.#facts.state.sessions.get(clientId)
      if (session !== undefined && session.owner !== owner) {
        this.#refuse(clientId, remoteAddress, 'a session of this name is that of somebody else')
        admitted(2)
        return
      }
      connection.principal = verdict.principal
      admitted(undefined)
    })
  }

  #refuse(client: string, remoteAddress: string, reason: string): void {
    this.#facts.statistics.refusedConnections++
    this.#facts.log.warn('mqtt: a client was not let in', { client, remoteAddress, reason })
  }
}
