/** Both stores keep the same promises. */

import { MemoryStore } from '../../src/store/memory-store.ts'
import type { StoreValue } from '../../src/store/store.ts'
import { describeStore, type StoreSubject } from '../conformance/store.ts'
import { copyStore, createLevelStore, diskFull, lost, ManualClock } from './fixture.ts'

async function startMemory(groupBytes = 1e6, data?: Map<string, StoreValue>): Promise<StoreSubject> {
  const clock = new ManualClock()
  const store = new MemoryStore({ clock, groupBytes, ...(data && { data }) })
  await store.start()
  return {
    store,
    clock,
    failNext: () => store.failNext(lost),
    hold: () => store.hold(),
    release: () => store.release(),
    afterKill: () => startMemory(groupBytes, new Map(store.data)),
  }
}

async function startLevel(groupBytes = 1e6, from?: string): Promise<StoreSubject> {
  const { store, clock, disk, directory } = createLevelStore({ groupBytes, ...(from && { directory: from }) })
  await store.start()
  let failures = 0
  return {
    store,
    clock,
    failNext: () => {
      disk.fault = { error: diskFull(), isFound: failures++ % 2 === 0 }
    },
    hold: () => {
      disk.held ??= []
    },
    release: () => {
      const held = disk.held ?? []
      disk.held = undefined
      for (const go of held) go()
    },
    afterKill: () => startLevel(groupBytes, copyStore(directory)),
  }
}

describeStore('a store in memory', startMemory)
describeStore('a store on LevelDB', startLevel)
