/** Where connections come from: TCP listeners, and how many connections they let in. */

import { createServer, type Server, type Socket } from 'node:net'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

interface ListenerFacts {
  readonly address: ListenAddress
  accept(socket: Socket): void
}

export class Listener {
  readonly #facts: ListenerFacts
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(facts: ListenerFacts) {
    this.#facts = facts
    // Half a round trip waits for nothing: Nagle's algorithm and delayed acknowledgements cost 40 ms together.
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      facts.accept(socket)
    })
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Rejects with the system's error when the address can't be had. */
  start(): Promise<ListenAddress> {
    const { host, port } = this.#facts.address
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.removeListener('error', reject)
        const address = this.#server.address()
        resolve({ host, port: typeof address === 'object' && address !== null ? address.port : port })
      })
    })
  }

  /** Stops accepting. */
  close(): void {
    this.#server.close()
  }

  /** Ends what is still connected. */
  destroyConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
