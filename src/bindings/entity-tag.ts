/** Conditional retrieval (TS-0009 6.4, RFC 9110 13): a client that has the representation already is spared its bytes. */

/** A short text for a body, base64url for example: another one for another body. */
export type Digest = (body: Buffer | string) => string

interface Message {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Buffer | string
}

/** The answer to a successful retrieval with its ETag, or the one that says that nothing has changed. `digest` tells bodies apart. */
export function withEntityTag(message: Message, digest: Digest, ifNoneMatch: string | undefined): Message {
  if (message.status !== 200 || message.body.length === 0) return message
  // Of the bytes and not of the resource: two results of one resource differ by what was asked for, and by serialisation.
  const tag = `"${digest(message.body)}"`
  const headers: Record<string, string> = { ...message.headers, ETag: tag }
  if (ifNoneMatch === undefined || !names(ifNoneMatch, tag)) return { ...message, headers }
  delete headers['Content-Type']
  return { status: 304, headers, body: '' }
}

function names(list: string, tag: string): boolean {
  return list.split(',').some((item) => {
    const name = item.trim().replace(/^W\//, '')
    return name === tag || name === '*'
  })
}
