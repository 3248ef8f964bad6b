import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Look } from '../../src/web/page.ts';

const here = import.meta.dirname;
const assets = path.join(here, 'assets');

/** How the pages look: the layout, the parts, the style, the few browser scripts and the words. */
export const look: Look = {
  layout: path.join(here, 'layout.ejs'),
  problem: path.join(here, '..', 'problem.ejs'),
  parts: path.join(here, 'parts'),
  styles: [path.join(here, 'style.css')],
  assets: readdirSync(assets).map((name) => path.join(assets, name)),
  messages: [path.join(here, '..', 'messages')],
};
