import { openKind } from './open-kind.ts';
import { raceSuite } from './suite.ts';

raceSuite(() => openKind('redis'), { rounds: 100 });
