import { openKind } from './open-kind.ts';
import { raceSuite } from './suite.ts';

raceSuite(() => openKind('cluster'), { rounds: 100 });
