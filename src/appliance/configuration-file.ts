/** Which configuration file is read, and where the state is kept: the order of places that `--config` and `--data-dir` are the first of. */

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { adapters } from '../adapters/index.ts'
import type { Invocation } from './command.ts'
import { ConfigError } from './config-error.ts'
import { type Configuration, readConfiguration } from './configuration.ts'
import { gatewayProfile, type Profile } from './profile.ts'

export interface FoundConfiguration extends Configuration {
  /** Undefined when there is no file and the defaults hold. */
  readonly fileName: string | undefined
  readonly dataDirectory: string
}

/** Reads the configuration for a command. Throws ConfigError when a file that was asked for can't be read. */
export function findConfiguration(
  { values, surroundings }: Invocation,
  { namedFile, profile = gatewayProfile }: { readonly namedFile?: string | undefined; readonly profile?: Profile } = {},
): FoundConfiguration {
  const { environment } = surroundings
  const fileName =
    namedFile ?? values['config']?.at(-1) ?? profile.configurationPlaces.find((place) => existsSync(place))
  const configuration = readConfiguration({
    adapters,
    environment,
    profile,
    ...(fileName === undefined ? {} : { file: { name: fileName, text: readText(fileName) } }),
    options: (['mqtt', 'http'] as const).flatMap((protocol) => {
      const address = values[protocol]?.at(-1)
      if (address === undefined) return []
      const text = /^\d+$/.test(address) ? `localhost:${address}` : address
      return [{ option: `--${protocol}`, path: `${protocol}.listen`, text }]
    }),
  })
  const dataDirectory =
    values['data-dir']?.at(-1) ?? environment['STATE_DIRECTORY']?.split(':')[0] ?? profile.dataDirectory
  return { ...configuration, fileName, dataDirectory: resolve(dataDirectory) }
}

function readText(fileName: string): string {
  try {
    return readFileSync(fileName, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'this user may not read it',
      EISDIR: 'it is a directory',
    }
    throw new ConfigError(
      fileName,
      `${fileName}: ${reasons[code ?? ''] ?? String(error)}; name another with --config FILE`,
    )
  }
}
