/** An emulated board with an image in it: started, stopped as by a power cut, and spoken to over forwarded ports. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../free-port.ts'

export interface MachineFiles {
  readonly disk: string
  /** A second disk, read-only, which the system finds as /dev/vdb. */
  readonly updates: string
  readonly sshKey: string
  readonly serialLog: string
}

export class Machine {
  readonly #files: MachineFiles
  #ports: { readonly mqtt: number; readonly ssh: number } = { mqtt: 0, ssh: 0 }
  #emulator: ChildProcess | undefined

  constructor(files: MachineFiles) {
    this.#files = files
  }

  get mqttUrl(): string {
    return `mqtt://127.0.0.1:${this.#ports.mqtt}`
  }

  async start(): Promise<void> {
    const { disk, updates, serialLog } = this.#files
    this.#ports = { mqtt: await freePort(), ssh: await freePort() }
    const forwards = [`tcp:127.0.0.1:${this.#ports.mqtt}-:1883`, `tcp:127.0.0.1:${this.#ports.ssh}-:22`]
    const words = [
      ...['-M', 'virt', '-cpu', 'cortex-a72', '-smp', '2', '-m', '1024', '-nographic'],
      ...['-bios', '/usr/lib/u-boot/qemu_arm64/u-boot.bin'],
      ...['-drive', `if=none,file=${disk},format=raw,id=card`, '-device', 'virtio-blk-pci,drive=card'],
      ...[
        '-drive',
        `if=none,file=${updates},format=raw,readonly=on,id=updates`,
        '-device',
        'virtio-blk-pci,drive=updates',
      ],
      ...['-netdev', `user,id=net,${forwards.map((forward) => `hostfwd=${forward}`).join(',')}`],
      ...['-device', 'virtio-net-pci,netdev=net'],
    ]
    const serial = openSync(serialLog, 'a')
    this.#emulator = spawn('nice', ['-n', '10', 'qemu-system-aarch64', ...words], { stdio: ['ignore', serial, serial] })
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    const emulator = this.#emulator
    this.#emulator = undefined
    if (!emulator || emulator.exitCode !== null) return
    const ended = once(emulator, 'exit')
    emulator.kill('SIGKILL')
    await ended
  }

  /** Runs a shell command as root. Throws when it fails; what it said on standard error is part of what comes back. */
  run(command: string): string {
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'ConnectTimeout=20', 'LogLevel=ERROR']
    const words = [
      '-i',
      this.#files.sshKey,
      '-p',
      String(this.#ports.ssh),
      ...options.flatMap((option) => ['-o', option]),
    ]
    return execFileSync('ssh', [...words, 'root@127.0.0.1', `( ${command} ) 2>&1`], {
      encoding: 'utf8',
      timeout: 300_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  }

  /** Asks until a command prints what is expected. Rejects after so many seconds. */
  async until(command: string, expected: RegExp, seconds = 600): Promise<string> {
    let last = ''
    for (const deadlineMs = performance.now() + seconds * 1000; performance.now() < deadlineMs; await pause(3000)) {
      try {
        last = this.run(command)
        if (expected.test(last)) return last
      } catch (error) {
        last = String(error)
      }
    }
    throw new Error(`${command}: not ${expected} within ${seconds} s but ${last}`)
  }
}
