import { openKind } from './open-kind.ts';
import { raceSuite } from './suite.ts';

// Every answer of a store is late, so a round takes long; what is found is found early, and `npm run races` plays on. With four
// rounds at once as elsewhere, who wins a lock waits for a connection behind those who wait for the lock, and is told 503.
raceSuite(() => openKind('jitter'), { rounds: 10, overlap: 2 });
