/** The gateway's side of TLS: which certificate it shows, whose it asks for, and what it does when they change on the disk. */

import { readFileSync } from 'node:fs'
import type { TLSSocket, TlsOptions } from 'node:tls'
import type { Log } from '../onem2m/log.ts'
import { urisOf } from './certificate-identity.ts'

export interface TlsFiles {
  readonly certificate: string
  readonly key: string
  /** Those who may sign certificates of clients. */
  readonly clientAuthority: string
  /** What they have taken back; need not be there. */
  readonly revoked: string
}

interface TlsFacts {
  readonly files: TlsFiles
  readonly clientCertificates: 'none' | 'optional' | 'required'
  readonly log: Log
}

/** A server whose certificate can be changed while it has connections. */
interface SecureServer {
  setSecureContext(options: TlsOptions): void
}

/** How long a client may take to agree. */
const handshakeMs = 10_000

export class TlsIdentity {
  readonly #facts: TlsFacts
  readonly #servers = new Set<SecureServer>()
  #context: TlsOptions

  /** Throws the system's error when a file can't be read. */
  constructor(facts: TlsFacts) {
    this.#facts = facts
    this.#context = this.#read()
  }

  /** For a server to be made. */
  get options(): TlsOptions {
    const { clientCertificates } = this.#facts
    return {
      ...this.#context,
      minVersion: 'TLSv1.2',
      requestCert: clientCertificates !== 'none',
      rejectUnauthorized: clientCertificates === 'required',
      handshakeTimeout: handshakeMs,
    }
  }

  /** Has a server take the certificates that come later. */
  serve(server: SecureServer): void {
    this.#servers.add(server)
  }

  /** Reads the files again; connections go on with what they began with. */
  reload(): void {
    const { log, files } = this.#facts
    try {
      const context = this.#read()
      if (JSON.stringify(context) === JSON.stringify(this.#context)) return
      for (const server of this.#servers) server.setSecureContext(context)
      this.#context = context
      log.info('tls: new certificates are in use', { certificate: files.certificate })
    } catch (error) {
      log.error('tls: the certificates can not be used; those from before stay', { reason: (error as Error).message })
    }
  }

  /** URIs of the client's certificate; none when it showed none, undefined when it showed one that is not good. */
  urisOf(socket: TLSSocket): readonly string[] | undefined {
    const { subjectaltname, fingerprint256 } = socket.getPeerCertificate()
    if (fingerprint256 === undefined) return []
    if (socket.authorized) return urisOf(subjectaltname)
    this.#facts.log.warn('tls: a certificate of a client is not good: its connection was closed', {
      remoteAddress: socket.remoteAddress,
      reason: String(socket.authorizationError),
    })
    return undefined
  }

  #read(): TlsOptions {
    const { certificate, key, clientAuthority, revoked } = this.#facts.files
    const crl = readIfThere(revoked)
    return {
      cert: readFileSync(certificate, 'utf8'),
      key: readFileSync(key, 'utf8'),
      ca: readFileSync(clientAuthority, 'utf8'),
      ...(crl === undefined ? {} : { crl }),
    }
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
