/** Which HTTP status carries which response status code (TS-0009 table 6.3.2-1), and what a bare HTTP status means. */

import { type ResponseStatusCode, Status } from './status.ts'

const rows: ReadonlyArray<readonly [number, readonly ResponseStatusCode[]]> = [
  [200, [2000, 2002, 2004]],
  [201, [2001]],
  [202, [1000, 1001, 1002]],
  [400, [4000, 4102, 4110, 4120, 4122, 4123, 4143, 6010, 6022, 6023, 6024]],
  [403, [4101, 4103, 4106, 4107, 4108, 4109, 4111, 4112, 4113, 4114, 4115, 4116, 4117, 4126, 4127, 4128]],
  [403, [5105, 5203, 5205, 5208, 5214, 5215, 5218, 5222]],
  [404, [4004, 4118, 4119, 4121, 5103, 5107, 6003, 6005]],
  [405, [4005]],
  [406, [5207]],
  [409, [4104, 4105, 4124, 5106, 5219, 5220, 6028, 6029]],
  [415, [4015]],
  [500, [5000, 5204, 5209, 5210, 5211, 5212, 5216, 5217, 5221, 6020, 6021, 6025, 6026]],
  [501, [4001, 4125, 5001, 5206]],
  [504, [4008, 6030, 6031]],
]
const httpByStatus = new Map(rows.flatMap(([http, codes]) => codes.map((code) => [code, http] as const)))

/** The HTTP status for a response status code; one that the table lacks goes by its class. */
export function httpStatusOf(code: ResponseStatusCode): number {
  const listed = httpByStatus.get(code)
  if (listed !== undefined) return listed
  if (code < 2000) return 202
  if (code < 3000) return 200
  return code < 5000 ? 400 : 500
}

const statusByHttp: Readonly<Record<number, ResponseStatusCode>> = {
  201: Status.CREATED,
  202: Status.ACCEPTED,
  403: Status.ORIGINATOR_HAS_NO_PRIVILEGE,
  404: Status.NOT_FOUND,
  405: Status.OPERATION_NOT_ALLOWED,
  406: Status.NOT_ACCEPTABLE,
  408: Status.REQUEST_TIMEOUT,
  409: Status.CONFLICT,
  415: Status.UNSUPPORTED_MEDIA_TYPE,
  501: Status.NOT_IMPLEMENTED,
  502: Status.TARGET_NOT_REACHABLE,
  503: Status.TARGET_NOT_REACHABLE,
  504: Status.REQUEST_TIMEOUT,
}

/** What an HTTP status says on its own, for servers that send no X-M2M-RSC. A redirection is not followed, so it reaches nobody. */
export function statusOfHttp(http: number): ResponseStatusCode {
  const listed = statusByHttp[http]
  if (listed !== undefined) return listed
  if (http < 300) return Status.OK
  if (http < 400) return Status.TARGET_NOT_REACHABLE
  return http < 500 ? Status.BAD_REQUEST : Status.INTERNAL_SERVER_ERROR
}
