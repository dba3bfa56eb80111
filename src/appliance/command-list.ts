/** The commands, their options and their examples: the help and the parsing follow from this list. */

import type { Command, OptionRow } from './command.ts'

const configurationOptions: Readonly<Record<string, OptionRow>> = {
  config: {
    value: 'FILE',
    short: 'c',
    text: 'configuration file (else ./fieldgate.toml, else /etc/fieldgate/fieldgate.toml)',
  },
}

function stateOptions(dataDirectory: string): Readonly<Record<string, OptionRow>> {
  const text = `where the state is kept (else $STATE_DIRECTORY, else ${dataDirectory})`
  return { 'data-dir': { value: 'DIR', short: 'd', text } }
}

const stateOption: Readonly<Record<string, OptionRow>> = {
  'data-dir': {
    value: 'DIR',
    short: 'd',
    text: 'where the state is (else $STATE_DIRECTORY, /var/lib/fieldgate, ./data)',
  },
}

const clientOptions: Readonly<Record<string, OptionRow>> = {
  url: { value: 'URL', short: 'u', text: 'the gateway to speak to (else $FIELDGATE_URL, else http://localhost:8000)' },
  originator: { value: 'AE-ID', short: 'o', text: 'who asks (else $FIELDGATE_ORIGINATOR, else Ccli)' },
  json: { text: 'print what came back as one line of JSON' },
}

function processOptions(dataDirectory: string): Readonly<Record<string, OptionRow>> {
  return {
    ...configurationOptions,
    ...stateOptions(dataDirectory),
    mqtt: {
      value: 'HOST:PORT',
      text: 'where MQTT clients connect, instead of mqtt.listen; a port alone means localhost',
    },
    http: {
      value: 'HOST:PORT',
      text: 'where HTTP clients connect, instead of http.listen; a port alone means localhost',
    },
  }
}

