/** The profiles of boards: each as the schema says, each found, and what is generated from them. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { adapters } from '../../../src/adapters/index.ts'
import {
  writeBootConfiguration,
  writeConfiguration,
  writeInterfaceConfiguration,
  writeServiceDropIn,
  writeSystemDropIn,
} from '../../../src/appliance/board/board-file.ts'
import { checkBoardProfile } from '../../../src/appliance/board/board-profile.ts'
import { boardProfiles, matchBoard } from '../../../src/appliance/board/profile-list.ts'
import { readConfiguration } from '../../../src/appliance/configuration.ts'
import { root } from '../../house/source.ts'

const ids = readdirSync(`${root}firmware-profiles`).toSorted()
const find = (id: string) => {
  const profile = boardProfiles.find((candidate) => candidate.id === id)
  assert.ok(profile)
  return profile
}

describe('the profiles of boards', () => {
  it('are all in the list', () => {
    assert.deepEqual(boardProfiles.map(({ id }) => id).toSorted(), ids)
  })

  for (const id of ids) {
    it(`${id} is as the schema says`, () => {
      const content = JSON.parse(readFileSync(`${root}firmware-profiles/${id}/profile.json`, 'utf8')) as unknown
      assert.deepEqual(checkBoardProfile(content), [])
      const profile = find(id)
      assert.ok(profile.service.memoryHighMiB < profile.service.memoryMaxMiB)
      for (const name of profile.adapters) assert.ok(adapters.some((adapter) => adapter.name === name))
    })
  }

  it('claim each board once', () => {
    const claimed = boardProfiles.flatMap(({ compatible }) => compatible)
    assert.equal(new Set(claimed).size, claimed.length)
  })

  const wrong: readonly (readonly [change: object, complaint: RegExp])[] = [
    [{ id: 'Pi 4' }, /^profile\.id: /],
    [{ speed: 3 }, /^profile\.speed is not known$/],
    [
      { service: { memoryHighMiB: 1, memoryMaxMiB: 256, v8Flags: [] } },
      /^profile\.service\.memoryHighMiB: 1 is not from 96/,
    ],
    [{ watchdog: { device: 'watchdog0', seconds: 15 } }, /^profile\.watchdog\.device: "watchdog0"/],
    [{ adapters: 'system' }, /^profile\.adapters is not a list$/],
  ]
  for (const [change, complaint] of wrong) {
    it(`are refused with ${JSON.stringify(change)}`, () => {
      const complaints = checkBoardProfile({ ...find('raspberry-pi-4b'), ...change })
      assert.equal(complaints.length, 1)
      assert.match(complaints[0] ?? '', complaint)
    })
  }
})

describe('a board', () => {
  it('is known by its device tree, else by its processor', () => {
    assert.equal(matchBoard(['raspberrypi,4-model-b', 'brcm,bcm2711'], 'arm64')?.id, 'raspberry-pi-4b')
    assert.equal(matchBoard(['vendor,board', 'brcm,bcm2711'], 'arm64')?.id, 'generic-arm64')
    assert.equal(matchBoard([], 'x64')?.id, 'generic-x64')
    assert.equal(matchBoard([], 'riscv64'), undefined)
  })

  it('gives systemd its memory limits, flags and watchdog', () => {
    const profile = find('raspberry-pi-zero-2w')
    assert.match(writeServiceDropIn(profile), /^MemoryMax=192M\nEnvironment="NODE_OPTIONS=--max-old-space-size=96"$/m)
    assert.match(writeSystemDropIn(profile), /^RuntimeWatchdogSec=15s$/m)
    assert.doesNotMatch(writeSystemDropIn(find('generic-x64')), /Watchdog/)
  })

  it('gives the gateway a configuration that is right', () => {
    for (const profile of boardProfiles) {
      const file = { name: 'fieldgate.toml', text: writeConfiguration(profile) }
      assert.deepEqual(readConfiguration({ adapters, file }).problems, [])
    }
  })

  it('gives the firmware its lines', () => {
    const profile = find('raspberry-pi-4b')
    assert.match(writeBootConfiguration(profile), /^kernel=u-boot\.bin$/m)
    assert.match(writeInterfaceConfiguration(profile), /^dtparam=i2c_arm=on$/m)
    assert.doesNotMatch(writeInterfaceConfiguration(profile), /u-boot/)
  })
})
