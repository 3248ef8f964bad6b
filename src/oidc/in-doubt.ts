import type { Services } from '../services.ts';
import type { LiveStep } from '../store/live.ts';

export function settleLater(
  _context: Pick<Services, 'live' | 'clock' | 'log'>,
  _steps: readonly LiveStep[],
): void {}
