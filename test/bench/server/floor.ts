/**
 * The floor: what MQTT, HTTP and JSON cost without a broker and a CSE. Bare servers that parse each request and answer it with a reply of
 * the usual size.
 */

import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import mqtt from 'mqtt-packet'

const sample = {
  rn: 'cin-1',
  ty: 4,
  ri: 'cnt0123456789abcdef-1',
  pi: 'cnt0123456789abcdef',
  ct: '20260101T000000',
  lt: '20260101T000000',
  et: '20270101T000000',
  st: 1,
  cs: 64,
  con: 'x'.repeat(64),
}

const server = createServer({ noDelay: true }, (socket) => {
  const parser = mqtt.parser()
  let unsent: Buffer[] = []
  const write = (packet: mqtt.Packet) => {
    if (unsent.length === 0)
      setImmediate(() => {
        socket.write(Buffer.concat(unsent))
        unsent = []
      })
    unsent.push(mqtt.generate(packet))
  }
  parser.on('packet', (packet) => {
    switch (packet.cmd) {
      case 'connect':
        write({ cmd: 'connack', returnCode: 0, sessionPresent: false })
        break
      case 'subscribe':
        write({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(({ qos }) => qos) })
        break
      case 'publish': {
        const { rqi } = JSON.parse(packet.payload.toString()) as { rqi: string }
        if (packet.qos > 0) write({ cmd: 'puback', messageId: packet.messageId ?? 0 })
        const reply = { rsc: 2000, rqi, rvi: '3', pc: { 'm2m:cin': sample } }
        write({
          cmd: 'publish',
          topic: packet.topic.replace('/req/', '/resp/'),
          payload: JSON.stringify(reply),
          qos: packet.qos,
          retain: false,
          dup: false,
          ...(packet.qos > 0 ? { messageId: packet.messageId ?? 1 } : {}),
        })
        break
      }
    }
  })
  socket.on('data', (chunk) => parser.parse(chunk))
  socket.on('error', () => socket.destroy())
})

const httpServer = createHttpServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString())
    const body = JSON.stringify({ 'm2m:cin': sample })
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-m2m-rsc': '2000',
      'x-m2m-ri': request.headers['x-m2m-ri'] ?? '',
    })
    response.end(body)
  })
})

const portOf = (listening: { address(): AddressInfo | string | null }) => (listening.address() as AddressInfo).port
server.listen(0, '127.0.0.1', () => {
  httpServer.listen(0, '127.0.0.1', () => {
    const ready = { mqtt: [`127.0.0.1:${portOf(server)}`], http: [`127.0.0.1:${portOf(httpServer)}`] }
    process.stderr.write(`${JSON.stringify({ message: 'ready', ...ready })}\n`)
  })
})
