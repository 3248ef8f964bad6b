import { type Level, levelOf, phishingResistant, twoFactors } from '../kit/levels.ts';
import type { SecondStepMethod } from './second-step-kinds.ts';

/** Whether this method, beside a first factor, proves so much (src/kit/levels.ts). */
export function reaches({ kind }: Pick<SecondStepMethod, 'kind'>, level: number): boolean {
  return level <= (kind === 'passkey' ? phishingResistant : twoFactors);
}

/** Of the methods those with which somebody who has proved `amr` comes up to the level; none when they are there. */
export function raising<Method extends Pick<SecondStepMethod, 'kind'>>(
  methods: readonly Method[],
  { amr, level }: { amr: readonly string[]; level: Level },
): Method[] {
  return levelOf(amr) >= level ? [] : methods.filter((method) => reaches(method, level));
}
