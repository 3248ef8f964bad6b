import { describe, expect, it } from '@jest/globals';
import { manuals, staleManuals } from '../scripts/print-manuals.ts';
import { settingsSchema } from '../src/settings/schema.ts';

describe('the manuals', () => {
  it('say what the code says; if not, run: npm run manuals', () => {
    expect(manuals.length).toBeGreaterThan(2);
    expect(staleManuals()).toEqual([]);
  });

  it('leave no setting without a description', () => {
    const undescribed = Object.entries(settingsSchema.shape).filter(([, s]) => !s.meta()?.description);
    expect(undescribed.map(([name]) => name)).toEqual([]);
  });
});
