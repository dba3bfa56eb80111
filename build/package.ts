/**
 * Makes the Debian packages of what `npm run build` has made. Needs dpkg-deb. The same files give the same bytes. For tests,
 * `--version` gives another version, `--architecture` makes only one, and `--fast` compresses less.
 */

import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Architecture, architectures, sha256 } from './binary.ts'
import { root } from './bundle.ts'
import { installInto } from './installation.ts'
import { run } from './program.ts'
import { explain, refuse } from './script.ts'

explain(`npm run package [-- --architecture x64|arm64] [--version VERSION] [--fast]

Makes the Debian packages of what npm run build has made, in dist/. Needs dpkg-deb.

  --architecture A  only this one; may be given several times
  --version VERSION another version than that of package.json
  --fast            compress less`)

const debianNames = { x64: 'amd64', arm64: 'arm64' } as const satisfies Record<Architecture, string>

/** When the files were changed, as far as the package says: reproducible, and not before 1980, which some tools take for an error. */
const epochSeconds = 1_700_000_000

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly version: string
  readonly description: string
}
const { values: options } = parseArgs({
  options: {
    version: { type: 'string', default: manifest.version },
    architecture: { type: 'string', multiple: true, default: [...architectures] },
    fast: { type: 'boolean', default: false },
  },
})
const { version } = options

function writeControl(architecture: Architecture, installedKibibytes: number): string {
  return `Package: fieldgate
Version: ${version}
Architecture: ${debianNames[architecture]}
Maintainer: Fieldgate maintainers <fieldgate@localhost>
Installed-Size: ${installedKibibytes}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8), systemd (>= 252), init-system-helpers, passwd
Recommends: gpiod
Section: net
Priority: optional
Description: oneM2M gateway: MQTT broker, CSE and sensor adapters in one process
 ${manifest.description}.
`
}

function makePackage(architecture: Architecture): string {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-package-'))
  const name = `fieldgate_${version}_${debianNames[architecture]}.deb`
  try {
    chmodSync(directory, 0o755)
    installInto(directory, architecture)
    const control = join(directory, 'DEBIAN')
    const kibibytes = Math.ceil(bytesBelow(directory) / 1024)
    mkdirSync(control, { mode: 0o755 })
    writeFileSync(join(control, 'control'), writeControl(architecture, kibibytes))
    writeFileSync(join(control, 'conffiles'), '/etc/fieldgate/fieldgate.toml\n')
    for (const script of ['postinst', 'prerm', 'postrm']) {
      copyFileSync(`${root}build/debian/${script}`, join(control, script))
      chmodSync(join(control, script), 0o755)
    }
    run(
      'dpkg-deb',
      ['-Zxz', options.fast ? '-z1' : '-z6', '--root-owner-group', '--build', directory, `${root}dist/${name}`],
      {
        environment: { SOURCE_DATE_EPOCH: String(epochSeconds) },
      },
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
  return name
}

function bytesBelow(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => lstatSync(join(directory, name)))
    .reduce((sum, status) => sum + (status.isFile() ? status.size : 0), 0)
}

if (!existsSync(`${root}dist/SHA256SUMS`)) refuse('there are no binaries in dist/: npm run build makes them')
const sums = readFileSync(`${root}dist/SHA256SUMS`, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.endsWith('.deb'))
for (const architecture of architectures.filter((name) => options.architecture.includes(name))) {
  const name = makePackage(architecture)
  sums.push(`${sha256(`${root}dist/${name}`)}  ${name}`)
  console.log(`dist/${name}: ${(lstatSync(`${root}dist/${name}`).size / 1e6).toFixed(1)} MB`)
}
writeFileSync(`${root}dist/SHA256SUMS`, `${sums.join('\n')}\n`)
