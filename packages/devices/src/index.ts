/** What the package offers: the device service and its parts, and an X.509 authority of one's own. */

export {
  type CertifiedKey,
  type ClientCertificate,
  createAuthority,
  createCrl,
  isServerName,
  issueClientCertificate,
  issueServerCertificate,
} from './authority.ts';
export type { Device } from './device.ts';
export type { AcknowledgementForm, ClientIdForm, CommandForm, DeviceType, PresenceForm } from './device-type.ts';
export { DEVICE_EVENTS, type DeviceEvent, type DeviceEventDescription, type DeviceEventName } from './events.ts';
export type { DeliveryOutcome, DeviceBroker, ReceivedByService, ServiceParts, Tables } from './ports.ts';
