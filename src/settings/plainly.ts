import { statSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { trustedProxies } from '../kit/trusted-proxies.ts';
import { readRedisAddress } from '../store/live-redis-address.ts';

/** What is wrong with a setting, in words for whoever typed it: the schema library's own are about its types. */
export function sayPlainly(issue: z.core.$ZodRawIssue): string | undefined {
  const unit = issue.origin === 'string' ? ' characters' : '';
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unit}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unit}`;
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(String).join(' or ')}`;
  return undefined;
}

export function checkProxies(proxies: readonly string[], problems: z.RefinementCtx<string[]>): void {
  for (const proxy of proxies)
    try {
      trustedProxies([proxy]);
    } catch {
      problems.addIssue({ code: 'custom', message: `${proxy} is not an address or a CIDR range` });
    }
}

const mostLogoBytes = 20_000;

export function checkLogo(file: string, problems: z.RefinementCtx<string>): void {
  const message = logoProblem(file);
  if (message) problems.addIssue({ code: 'custom', message });
}

function logoProblem(file: string): string | undefined {
  if (!['.svg', '.png'].includes(path.extname(file).toLowerCase())) return 'must be an SVG or a PNG file';
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) return `there is no file ${file}`;
  return found.size > mostLogoBytes ? 'the file is larger than 20 kB' : undefined;
}

export function checkRedisAddress(text: string, problems: z.RefinementCtx<string>): void {
  try {
    readRedisAddress(text);
  } catch (problem) {
    problems.addIssue({ code: 'custom', message: (problem as Error).message });
  }
}
