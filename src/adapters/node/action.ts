/** What mgmtObjs set off: triggers and the configured commands behind them. Nothing else of a request reaches a command than its words, one by one. */

import type { Json, JsonObject } from '../../onem2m/content.ts'
import { runChild } from '../child.ts'
import { actionOutcome } from './management-object.ts'
import type { NodeSettings } from './setting-table.ts'

export interface Trigger {
  /** Of the mgmtObj. */
  readonly object: 'reboot' | 'firmware' | 'software'
  readonly memberName: string
  /** The attribute that sets it off, on the wire. */
  readonly attribute: string
  readonly action: string
  readonly command: (settings: NodeSettings) => readonly string[]
}

const triggers: readonly Trigger[] = [
  {
    object: 'reboot',
    memberName: 'm2m:rbo',
    attribute: 'rbo',
    action: 'reboot',
    command: (settings) => settings.rebootCommand,
  },
  {
    object: 'reboot',
    memberName: 'm2m:rbo',
    attribute: 'far',
    action: 'factoryReset',
    command: (settings) => settings.factoryResetCommand,
  },
  {
    object: 'firmware',
    memberName: 'm2m:fwr',
    attribute: 'ud',
    action: 'update',
    command: (settings) => settings.firmwareCommand,
  },
  ...(
    [
      ['in', 'install'],
      ['un', 'uninstall'],
      ['act', 'activate'],
      ['dea', 'deactivate'],
    ] as const
  ).map(([attribute, action]) => ({
    object: 'software' as const,
    memberName: 'm2m:swr',
    attribute,
    action,
    command: (settings: NodeSettings) => settings.softwareCommand,
  })),
]

interface ActionContext {
  readonly settings: NodeSettings
  readonly signal: AbortSignal
  /** The mgmtObj as it is. */
  readonly attributes: JsonObject
  readonly update: (content: JsonObject) => Promise<void>
}

/** The trigger among the attributes that changed; those that read as before as soon as they are pulled are told of only then. */
export function triggerOf(object: string, changed: JsonObject): Trigger | undefined {
  return triggers.find(
    (each) => each.object === object && (each.attribute === 'ud' ? changed['ud'] === true : each.attribute in changed),
  )
}

/** Runs the command of a trigger. Resolves with why it failed, or with nothing. */
export async function act(trigger: Trigger, context: ActionContext): Promise<string | undefined> {
  const { settings, signal, attributes, update } = context
  const { memberName, action } = trigger
  const tell = (status: 1 | 2 | 3) => update(actionOutcome(memberName, action, status))
  const [program, ...parameters] = trigger.command(settings)
  if (program === undefined) {
    await tell(2)
    return `${action} was asked for, and no command is configured for it`
  }
  // Said first: a machine that reboots must not find the wish again.
  await tell(3)
  const words: Readonly<Record<string, Json | undefined>> = {
    url: attributes['url'],
    version: attributes['vr'],
    action,
  }
  const filled = parameters.map((word) =>
    word.replaceAll(/\{(url|version|action)\}/g, (_, name: string) => String(words[name] ?? '')),
  )
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(settings.commandTimeoutMs)])
    const { code, ending } = await runChild({ command: program, arguments: filled, signal: limit })
    if (code !== 0) throw new Error(ending)
    await tell(1)
    return undefined
  } catch (error) {
    await tell(2)
    return `${action}: ${error instanceof Error ? error.message : String(error)}`
  }
}
