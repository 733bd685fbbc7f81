import { describeTcp } from './contract/tcp.ts';

describeTcp('net');
