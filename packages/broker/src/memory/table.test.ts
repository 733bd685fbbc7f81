import { tableContract } from '../contract/table.ts';
import { MemoryTable } from './table.ts';

tableContract('MemoryTable', async (definition) => new MemoryTable(definition));
