/** What the system says of a file, in words for whoever has named it. */

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not; run it as root (sudo), or as the user of the service',
  EPERM: 'this user may not; run it as root (sudo), or as the user of the service',
  EROFS: 'it is on a read-only file system',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of that path is a file',
  EISDIR: 'it is a directory, and a file is expected',
  EEXIST: 'it is there already',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full for this user',
  EIO: 'the disk can not be read or written there',
}

/** One sentence; undefined for what is not the system's answer about a file. */
export function describeFileFailure(error: unknown): string | undefined {
  const { code = '', path } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
  const reason = reasons[code]
  return reason === undefined || path === undefined ? undefined : `${path}: ${reason}`
}
