import { tableContract } from '@dunlin/broker/contract/table';
import { openEnvironment } from './testing/directory.ts';

tableContract('LmdbTable', async (definition) => (await openEnvironment()).table(definition));
