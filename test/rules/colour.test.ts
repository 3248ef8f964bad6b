import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { accentFor, accentStyles, contrast, grounds } from '../../src/web/colour.ts';
import { fc } from '../support/properties.ts';

const colours = fc.integer({ min: 0, max: 0xffffff }).map((n) => `#${n.toString(16).padStart(6, '0')}`);

describe('the accent colour', () => {
  it('is readable on every ground, in light and dark, whatever colour a company has', () => {
    fc.assert(
      fc.property(colours, fc.constantFrom('light' as const, 'dark' as const), (colour, mode) => {
        const { accent, onAccent } = accentFor(colour, mode);
        for (const ground of grounds[mode]) expect(contrast(accent, ground)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(accent, onAccent)).toBeGreaterThanOrEqual(4.5);
      }),
    );
  });

  it.each(['#000000', '#ffffff', '#ffff00', '#00ff00', '#0000ff', '#ff0000', '#777777', '#fffffe'])(
    'is found for %s too',
    (colour) => {
      for (const mode of ['light', 'dark'] as const)
        for (const ground of grounds[mode])
          expect(contrast(accentFor(colour, mode).accent, ground)).toBeGreaterThanOrEqual(4.5);
    },
  );

  it('is left as it is where it is readable already', () => {
    expect(accentFor('#3b5bdb', 'light')).toEqual({ accent: '#3b5bdb', onAccent: '#ffffff' });
    expect(accentStyles('#3b5bdb')).toMatch(/^:root\{--accent:light-dark\(#3b5bdb,#[0-9a-f]{6}\);/);
  });

  it('knows WCAG’s own examples', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  });

  it('is made for the grounds that the style sheet really has', () => {
    const style = readFileSync(path.join(import.meta.dirname, '../../interactions/shared/style.css'), 'utf8');
    const inStyle = ['surface', 'ground', 'sunken'].map((name) =>
      new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(style)?.slice(1),
    );
    expect(inStyle.map((pair) => pair?.[0])).toEqual([...grounds.light]);
    expect(inStyle.map((pair) => pair?.[1])).toEqual([...grounds.dark]);
  });
});
