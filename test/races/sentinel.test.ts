import { openKind } from './open-kind.ts';
import { tokenRows } from './rows-tokens.ts';
import { raceSuite } from './suite.ts';

// What apps may use once, for it is what a primary with replicas could forget; `npm run races` plays everything.
raceSuite(() => openKind('sentinel'), { rounds: 100, rows: tokenRows });