export const commands: readonly Command[] = [
  {
    name: 'gateway',
    operandCount: [0, 0],
    summary: 'run the gateway in the foreground',
    options: processOptions('./data'),
    examples: ['fieldgate gateway', 'fieldgate gateway --mqtt 1884 --http 8080 --data-dir /tmp/second'],
    load: () => import('./commands/gateway.ts'),
  },
  {
    name: 'backend',
    operandCount: [0, 0],
    summary: 'run the same program as the IN-CSE that gateways register with',
    options: processOptions('./data-backend'),
    examples: ['fieldgate backend', 'fieldgate backend --mqtt 0.0.0.0:11883'],
    load: () => import('./commands/backend.ts'),
  },
  {
    name: 'check-config',
    operands: '[FILE]',
    operandCount: [0, 1],
    summary: 'say what is wrong with a configuration, or what it sets',
    options: {
      ...configurationOptions,
      backend: { short: 'b', text: 'of a backend, which has defaults of its own' },
      all: { short: 'a', text: 'list every key with its value, defaults too' },
    },
    examples: [
      'fieldgate check-config',
      'fieldgate check-config --backend',
      'fieldgate check-config --all ./fieldgate.toml',
    ],
    load: () => import('./commands/check-config.ts'),
  },
  {
    name: 'sensors',
    operands: 'list | read ADAPTER | probe [ADAPTER]',
    operandCount: [1, 2],
    summary: 'show what the adapters of a gateway read, read one here and now, or look for devices',
    options: {
      ...configurationOptions,
      ...stateOptions('./data'),
      ...clientOptions,
      wait: { value: 'SECONDS', text: 'read: how long to wait for what comes by itself (else 5)' },
    },
    examples: [
      'fieldgate sensors probe',
      'fieldgate sensors probe >> fieldgate.toml',
      'fieldgate sensors read w1',
      'fieldgate sensors list',
    ],
    load: () => import('./commands/sensors.ts'),
  },
  {
    name: 'import-openmtc',
    operands: 'FILE',
    operandCount: [1, 1],
    summary: "print what OpenMTC's configuration is in a file of ours",
    options: {},
    examples: [
      'fieldgate import-openmtc config-gateway.json > fieldgate.toml',
      'fieldgate gateway --config config-gateway.json',
    ],
    load: () => import('./commands/import-openmtc.ts'),
  },
  {
    name: 'inventory',
    operandCount: [0, 0],
    summary: 'say what this machine is: maker, model, versions',
    options: { json: { text: 'print one line of JSON' } },
    examples: ['fieldgate inventory'],
    load: () => import('./commands/inventory.ts'),
  },
  {
    name: 'get',
    operands: 'PATH',
    operandCount: [1, 1],
    summary: 'retrieve a resource',
    options: { ...clientOptions, value: { short: 'v', text: 'print only the content of a contentInstance' } },
    examples: ['fieldgate get onem2m', 'fieldgate get onem2m/system/memory/available/la --value'],
    load: () => import('./commands/get.ts'),
  },
  {
    name: 'create',
    operands: 'PATH TYPE [NAME=VALUE ... | JSON | -]',
    operandCount: [2, Number.POSITIVE_INFINITY],
    summary: 'create a resource below PATH',
    options: clientOptions,
    examples: [
      'fieldgate create onem2m ae rn=myapp api=Nmyapp rr=false srv=3',
      'fieldgate create onem2m/myapp container rn=temp mni=100',
      'fieldgate create onem2m/myapp/temp contentInstance con=21.4',
      'echo \'{"con": {"t": 21.4}}\' | fieldgate create onem2m/myapp/temp cin -',
    ],
    load: () => import('./commands/create.ts'),
  },
  {
    name: 'set',
    operands: 'PATH NAME=VALUE ... | JSON | -',
    operandCount: [2, Number.POSITIVE_INFINITY],
    summary: 'change attributes of a resource; NAME= deletes one',
    options: clientOptions,
    examples: ['fieldgate set onem2m/myapp/temp mni=50 lbl=indoor,attic', 'fieldgate set onem2m/myapp/temp lbl='],
    load: () => import('./commands/set.ts'),
  },
  {
    name: 'delete',
    operands: 'PATH',
    operandCount: [1, 1],
    summary: 'delete a resource and what is below it',
    options: clientOptions,
    examples: ['fieldgate delete onem2m/myapp/temp'],
    load: () => import('./commands/delete.ts'),
  },
  {
    name: 'discover',
    operands: '[PATH]',
    operandCount: [0, 1],
    summary: 'list the resources below PATH, one address a line',
    options: {
      ...clientOptions,
      type: { value: 'TYPE', short: 't', isRepeatable: true, text: 'only of this type: container, cnt or 3' },
      label: { value: 'LABEL', short: 'l', isRepeatable: true, text: 'only with this label' },
      limit: { value: 'N', short: 'n', text: 'at most so many' },
      tree: { text: 'draw them as a tree' },
    },
    examples: ['fieldgate discover --tree', 'fieldgate discover onem2m/system --type container --limit 20'],
    load: () => import('./commands/discover.ts'),
  },
  {
    name: 'help',
    operands: '[COMMAND | configuration]',
    operandCount: [0, 1],
    summary: 'explain a command, or every key of the configuration',
    options: {},
    examples: ['fieldgate help create', 'fieldgate help configuration'],
    load: () => import('./commands/help.ts'),
  },
  {
    name: 'account',
    operands: 'add|remove|passwd|token|list [NAME]',
    operandCount: [1, 2],
    summary: 'say who may come in over the network, and as what',
    options: {
      ...stateOption,
      originator: {
        value: 'AE-ID',
        isRepeatable: true,
        text: 'it may speak for this AE-ID or CSE-ID, * for any characters; else it registers one AE and keeps it',
      },
      topic: { value: 'FILTER=ACCESS', isRepeatable: true, text: 'plain topics that it may read, write or readwrite' },
      admin: { text: 'it may do everything' },
      stdin: { text: 'read the password from standard input instead of making one' },
    },
    examples: ['fieldgate account add meter', "fieldgate account add zigbee --topic 'zigbee2mqtt/#=readwrite'"],
    load: () => import('./commands/account.ts'),
  },
  {
    name: 'cert',
    operands: 'server|ae|cse|revoke|list [NAME]',
    operandCount: [1, 2],
    summary: 'issue certificates: for this machine, for AEs and CSEs',
    options: {
      ...configurationOptions,
      ...stateOption,
      out: {
        value: 'DIR',
        text: 'where the certificate of an AE or CSE and its key go (else the directory that you are in)',
      },
    },
    examples: ['fieldgate cert ae //openmtc.org/mn-cse-1/Cmeter', 'fieldgate cert server barn-7.example.org'],
    load: () => import('./commands/cert.ts'),
  },
  {
    name: 'provision',
    operandCount: [0, 0],
    summary: 'make this machine ready for the network: an authority, a certificate, an administrator',
    options: { ...configurationOptions, ...stateOption },
    examples: ['fieldgate provision'],
    load: () => import('./commands/provision.ts'),
  },
  {
    name: 'backup',
    operands: 'FILE',
    operandCount: [1, 1],
    summary: 'write the state and the configuration into one file, while no gateway runs',
    options: { ...configurationOptions, ...stateOption, secrets: { text: 'with accounts, keys and certificates' } },
    examples: ['systemctl stop fieldgate && fieldgate backup /var/backups/barn-7.tar.gz; systemctl start fieldgate'],
    load: () => import('./commands/backup.ts'),
  },
  {
    name: 'restore',
    operands: 'FILE --yes',
    operandCount: [1, 1],
    summary: 'put the state and the configuration of a backup in place of those that are there',
    options: { ...configurationOptions, ...stateOption, yes: { text: 'replace what is there' } },
    examples: ['fieldgate restore /var/backups/barn-7.tar.gz --yes'],
    load: () => import('./commands/restore.ts'),
  },
  {
    name: 'factory-reset',
    operands: '--yes',
    operandCount: [0, 0],
    summary: 'remove everything that the gateway has been told and has learned',
    options: { ...stateOption, yes: { text: 'for good' } },
    examples: ['fieldgate factory-reset --yes'],
    load: () => import('./commands/factory-reset.ts'),
  },
  {
    name: 'update',
    operands: '[FILE]',
    operandCount: [0, 1],
    summary: 'put a signed update into the slot of the image that does not run',
    options: {
      reboot: { text: 'start it at once' },
      confirm: { text: 'keep the slot that runs, after it was tried' },
    },
    examples: ['fieldgate update /data/fieldgate-0.2.0-raspberry-pi-4b.update --reboot'],
    load: () => import('./commands/update.ts'),
  },
  {
    name: 'apply-boot-files',
    operandCount: [0, 0],
    summary: 'take over the files for people on the boot partition of an image, at its start',
    options: {},
    examples: ['fieldgate apply-boot-files'],
    load: () => import('./commands/apply-boot-files.ts'),
  },
  {
    name: 'profile',
    operands: 'show [BOARD] | detect',
    operandCount: [1, 2],
    summary: 'say which board this is, and what its profile sets',
    options: {
      systemd: { text: 'show it as a drop-in for fieldgate.service' },
      'config-txt': { text: 'show the lines for the config.txt of Raspberry Pi OS' },
    },
    examples: [
      'fieldgate profile detect',
      'fieldgate profile show raspberry-pi-4b',
      'fieldgate profile show --systemd > /etc/systemd/system/fieldgate.service.d/board.conf',
    ],
    load: () => import('./commands/profile.ts'),
  },
  {
    name: 'licenses',
    operandCount: [0, 0],
    summary: 'print what the program contains and under which licences',
    options: {},
    examples: ['fieldgate licenses'],
    load: () => import('./commands/licenses.ts'),
  },
  {
    name: 'version',
    operandCount: [0, 0],
    summary: 'print the version',
    options: {},
    examples: ['fieldgate version'],
    load: () => import('./commands/version.ts'),
  },
]
