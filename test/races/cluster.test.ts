import { openKind } from './open-kind.ts';
import { raceSuite } from './suite.ts';

// What rests on PostgreSQL alone has run its hundred beside one Redis.
raceSuite(() => openKind('cluster'), { rounds: 100, onRecords: 20 });
