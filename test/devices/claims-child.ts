/** Provisions devices by claim, one after the other, and tells each step that was answered, until it is killed. */
import { readFileSync } from 'node:fs';
import { openClaimsService, TYPES } from './claims-service.ts';

const [, , directory, authority] = process.argv;
const { service } = await openClaimsService(directory, JSON.parse(readFileSync(authority, 'utf8')));
const tell = (...words: string[]): void => void process.stdout.write(`${words.join(' ')}\n`);

for (let count = 0; ; count += 1) {
  const { claimId, secret, code } = await service.claims.begin({ type: TYPES[count % 2] }, 'test');
  tell('begun', claimId, secret, code);
  const { registered } = await service.claims.confirm(code, { owner: 'ada', by: 'test', address: undefined });
  tell('confirmed', claimId, registered.device.id);
  const collected = await service.claims.collect(claimId, secret);
  if (collected.state === 'ready')
    tell('collected', claimId, collected.credentials.token ?? collected.credentials.certificate?.serial ?? '');
}
