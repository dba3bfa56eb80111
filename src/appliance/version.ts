/** Which version this is, from the manifest; the bundle carries it inside. */

import manifest from '../../package.json' with { type: 'json' }

export const version: string = manifest.version
