/** Which configuration file is read, and where the state is kept: the order of places that `--config` and `--data-dir` are the first of. */

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { adapters } from '../adapters/index.ts'
import type { Invocation } from './command.ts'
import { ConfigError } from './config-error.ts'
import { type Configuration, type ConfigurationSources, readConfiguration } from './configuration.ts'
import { gatewayProfile, type Profile } from './profile.ts'

export interface FoundConfiguration extends Configuration {
  /** Undefined when there is no file and the defaults hold. */
  readonly fileName: string | undefined
  readonly dataDirectory: string
}

/** Reads the configuration for a command. Throws ConfigError when a file that was asked for can't be read. */
export async function findConfiguration(
  { values, surroundings }: Invocation,
  { namedFile, profile = gatewayProfile }: { readonly namedFile?: string | undefined; readonly profile?: Profile } = {},
): Promise<FoundConfiguration> {
  const { environment } = surroundings
  const fileName =
    namedFile ?? values['config']?.at(-1) ?? profile.configurationPlaces.find((place) => existsSync(place))
  const configuration = readConfiguration({
    adapters,
    environment,
    profile,
    ...(fileName === undefined ? {} : await readSource(fileName)),
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

/** OpenMTC's configurations are JSON, ours are TOML. */
async function readSource(fileName: string): Promise<Pick<ConfigurationSources, 'file' | 'imported'>> {
  const text = readText(fileName)
  if (!fileName.endsWith('.json')) return { file: { name: fileName, text } }
  const { importOpenmtc } = await import('./openmtc.ts')
  return { imported: { name: fileName, ...importOpenmtc(fileName, text) } }
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
