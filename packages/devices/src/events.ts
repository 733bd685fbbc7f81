/** Every event of devices: told to listeners, answered by nobody. They hold no secret, and no part of one. */

interface EventFields {
  deviceAdded: { deviceId: string; type: string; by: string };
  deviceChanged: { deviceId: string; fields: string; by: string };
  deviceRemoved: { deviceId: string; by: string };
  deviceErased: { deviceId: string };
  /** At start: removals that a crash left unfinished. */
  removalsResumed: { devices: number };
  tokenIssued: { deviceId: string; tokenId: string; expiresAtMs: number; by: string };
  tokenRevoked: { deviceId: string; tokenId: string; by: string };
  certificateIssued: { deviceId: string; serial: string; notAfterMs: number; by: string };
  certificateRevoked: { deviceId: string; serial: string; reason: string; by: string };
  /** Told once a day for each certificate that is in use. */
  certificateExpiring: { deviceId: string; serial: string; daysLeft: number };
  deviceRegistered: { deviceId: string; type: string; authority: string };
  claimBegun: { claimId: string; type: string; address: string };
  claimConfirmed: { claimId: string; deviceId: string; owner: string };
  claimEnded: { claimId: string; why: 'expired' | 'collected' | 'removed' | 'refused' };
  claimCodeWrong: { owner: string; address: string };
  /** `by`: the renewal token, or the certificate before. */
  certificateRenewed: { deviceId: string; serial: string; by: 'token' | 'certificate' };
  /** `isKnown`: there is such a device. */
  renewalRefused: { deviceId: string; address: string; why: string; isKnown: boolean };
  deviceConnected: { deviceId: string; clientId: string; address: string; session: number };
  deviceDisconnected: { deviceId: string; clientId: string; reason: string; session: number };
  /** At start: devices that a crash left connected. */
  presenceCorrected: { devices: number };
  commandQueued: { commandId: string; deviceId: string; type: string; by: string };
  commandSent: { commandId: string; deviceId: string; attempt: number };
  commandEnded: { commandId: string; deviceId: string; state: string; why: string };
  /** A limit acted; `deviceId` is empty where it is nobody's. */
  deviceLimitReached: { limit: string; deviceId: string; detail: string };
  /** A fault of the service itself. */
  deviceServiceFailed: { error: string };
}

export type DeviceEventName = keyof EventFields;
export type DeviceEvent = {
  [name in DeviceEventName]: { readonly name: name } & Readonly<EventFields[name]>;
}[DeviceEventName];

export interface DeviceEventDescription {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly description: string;
}

export const DEVICE_EVENTS: { readonly [name in DeviceEventName]: DeviceEventDescription } = {
  deviceAdded: { level: 'info', description: 'A device was added to the registry.' },
  deviceChanged: { level: 'info', description: 'A device was changed; `fields` names what.' },
  deviceRemoved: {
    level: 'info',
    description: 'A device was removed: its credentials count no longer. What belonged to it is cleared away next.',
  },
  deviceErased: { level: 'debug', description: 'Nothing is left of a device that was removed, and its id is free.' },
  removalsResumed: { level: 'warn', description: 'What a crash left of devices that were removed was cleared away.' },
  tokenIssued: { level: 'info', description: 'A token was made for a device, or imported.' },
  tokenRevoked: { level: 'info', description: 'A token counts no longer.' },
  certificateIssued: { level: 'info', description: 'A certificate was issued to a device.' },
  certificateRevoked: { level: 'warn', description: 'A certificate was revoked; whoever is connected with it goes.' },
  certificateExpiring: { level: 'warn', description: 'A certificate in use ends soon.' },
  deviceRegistered: {
    level: 'info',
    description: 'A device came with a certificate of an authority whose devices are registered as they come.',
  },
  claimBegun: { level: 'info', description: 'A device asked for a place and got a code.' },
  claimConfirmed: { level: 'info', description: 'An owner entered the code of a device.' },
  claimEnded: { level: 'info', description: 'A claim is over.' },
  claimCodeWrong: { level: 'warn', description: 'Somebody entered a code that no device shows.' },
  certificateRenewed: { level: 'info', description: 'A device renewed its certificate by itself.' },
  renewalRefused: { level: 'warn', description: 'Somebody asked to renew the certificate of a device, and may not.' },
  deviceConnected: { level: 'debug', description: 'A device connected.' },
  deviceDisconnected: { level: 'debug', description: 'The connection of a device ended.' },
  presenceCorrected: { level: 'warn', description: 'Devices that a crash left connected are disconnected now.' },
  commandQueued: { level: 'info', description: 'A command to a device was taken and is stored.' },
  commandSent: { level: 'debug', description: 'A command went out to a device.' },
  commandEnded: { level: 'info', description: 'A command was acknowledged, expired or failed.' },
  deviceLimitReached: { level: 'warn', description: 'A limit of the device service acted.' },
  deviceServiceFailed: { level: 'error', description: 'The device service failed to do what it has to.' },
};
