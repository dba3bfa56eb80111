/** How an update bundle is written and signed; `src/appliance/update/bundle.ts` says what it looks like, and reads it. */

import { createHash, createPrivateKey, sign } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { bundleMark, type UpdateManifest } from '../../src/appliance/update/bundle.ts'

export interface BundleRecipe {
  readonly path: string
  readonly manifest: Pick<UpdateManifest, 'board' | 'version'>
  readonly parts: readonly { readonly name: string; readonly path: string }[]
  /** An ed25519 private key in PEM. */
  readonly key: string
}

export function writeBundle({ path, manifest, parts, key }: BundleRecipe): void {
  const contents = parts.map((part) => ({ name: part.name, content: readFileSync(part.path) }))
  const line = JSON.stringify({
    ...manifest,
    parts: contents.map(({ name, content }) => ({
      name,
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    })),
  } satisfies UpdateManifest)
  const signature = sign(null, Buffer.from(line), createPrivateKey(key)).toString('base64')
  writeFileSync(path, `${bundleMark}\n${line}\n${signature}\n`)
  for (const { content } of contents) appendFileSync(path, content)
  console.log(path)
}
