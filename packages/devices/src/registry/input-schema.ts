/** What a caller may give as input of a command: a JSON Schema of the configuration. */
import { createRequire } from 'node:module';
import type { ErrorObject } from 'ajv/dist/2020.js';

const require = createRequire(import.meta.url);

/** Faults of an input, none where it fits. */
export type InputCheck = (input: unknown) => readonly string[];

/** Without a schema no input is taken. @throws Error for a schema (draft 2020-12) that cannot be used */
export function compileSchema(schema: unknown): InputCheck {
  if (schema === undefined) return (input) => (input === undefined ? [] : ['input is given: none is expected']);
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema)))
    throw new Error('a JSON Schema is expected');
  if (typeof schema === 'object' && '$async' in schema) throw new Error('a JSON Schema without "$async" is expected');
  // Loaded when asked for, which a module that is no ES module can be at once: few servers have a schema.
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  const validate = new Ajv2020({ strict: true, allErrors: false }).compile(schema);
  return (input) => {
    // To JSON Schema what is not there is no value at all; to a caller without input it is an empty group.
    if (validate(input === undefined ? {} : input)) return [];
    return (validate.errors ?? []).map(faultText);
  };
}

function faultText({ instancePath, message }: ErrorObject): string {
  return `input${instancePath.replaceAll('/', '.')} ${message ?? 'does not fit the schema'}`;
}
