/** Routes of many devices at once: into the registry from a file, and out of it into one. */
import { Readable } from 'node:stream';
import { type DeviceService, exportDevices, gathered, type ImportReport, importDevices } from '@dunlin/devices';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { boundedStream } from './bounded-stream.ts';
import { QUERY_OF_DEVICES } from './device-routes.ts';

const tag = 'devices';
const CSV = 'text/csv';
const JSON_TYPES = ['application/json', 'application/x-ndjson'];

const REPORT = Type.Object({
  added: Type.Integer(),
  changed: Type.Integer(),
  unchanged: Type.Integer(),
  tokens: Type.Integer({ description: 'Tokens that the devices did not have.' }),
  weakTokens: Type.Integer({ description: 'Tokens of the file that are below 16 bytes, which somebody can guess.' }),
  faulty: Type.Integer({ description: 'Entries that were left out; the others were imported.' }),
  faults: Type.Array(Type.Object({ line: Type.Integer(), problem: Type.String() }), { description: 'The first 1000.' }),
});

/** `bytesMax`: of what is imported at once. */
export function transferRoutes({ registry, tokens }: DeviceService, bytesMax: number): ApiRoute[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/devices/import',
      operationId: 'importDevices',
      summary:
        'Add and change devices from a file; the same file again changes nothing. Tokens need credentials:write too',
      tag,
      scope: 'devices:write',
      query: Type.Object(
        { dryRun: Type.Optional(Type.Boolean({ description: 'Say what would be done, and do nothing.' })) },
        CLOSED,
      ),
      body: Type.Unsafe<AsyncIterable<Uint8Array>>(Type.String()),
      bodyKind: { contentTypes: [CSV, ...JSON_TYPES], bytesMax },
      answer: REPORT,
      async handle({ caller, query: { dryRun = false }, body, contentType }) {
        const options = {
          format: contentType === CSV ? 'csv' : 'json',
          registry,
          tokens: caller.scopes.has('credentials:write') ? tokens : undefined,
          by: caller.by,
          isDryRun: dryRun,
        } as const;
        const { faults, ...counts } = await gathered(
          'device.import',
          () => importDevices(boundedStream(body, bytesMax), options),
          audited,
        );
        return { body: { ...counts, faults: [...faults] } };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/devices/export',
      operationId: 'exportDevices',
      summary: 'Devices as a file that can be imported; without tokens',
      tag,
      scope: 'devices:read',
      query: Type.Object({ ...QUERY_OF_DEVICES, format: Type.Optional(Type.Enum(['json', 'csv'])) }, CLOSED),
      handle({ query: { format = 'json', ...query } }) {
        const contentType = format === 'csv' ? `${CSV}; charset=utf-8` : 'application/json; charset=utf-8';
        return { body: Readable.from(exportDevices(registry, format, query)), contentType };
      },
    }),
  ];
}

const FAULTY_LINES_MAX = 100;

/** Without the words of the faults, which may repeat what the file holds. */
function audited({ faults, unchanged, faulty }: ImportReport) {
  return { unchanged, faulty, faultyLines: faults.slice(0, FAULTY_LINES_MAX).map(({ line }) => line) };
}
