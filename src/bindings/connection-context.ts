/** What a connection says of the one at its other end, before any word of oneM2M. */

import type { RequestContext } from '../cse/handler.ts'

export function contextOf({ remoteAddress }: { readonly remoteAddress?: string | undefined }): RequestContext {
  if (remoteAddress === undefined) return { source: 'network' }
  return { source: isLoopbackAddress(remoteAddress) ? 'local' : 'network', remoteAddress }
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
