import { confirmName } from '../../src/actions/confirm-identity.ts';
import type { ConfirmMethod } from '../../src/actions/fresh-proof.ts';
import type { Translator } from '../../src/web/words.ts';
import { methodLine } from '../second-step/method-line.ts';

/** A method in the list of those that may give a fresh proof. */
export function confirmLine(words: Translator, method: ConfirmMethod) {
  if (method.kind !== 'password') return methodLine(words, method);
  const about = words.t('confirm.password.about');
  return {
    value: confirmName(method),
    icon: 'lock',
    kind: words.t('confirm.kind.password'),
    about,
    weak: false,
    useLabel: words.t('second-step.methods.use_named', { name: about }),
  };
}
