import { MqttBinding } from '../../src/bindings/mqtt.ts'
import { testBinding } from '../conformance/binding.ts'
import { FakeBroker, ManualClock, own, silent } from './fixture.ts'
import { httpBinding, message, sendRaw } from './http-client.ts'

testBinding('MQTT', {
  async exchange(cse, one) {
    const broker = new FakeBroker()
    new MqttBinding({ broker, handler: cse, own, clock: new ManualClock(), log: silent }).start()
    broker.publish('/oneM2M/req/CAE01/mn-cse-1/json', one.payload ?? JSON.stringify(one.request))
    const { rsc, rqi, pc } = broker.last
    return {
      status: Number(rsc),
      requestIdentifier: rqi as string | undefined,
      reason: JSON.parse(JSON.stringify(pc ?? {}))['m2m:dbg'] ?? '',
    }
  },
})

testBinding('HTTP', {
  async exchange(cse, one) {
    const { method, path, headers, body, text } = one.http
    const answer = await sendRaw(
      httpBinding(cse),
      message(method, path, headers, text ?? (body === undefined ? '' : JSON.stringify(body))),
    )
    return {
      status: Number(answer.headers['x-m2m-rsc']),
      requestIdentifier: answer.headers['x-m2m-ri'],
      reason: answer.body === '' ? '' : (JSON.parse(answer.body)['m2m:dbg'] ?? ''),
    }
  },
})
