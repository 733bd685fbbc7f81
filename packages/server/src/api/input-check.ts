/** Checks what a request gives by the schema of its route, and says what is wrong in it. */
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { ApiProblem } from './problems.ts';

const FAULTS_MAX = 20;

/** Texts of queries and paths become numbers and truth values where the schema has them; a body is what it is. */
export function checkOf(schema: TSchema, httpPart: string | undefined) {
  const check = Compile(schema);
  return (given: unknown) => {
    const value = httpPart === 'body' ? given : Value.Convert(schema, given);
    if (check.Check(value)) return { value };
    const faults = [...check.Errors(value)]
      // Each of those fields has a fault of its own.
      .filter(({ keyword }) => keyword !== 'additionalProperties')
      .map(({ instancePath, keyword, message }) => ({
        at: `${httpPart === 'body' ? '' : `${httpPart}:`}${instancePath}`,
        problem: keyword === 'boolean' ? 'is unknown: no field of this name is taken here' : message,
      }));
    const where = httpPart === 'querystring' ? 'the query' : httpPart === 'params' ? 'the path' : 'the body';
    return { error: new ApiProblem('input-invalid', `Cannot use ${where}: see errors`, faults.slice(0, FAULTS_MAX)) };
  };
}
