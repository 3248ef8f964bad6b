import { openKind } from './open-kind.ts';
import { raceSuite } from './suite.ts';

// Every answer of a store is late, so a round takes long; what is found is found early, and `npm run races` plays on.
raceSuite(() => openKind('jitter'), { rounds: 10 });
