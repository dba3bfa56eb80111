/** `npm run build`: everything that is shipped but the Debian packages and the image, which are made of it. */

import { makeBinaries } from './binary.ts'
import { root } from './bundle.ts'
import { makeClientPackage } from './client-package.ts'
import { explain } from './script.ts'

explain(`npm run build

Makes dist/fieldgate-linux-x64 and -arm64 with their licences, bill of materials and checksums, the bundle that is in them, and the package of the
client. Needs nothing that npm ci has not installed.`)

await makeBinaries()
makeClientPackage(`${root}dist/client`)
