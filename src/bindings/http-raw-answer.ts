/** Answers on connections that node:http does not make a response for: each is one whole message, the last on its connection. */

import { allowedMethods } from '../onem2m/http-mapping.ts'
import { type ResponseStatusCode, Status } from '../onem2m/status.ts'

const allow = allowedMethods.join(', ')

/** A connection whose message node:http did not take. */
export interface RawSocket {
  readonly writable: boolean
  end(text: string): void
  destroy(): void
}

/** Statuses of messages that node:http could not read. */
const unreadable: Readonly<Record<string, readonly [status: number, code: ResponseStatusCode, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, Status.BAD_REQUEST, 'header fields: too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, Status.REQUEST_TIMEOUT, 'request: not complete in time'],
}

/** Answers what the parser of node:http gave up; false when there is nobody to answer. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: RawSocket): boolean {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return false
  }
  const [status, code, text] = unreadable[error.code ?? ''] ?? [400, Status.BAD_REQUEST, `request: ${error.message}`]
  endWith(socket, status, code, text)
  return true
}

export function refuseConnect(socket: RawSocket): void {
  endWith(
    socket,
    405,
    Status.OPERATION_NOT_ALLOWED,
    `method: got CONNECT, expected one of ${allow}`,
    `Allow: ${allow}\r\n`,
  )
}

/** A whole message, for a connection that has no ServerResponse. */
export function endWith(socket: RawSocket, status: number, code: ResponseStatusCode, text: string, headers = ''): void {
  const body = JSON.stringify({ 'm2m:dbg': text })
  socket.end(
    `HTTP/1.1 ${status} \r\nX-M2M-RSC: ${code}\r\n${headers}Content-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
