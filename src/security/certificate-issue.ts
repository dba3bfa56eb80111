/**
 * A certificate authority of a gateway's own: it signs the gateway's certificate and those of AEs and CSEs, with the names of TS-0003 10.1, on
 * P-256 with SHA-256. Loaded when a certificate is to be made, never by a gateway that runs.
 */

import { randomBytes, webcrypto } from 'node:crypto'
// What the package asks for before it is loaded.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000
/** A gateway is set up once: its authority outlives it. */
const authorityLifetimeMs = 20 * 365 * dayMs
/** What clients accept, and renewed by issuing again. */
const lifetimeMs = 825 * dayMs
/** Clocks of small machines are behind until they have been set. */
const slackMs = dayMs

export interface KeyPairPem {
  readonly certificate: string
  readonly key: string
}

export interface Issued extends KeyPairPem {
  readonly serialNumber: string
  readonly notAfter: Date
}

/** What a certificate is for: the names of a machine, or an entity by its URI. */
export type Subject =
  | { readonly commonName: string; readonly hosts: readonly string[] }
  | { readonly commonName: string; readonly uri: string }

export async function createAuthority(name: string, nowMs: number): Promise<KeyPairPem> {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: [{ CN: [name] }],
    notBefore: new Date(nowMs - slackMs),
    notAfter: new Date(nowMs + authorityLifetimeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
}

/** Signs a certificate for a new key. */
export async function issue(authority: KeyPairPem, subject: Subject, nowMs: number): Promise<Issued> {
  const keys = await newKeys()
  const issuer = new x509.X509Certificate(authority.certificate)
  const names =
    'uri' in subject
      ? [{ type: 'url' as const, value: subject.uri }]
      : subject.hosts.map((value) => ({ type: isAddress(value) ? ('ip' as const) : ('dns' as const), value }))
  const serialNumber = newSerialNumber()
  const notAfter = new Date(nowMs + lifetimeMs)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber,
    subject: [{ CN: [subject.commonName] }],
    issuer: issuer.subjectName.toJSON(),
    notBefore: new Date(nowMs - slackMs),
    notAfter,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey), serialNumber, notAfter }
}

/** The list of certificates that are not good any more, signed: what TLS refuses them by. */
export async function revoke(authority: KeyPairPem, serialNumbers: readonly string[], nowMs: number): Promise<string> {
  const list = await x509.X509CrlGenerator.create({
    issuer: new x509.X509Certificate(authority.certificate).subjectName.toJSON(),
    thisUpdate: new Date(nowMs - slackMs),
    nextUpdate: new Date(nowMs + authorityLifetimeMs),
    signingAlgorithm: algorithm,
    signingKey: await importKey(authority.key),
    entries: serialNumbers.map((serialNumber) => ({ serialNumber, revocationDate: new Date(nowMs) })),
  })
  return x509.PemConverter.encode(list.rawData, 'X509 CRL')
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key)
  return x509.PemConverter.encode(bytes, 'PRIVATE KEY')
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [bytes = new ArrayBuffer(0)] = x509.PemConverter.decode(pem)
  return webcrypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign'])
}

/** Positive, and not to be guessed. */
function newSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return bytes.toString('hex')
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':')
}
