/** What the broker asks before it lets somebody in, takes a message or hands one out; who knows the answers is handed in. TS-0010 clause 7. */

import type { Principal } from '../onem2m/principal.ts'

/** Everything that a CONNECT shows of the one who sends it. */
export interface ConnectAttempt {
  readonly clientId: string
  readonly username: string | undefined
  readonly password: Buffer | undefined
  readonly remoteAddress: string
  /** Over loopback, or a Unix socket. */
  readonly isLocal: boolean
  /** URIs that the client's certificate names, where it has shown one that is trusted. */
  readonly certificateUris: readonly string[]
}

/** Without a principal: somebody without credentials, who may come. The return codes are those of CONNACK. */
export type Verdict =
  | { readonly principal: Principal | undefined }
  | { readonly returnCode: 2 | 4 | 5; readonly reason: string }

export interface BrokerAuthority {
  /** Calls once, at once or later. */
  authenticate(attempt: ConnectAttempt, decided: (verdict: Verdict) => void): void
  mayPublish(principal: Principal | undefined, topic: string): boolean
  /** By the name of a principal, for its session may outlive its connection; empty for nobody's. */
  mayReceive(owner: string, topic: string): boolean
}

/** Everybody may do everything: for a broker by itself. */
export const openHouse: BrokerAuthority = {
  authenticate: (_attempt, decided) => decided({ principal: undefined }),
  mayPublish: () => true,
  mayReceive: () => true,
}
