/**
 * Aedes as its documentation starts it: `node bench/aedes.ts PORT [FOLDER]` listens on the loopback address, and keeps
 * sessions and retained messages in LevelDB where a folder is named, else in memory.
 */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
// @ts-expect-error It brings no types.
import persistenceOnLevel from 'aedes-persistence-level';
import { Level } from 'level';

const [port, folder] = process.argv.slice(2);
const persistence = folder === undefined ? undefined : persistenceOnLevel(new Level(folder));
const broker = await Aedes.createBroker(persistence && { persistence });
createServer({ noDelay: true }, broker.handle).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
