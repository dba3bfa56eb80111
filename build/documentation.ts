/** Writes the pages of docs/ that follow from tables in the code; a test fails while they differ. */

import { writeFileSync } from 'node:fs'
import { writeConfigurationDocument } from './configuration-document.ts'
import { writeConformanceDocument } from './conformance-document.ts'
import { explain } from './script.ts'

explain('npm run docs\n\nWrites docs/configuration.md and docs/conformance.md from the tables in the code.')

writeFileSync(new URL('../docs/configuration.md', import.meta.url), writeConfigurationDocument())
writeFileSync(new URL('../docs/conformance.md', import.meta.url), writeConformanceDocument())
