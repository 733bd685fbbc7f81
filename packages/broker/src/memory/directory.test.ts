import { directoryContract } from '../contract/directory.ts';
import { LocalDirectory } from './directory.ts';

directoryContract('LocalDirectory', async () => new LocalDirectory());
