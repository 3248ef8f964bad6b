/**
 * The company's accent colour, made readable. A brand's colour was chosen for a logo: as a link on white or on a dark
 * ground it may be far too pale. Here it is moved in OKLab lightness, hue kept, until text in it has a contrast of
 * 4.5:1 against every ground it is used on (WCAG 2.2, 1.4.3), once for light and once for dark.
 */
type Rgb = readonly [number, number, number];

/** The grounds in style.css that accent-coloured text stands on. */
export const grounds = {
  light: ['#ffffff', '#f7f6f3', '#efede8'],
  dark: ['#1f1e1c', '#161514', '#2b2a27'],
} as const;
const inks = ['#ffffff', '#161514'] as const;
const leastContrast = 4.5;

export type Accent = { accent: string; onAccent: string };

/** `colour` is `#rrggbb`. */
export function accentFor(colour: string, mode: 'light' | 'dark'): Accent {
  const step = mode === 'light' ? -0.01 : 0.01;
  let accent = colour.toLowerCase();
  for (let lightness = lightnessOf(accent); !readable(accent, mode); lightness += step)
    accent = withLightness(colour, lightness);
  const [white, ink] = inks;
  return { accent, onAccent: contrast(accent, white) >= contrast(accent, ink) ? white : ink };
}

export function accentStyles(colour: string): string {
  const light = accentFor(colour, 'light');
  const dark = accentFor(colour, 'dark');
  return `:root{--accent:light-dark(${light.accent},${dark.accent});--on-accent:light-dark(${light.onAccent},${dark.onAccent})}`;
}

/** WCAG 2.2's contrast ratio, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function readable(accent: string, mode: 'light' | 'dark'): boolean {
  return grounds[mode].every((ground) => contrast(accent, ground) >= leastContrast);
}

function luminance(colour: string): number {
  const [r, g, b] = linear(colour);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function linear(colour: string): Rgb {
  const channel = (at: number) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

// Björn Ottosson's OKLab matrices.
function oklab(colour: string): Rgb {
  const [r, g, b] = linear(colour);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function lightnessOf(colour: string): number {
  return oklab(colour)[0];
}

/** Out at both ends the channels are clipped: lightness 0 is black and 1 is white, so the search above always ends. */
function withLightness(colour: string, lightness: number): string {
  const bounded = Math.min(1, Math.max(0, lightness));
  const [, a, b] = oklab(colour);
  // Little room for colour is left near black and white: chroma shrinks with it instead of clipping to another hue.
  const room = Math.min(1, 4 * Math.min(bounded, 1 - bounded));
  const [l, m, s] = [
    bounded + 0.3963377774 * a * room + 0.2158037573 * b * room,
    bounded - 0.1055613458 * a * room - 0.0638541728 * b * room,
    bounded - 0.0894841775 * a * room - 1.291485548 * b * room,
  ].map((root) => root ** 3) as [number, number, number];
  return hex([
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ]);
}

function hex(channels: Rgb): string {
  const byte = (c: number) => {
    const bounded = Math.min(1, Math.max(0, c));
    const encoded = bounded <= 0.0031308 ? bounded * 12.92 : 1.055 * bounded ** (1 / 2.4) - 0.055;
    return Math.round(encoded * 255)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channels.map(byte).join('')}`;
}
