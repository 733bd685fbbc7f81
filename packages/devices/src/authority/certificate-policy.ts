/** What the authority has to say of a certificate that a device shows: to the method that lets devices in. */
import type { Awaitable, CertificateFacts, Refusal } from '@dunlin/broker';
import { after } from '../awaitable.ts';
import { unacceptedCertificate } from '../credentials/device-checks.ts';
import type { CertificatePolicy } from '../credentials/device-method.ts';
import type { RegisteredDevice } from '../registry/registry.ts';
import type { Certificates } from './certificates.ts';
import type { Registration } from './registration.ts';

export class IssuedCertificatePolicy implements CertificatePolicy {
  readonly #certificates: Certificates | undefined;
  readonly #registration: Registration;

  /** `certificates`: undefined where no authority issues. */
  constructor(certificates: Certificates | undefined, registration: Registration) {
    this.#certificates = certificates;
    this.#registration = registration;
  }

  /**
   * A certificate that is not remembered counts: one that the authority issued elsewhere, or before a backup was restored.
   * The first time that a certificate is shown, it waits until that is stored.
   */
  shown({ device, generation }: RegisteredDevice, facts: CertificateFacts): Awaitable<Refusal | undefined> {
    const certificates = this.#certificates;
    if (certificates === undefined || facts.authority !== certificates.authority) return undefined;
    return after(certificates.table.get(facts.serial), (found) => {
      if (found === undefined) return undefined;
      const { value } = found;
      if (value.deviceId !== device.id || value.generation !== generation) {
        const detail = `certificate ${facts.serial} was given to a device that had the id before; one of its own is expected`;
        return unacceptedCertificate('certificate-authority', detail);
      }
      if (value.firstUsedAtMs !== undefined) return undefined;
      return certificates.used(facts.serial).then(() => undefined);
    });
  }

  register(deviceId: string, facts: CertificateFacts): Promise<RegisteredDevice | Refusal | undefined> {
    return this.#registration.register(deviceId, facts);
  }
}
