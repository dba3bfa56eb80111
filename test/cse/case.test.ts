import { testCse } from '../conformance/cse.ts'
import { handOver, overHttp, overMqtt } from './exchange.ts'

testCse('handle', handOver)
testCse('MQTT', overMqtt)
testCse('HTTP', overHttp)
