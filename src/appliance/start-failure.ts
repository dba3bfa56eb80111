/** What keeps a gateway from starting though its configuration is well-formed, as a sentence that says what to do, and the exit code for it. */

import { StoreError } from '../store/store.ts'
import { ExitCode } from './command.ts'

export interface StartFailure {
  readonly text: string
  readonly exitCode: number
}

interface SystemError extends Error {
  readonly code?: string
  readonly syscall?: string
  readonly address?: string
  readonly port?: number
}

/** Undefined for an error that is none of the operator's business: a bug. */
export function describeStartFailure(error: unknown, dataDirectory: string): StartFailure | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const failure = describe(cause, dataDirectory)
    if (failure) return failure
  }
  return undefined
}

function describe(error: Error, dataDirectory: string): StartFailure | undefined {
  if (error instanceof StoreError) {
    return error.reason === 'locked' ? locked(dataDirectory) : { text: error.message, exitCode: ExitCode.CANNOT_CREATE }
  }
  const { code = '', syscall, address, port } = error as SystemError
  return syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo'
    ? listening(code, address, port)
    : keeping(code, dataDirectory)
}

function locked(dataDirectory: string): StartFailure {
  return {
    text: `another gateway uses the state in ${dataDirectory}. Stop it, or choose another directory with --data-dir DIR`,
    exitCode: ExitCode.UNAVAILABLE,
  }
}

function listening(code: string, address = '', port = 0): StartFailure | undefined {
  if (address.startsWith('/') || address.startsWith('.')) return listeningAt(code, address)
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE:
      `another program listens on ${place} already (another broker, or another gateway?). ` +
      'Stop it, or choose another address with --mqtt HOST:PORT or --http HOST:PORT',
    EACCES: `this user may not listen on ${place}: ports below 1024 are for root. Choose a higher one`,
    ENOTFOUND: `no address is known for the host that is to be listened on. Name an address of this machine, or localhost`,
    EADDRNOTAVAIL: `this machine has no address ${address}. Name one of its own, or localhost`,
  }
  const text = reasons[code]
  return text === undefined ? undefined : { text, exitCode: ExitCode.UNAVAILABLE }
}

/** Of a Unix socket. */
function listeningAt(code: string, path: string): StartFailure | undefined {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program listens at ${path} already, or it is a file that is no socket`,
    EACCES: `this user may not make a socket at ${path}`,
    ENOENT: `there is no folder for a socket at ${path}`,
  }
  const reason = reasons[code]
  const text = `${reason}. Choose another path in mqtt.unix_socket`
  return reason === undefined ? undefined : { text, exitCode: ExitCode.UNAVAILABLE }
}

function keeping(code: string, dataDirectory: string): StartFailure | undefined {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'this user may not write there',
    EPERM: 'this user may not write there',
    EROFS: 'it is on a read-only file system',
    ENOENT: 'the directory above it does not exist',
    ENOTDIR: 'it, or a part of that path, is a file',
  }
  const reason = reasons[code]
  if (reason === undefined) return undefined
  return {
    text: `the state can't be kept in ${dataDirectory}: ${reason}. Choose another directory with --data-dir DIR`,
    exitCode: ExitCode.CANNOT_CREATE,
  }
}
