import { embeddedStores } from './kinds.ts';
import { raceSuite } from './suite.ts';

raceSuite(embeddedStores, { rounds: 100 });
