/** What people write on the boot partition, and what of it is refused. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { BootFileError, readBootSettings } from '../../../src/appliance/board/boot-setting.ts'
import { root } from '../../house/source.ts'

const sample = readFileSync(`${root}build/image/board.toml`, 'utf8')

describe('board.toml', () => {
  it('as it is delivered sets nothing', () => {
    assert.deepEqual(readBootSettings(sample), { hostname: undefined, files: new Map() })
  })

  it('sets everything that its comments show', () => {
    const { hostname, files } = readBootSettings(sample.replaceAll(/^# ([[a-z].*[="\]].*)$/gm, '$1'))
    assert.equal(hostname, 'barn-7')
    assert.match(files.get('fieldgate-board/wpa_supplicant.conf') ?? '', /country=DE\nnetwork=\{\n {2}ssid="farm"/)
    assert.match(
      files.get('systemd/network/10-ethernet.network') ?? '',
      /^Address=192\.0\.2\.10\/24\nGateway=192\.0\.2\.1\nDNS=192\.0\.2\.1$/m,
    )
    assert.match(files.get('fieldgate-board/authorized_keys') ?? '', /^ssh-ed25519 AAAAC3Nza you@example\n$/)
  })

  const wrong: readonly (readonly [text: string, complaint: RegExp])[] = [
    ['hostname = barn', /^line 1 is not TOML$/],
    ['hostname = "barn 7"', /^hostname must be letters/],
    ['[wifi]\nssid = "farm"', /^wifi\.password is missing$/],
    ['[wifi]\nssid = "farm"\npassword = "short"', /^wifi\.password must be 8 to 63/],
    ['[wifi]\nssid = "a\\nb"\npassword = "long enough"', /^wifi\.ssid must be/],
    ['[ethernet]\naddress = "192.0.2.10"', /^ethernet\.address must be an address with its prefix/],
    ['[ssh]\nkeys = ["not a key"]', /^ssh\.keys must be a list of public keys$/],
    ['[sssh]\nkeys = []', /^sssh\.keys is not known; there are hostname, wifi\.ssid/],
  ]
  for (const [text, complaint] of wrong) {
    it(`is refused as a whole: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => readBootSettings(text),
        (error: unknown) => {
          assert.ok(error instanceof BootFileError)
          assert.match(error.message, complaint)
          return !error.message.includes('\n')
        },
      )
    })
  }
})
