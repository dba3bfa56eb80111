/** How secrets are kept: passwords as scrypt hashes with their parameters, tokens, which nobody chooses, as plain digests. Never the secret itself. */

import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** What a password costs to check, and to guess. */
export interface ScryptCost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/**
 * 33 MiB and about 80 ms on a desk machine: what a board can spare for one at a time. Less would cost more: the C library gives back at once what
 * is larger than 32 MiB, and keeps smaller blocks for each thread (66 MiB in all with N = 16384).
 */
const usualCost: ScryptCost = { N: 32_768, r: 8, p: 1 }
const keyBytes = 32

/** The hash of nothing in particular, as costly to check as one of `hashPassword`. */
export const neverRight = `scrypt$${usualCost.N}$${usualCost.r}$${usualCost.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** `scrypt$N$r$p$salt$hash`, the last two in base64url. */
export async function hashPassword(password: string | Uint8Array, cost = usualCost): Promise<string> {
  const { N, r, p } = cost
  const salt = randomBytes(16)
  const key = await derive(password, salt, cost, keyBytes)
  return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/** False for a hash of a form that is not known, too. */
export async function verifyPassword(password: string | Uint8Array, stored: string): Promise<boolean> {
  const [kind, N, r, p, salt = '', hash = ''] = stored.split('$')
  const expected = Buffer.from(hash, 'base64url')
  if (kind !== 'scrypt' || expected.length === 0) return false
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const key = await derive(password, Buffer.from(salt, 'base64url'), cost, expected.length)
  return timingSafeEqual(key, expected)
}

function derive(password: string | Uint8Array, salt: Uint8Array, cost: ScryptCost, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    // On the thread pool: nobody else waits for it.
    scrypt(password, salt, length, { ...cost, maxmem: 64 * 1_048_576 }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    ),
  )
}

/** Something to be shown once: 24 characters that can be typed. */
export function newSecret(): string {
  return randomBytes(18).toString('base64url')
}

export function digestToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
