import { findTwoStep } from '../credentials/two-step.ts';
import {
  type KindContext,
  type KindName,
  kindNamed,
  type SecondStepMethod,
  secondStepKinds,
} from './second-step-kinds.ts';

/** What an account has to prove a second step with, and whether it is asked for. */
export type TwoStep = {
  on: boolean;
  /** The one asked first, then the stronger before the weaker, then the oldest first. */
  methods: SecondStepMethod[];
  /** It is on and hangs by one thread: the account's pages ask for a second method. */
  onlyOne: boolean;
};

export async function twoStepOf(ctx: KindContext, accountId: string): Promise<TwoStep> {
  const found = findTwoStep(ctx, accountId);
  const [state, ...lists] = await Promise.all([
    found,
    ...secondStepKinds().map((one) => one.list(ctx, accountId, found)),
  ]);
  const listed = secondStepKinds().flatMap(({ kind }, at) =>
    (lists[at] ?? []).map((method) => {
      const preferred = `${kind}.${method.id}` === state.preferred;
      return { ...method, kind, preferred };
    }),
  );
  const on = state.turnedOnAt !== null || listed.some(({ kind }) => kindNamed(kind).turnsOn);
  const methods = [...listed.filter((one) => one.preferred), ...listed.filter((one) => !one.preferred)];
  // An approval needs another device that is signed in: it saves nobody who lost the one method.
  const kept = methods.filter(({ kind }) => kind !== 'approval');
  return { on, methods, onlyOne: on && kept.length === 1 };
}

/** In the order in which they are offered. */
export async function secondStepMethods(ctx: KindContext, accountId: string): Promise<SecondStepMethod[]> {
  return (await twoStepOf(ctx, accountId)).methods;
}

/** A method as forms and progress name it: `<kind>.<id>`. */
export function methodName({ kind, id }: { kind: KindName; id: string }): string {
  return `${kind}.${id}`;
}

export function methodNamed<Method extends { kind: KindName; id: string }>(
  methods: readonly Method[],
  name: string | undefined,
): Method | undefined {
  return methods.find((method) => methodName(method) === name);
}
