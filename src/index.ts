/** What developers of applications import: the client and the words of the standard that it takes and returns. Importing it does no I/O. */

export { Application, type ApplicationOptions, type ContainerOptions, type OnContent } from './client/application.ts'
export { readAttributes, writeContent } from './client/attribute.ts'
export { OneM2MClient, type OneM2MClientOptions, type RequestOptions } from './client/client.ts'
export { type ConnectOptions, connect, OneM2MHTTPClient, OneM2MMQTTClient } from './client/connect.ts'
export type { HttpListenerOptions } from './client/http-listener.ts'
export { HttpTransport } from './client/http-transport.ts'
export { decodeInstance, encodeInstance } from './client/instance-content.ts'
export { MqttTransport } from './client/mqtt-transport.ts'
export type { Notification, NotificationStream } from './client/notification.ts'
export type { Answer, RequestReceiver } from './client/reception.ts'
export { run } from './client/runner.ts'
export { type Sensor, type SensorWatchOptions, watchSensors } from './client/sensor-watch.ts'
export { OneM2MResponseError, type SendOptions, type TlsOptions, type Transport } from './client/transport.ts'
export { type Content, contentObject, type Json, type JsonObject, JsonText } from './onem2m/content.ts'
export { type AttributeCondition, type FilterCriteria, FilterOperation, FilterUsage } from './onem2m/filter-criteria.ts'
export type { Log } from './onem2m/log.ts'
export { encodeRequest } from './onem2m/parameter.ts'
export {
  type DesiredIdentifierResultType,
  Operation,
  type RequestPrimitive,
  type ResponsePrimitive,
  type ResponseType,
  ResponseTypeValue,
  ResultContent,
} from './onem2m/primitive.ts'
export { OneM2MError, type ResponseStatusCode, Status } from './onem2m/status.ts'
export { formatTimestamp, parseDuration, parseTimestamp } from './onem2m/timestamp.ts'
export { ae } from './resources/ae.ts'
export { container } from './resources/container.ts'
export { contentInstance } from './resources/content-instance.ts'
export { resourceTypes } from './resources/index.ts'
export type { AttributesOf, ResourceType } from './resources/resource-type.ts'
export { subscription } from './resources/subscription.ts'
