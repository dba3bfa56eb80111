/**
 * Properties are tried with the same values in every run, so that a failure is the change's and not the day's; `FIELDGATE_SEED=7 npm test`
 * tries others.
 */

import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env['FIELDGATE_SEED'] ?? 1) })
