import type { SecondStepMethod } from '../../src/actions/second-step-kinds.ts';
import { methodName } from '../../src/actions/second-step-methods.ts';
import type { Translator } from '../../src/web/words.ts';
import { secondStepPart } from './kinds.ts';

/** A method in a list from which one is chosen: what it is, and the value of its button. */
export function methodLine(words: Translator, method: SecondStepMethod) {
  const { icon, about } = secondStepPart(method.kind);
  const said = about(words, method);
  return {
    value: methodName(method),
    icon,
    kind: words.t(`second-step.kind.${method.kind}`),
    about: said,
    weak: method.weak === true,
    useLabel: words.t('second-step.methods.use_named', { name: said }),
  };
}
