/** Loaded into each test process by `npm test -- --times`: at its end it notes what it took, for `test-times.ts`. */
import { appendFileSync } from 'node:fs';
import type { TestTime } from './test-times.ts';

const { DUNLIN_TEST_TIMES: path } = process.env;
// The runner, which loads this too, has no file of its own.
const [, file] = process.argv;
if (path !== undefined && file !== undefined)
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    const time: TestTime = { file, wallMs: performance.now(), cpuMs: (user + system) / 1000 };
    appendFileSync(path, `${JSON.stringify(time)}\n`);
  });
