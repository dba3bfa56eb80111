/** Documentation that follows from tables in the code is current. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { writeConfigurationDocument } from '../../build/configuration-document.ts'
import { writeConformanceDocument } from '../../build/conformance-document.ts'
import { root } from './source.ts'

it('docs/configuration.md is what `npm run docs` writes', () => {
  assert.equal(readFileSync(`${root}docs/configuration.md`, 'utf8'), writeConfigurationDocument())
})

it('docs/conformance.md is what `npm run docs` writes', () => {
  assert.equal(readFileSync(`${root}docs/conformance.md`, 'utf8'), writeConformanceDocument())
})
