/**
 * Generic interworking as data (TS-0004 annex on <flexContainer> specializations): services of other technologies and calls of their operations,
 * with links to the flexContainers of their data points. Lines as those of module classes; each technology has definitions of its own.
 */

export interface GenericInterworking {
  readonly name: string
  readonly shortName: string
  readonly attributes: readonly string[]
}

const links: readonly string[] = ['inputLinks giip list', 'outputLinks giop list']

export const genericInterworking: readonly GenericInterworking[] = [
  { name: 'genericInterworkingService', shortName: 'gis', attributes: ['serviceName! gisn text', ...links] },
  {
    name: 'genericInterworkingOperationInstance',
    shortName: 'gio',
    attributes: ['operationName! gion text', 'operationState! gios text', ...links],
  },
]
