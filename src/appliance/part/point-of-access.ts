/** A point of access as others may see it: without user and password. */

export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z-]+:\/\/)[^/@]*@/i, '$1')
}
